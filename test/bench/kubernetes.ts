import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Envoy } from '../../deploy/demo/envoy.ts';
import { difference, histogramOf, quantileOf } from '../../deploy/demo/metrics.ts';
import { deliveryOf, startWeir, type Weir } from '../../deploy/demo/weir.ts';
import type { ApiClient } from '../../src/discovery/kubernetes/api/api-client.ts';
import { endpointShards } from '../../src/model/tables.ts';
import { ApiServer } from '../support/api-server/api-server.ts';
import { envoyForTests } from '../support/envoy.ts';
import { apiServerForTests } from '../support/api-server/programs.ts';
import { FollowedCluster } from '../support/followed-cluster.ts';
import { rounded, spreadOf, type Bench, type Report } from './report.ts';

/**
 * A cluster of 5,000 services and 50,000 endpoints with a pod behind each, on a real API server: how long `weir serve` takes until it is
 * ready, what it holds, how long its event loop is blocked (kubernetes K69, K71); then how long one change takes from its author to a row.
 */

const launcher = fileURLToPath(new URL('../../bin/weir', import.meta.url));
const run = promisify(execFile);
const services = Number(env['WEIR_BENCH_SERVICES'] ?? 5_000);
const endpointsEach = 10;
const servicesPerNamespace = 100;
const writers = 24;

export const kubernetesBench: Bench = {
  name: 'kubernetes',
  title: 'a real API server with 5,000 services and 50,000 pods (WEIR_BENCH_SERVICES); takes minutes to fill',
  async run(report) {
    const programs = await apiServerForTests();
    if (programs === undefined) throw new Error('there is no kube-apiserver on this machine, and none can be built');
    const server = await ApiServer.start({ programs, controllers: false });
    try {
      const filled = await timed(() => fill(server.client));
      report.row('filled', { services, pods: services * endpointsEach, seconds: rounded(filled / 1000) });
      await measureStart(server, report);
      await measureChanges(server, report);
    } finally {
      await server.stop();
    }
  },
};

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function measureStart(server: ApiServer, report: Report): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-bench-kubernetes-'));
  const start = performance.now();
  const flags = ['--kubernetes', '--kubeconfig', server.kubeconfigPath];
  const weir = await startWeir({ logFile: join(folder, 'weir.log'), flags });
  try {
    const ready = performance.now() - start;
    const page = await metricsOf(weir);
    const of = (name: string): number => Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'm').exec(page)?.[1]);
    report.row('weir serve --kubernetes', {
      secondsToReady: rounded(ready / 1000),
      objects: of('weir_source_objects'),
      rssMB: rounded(of('process_resident_memory_bytes') / 2 ** 20),
      heapMB: rounded(of('nodejs_heap_size_used_bytes') / 2 ** 20),
      longestBlockMs: rounded(of('nodejs_eventloop_lag_max_seconds') * 1000),
      cpuSeconds: rounded(of('process_cpu_seconds_total')),
    });
    await measureAcks(server, weir, folder, report);
  } finally {
    await weir.child.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function metricsOf(weir: Weir): Promise<string> {
  return (await fetch(`${weir.admin}/metrics`)).text();
}

/** From the event that Weir hears to the ACK of a real Envoy that is sent all services. */
async function measureAcks(server: ApiServer, weir: Weir, folder: string, report: Report): Promise<void> {
  const binary = await envoyForTests();
  if (binary === undefined) throw new Error('there is no Envoy on this machine');
  const workload = ['--workload', 'client', '--namespace', 'ns-0', '--ip', '10.200.0.1', '--interception', 'none'];
  const { stdout } = await run(launcher, ['bootstrap', ...workload, '--xds', weir.xds, '--admin-port', '0']);
  const bootstrap: unknown = JSON.parse(stdout);
  const envoy = await Envoy.start({ binary, bootstrap, name: 'envoy', logFile: join(folder, 'envoy.log') });
  try {
    const connected = performance.now();
    await envoy.ready();
    const settled = async (): Promise<boolean> => !(await deliveryOf(weir)).isPending;
    await envoy.until(settled);
    const secondsToReady = rounded((performance.now() - connected) / 1000);
    const latencies = async () => histogramOf(await metricsOf(weir), 'weir_push_latency_seconds', ackOfEndpoints);
    const before = await latencies();
    await Promise.all(await changeSlices(server.client, () => undefined));
    await envoy.until(settled);
    const after = difference(await latencies(), before);
    const milliseconds = (quantile: number) => rounded((quantileOf(after, quantile) ?? NaN) * 1000);
    report.row(`Envoy with all ${services} services; a change of a slice, ${changesPerSecond} a second, to its ACK`, {
      secondsToReady,
      rejected: await envoy.stat('cluster_manager.cds.update_rejected'),
      acks: after.count,
      msMedian: milliseconds(0.5),
      msP99: milliseconds(0.99),
    });
  } finally {
    await envoy.stop();
  }
}

const ackOfEndpoints = { stage: 'total', source: 'kubernetes', type: 'eds' };

const changesPerSecond = 50;
const changes = 500;

/**
 * An endpoint of one slice after another becomes unready.
 *
 * @param sending called before each request
 */
async function changeSlices(
  client: ApiClient,
  sending: (service: ReturnType<typeof nameOf>) => void,
): Promise<readonly Promise<unknown>[]> {
  const requests: Promise<unknown>[] = [];
  for (let index = 0; index < changes; index++) {
    const service = index % services;
    const named = nameOf(service);
    sending(named);
    const path = `/apis/discovery.k8s.io/v1/namespaces/${named.namespace}/endpointslices/${named.name}`;
    const change = ++changesMade + Math.floor(index / services);
    requests.push(client.request({ method: 'PUT', path, body: sliceOf(service, change) }));
    await delay(1000 / changesPerSecond);
  }
  return requests;
}

/** So that no slice is written as it is. */
let changesMade = 0;

/** From the request to the row. */
async function measureChanges(server: ApiServer, report: Report): Promise<void> {
  const followed = await FollowedCluster.start(server.kubeconfig);
  try {
    await followed.until(() => followed.source()?.freshness === 'synced');
    const sent = new Map<string, number>();
    const samples: number[] = [];
    followed.engine.onCommit(({ changedRows }) => {
      const now = performance.now();
      for (const { table, key } of changedRows) {
        const at = table === endpointShards.name ? sent.get(key) : undefined;
        if (at !== undefined) samples.push(now - at);
        sent.delete(key);
      }
    });
    const requests = await changeSlices(server.client, ({ namespace, name }) =>
      sent.set(`${namespace}/${name}.${namespace}.svc.cluster.local kubernetes/slices/${name}`, performance.now()),
    );
    await Promise.all(requests);
    await followed.until(() => sent.size === 0);
    const { median, p99, max } = spreadOf(samples);
    report.row(`a change of a slice, ${changesPerSecond} a second`, {
      msMedian: rounded(median),
      msP99: rounded(p99),
      msMax: rounded(max),
    });
  } finally {
    await followed.stop();
  }
}

async function fill(client: ApiClient): Promise<void> {
  const create = (path: string, body: object) => client.request({ method: 'POST', path, body });
  await inParallel(Math.ceil(services / servicesPerNamespace), (index) =>
    create('/api/v1/namespaces', { metadata: { name: `ns-${index}` } }),
  );
  await inParallel(30, (index) =>
    create('/api/v1/nodes', { metadata: { name: `node-${index}`, labels: zoneOf(index) } }),
  );
  await inParallel(services, async (index) => {
    const { namespace, name } = nameOf(index);
    const spec = { clusterIP: 'None', selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] };
    await create(`/api/v1/namespaces/${namespace}/services`, { metadata: { name }, spec });
    await create(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, sliceOf(index));
    for (let pod = 0; pod < endpointsEach; pod++)
      await create(`/api/v1/namespaces/${namespace}/pods`, podOf(index, pod));
  });
}

function nameOf(index: number): { readonly namespace: string; readonly name: string } {
  return { namespace: `ns-${Math.floor(index / servicesPerNamespace)}`, name: `service-${index}` };
}

function zoneOf(index: number) {
  return { 'topology.kubernetes.io/region': 'eu', 'topology.kubernetes.io/zone': `eu-${index % 3}` };
}

/** @param change makes one endpoint unready, and another one the next time */
function sliceOf(index: number, change?: number) {
  const { namespace, name } = nameOf(index);
  const endpoints = Array.from({ length: endpointsEach }, (_, pod) => ({
    addresses: [addressOf(index, pod)],
    conditions: { ready: change === undefined || change % endpointsEach !== pod, serving: true, terminating: false },
    nodeName: `node-${pod % 30}`,
    targetRef: { kind: 'Pod', namespace, name: `${name}-${pod}` },
  }));
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints,
  };
}

/** As large as pods are: most of it is what nobody reads. */
function podOf(index: number, pod: number) {
  const { name } = nameOf(index);
  const environment = Array.from({ length: 20 }, (_, number) => ({ name: `SETTING_${number}`, value: 'x'.repeat(80) }));
  const container = {
    image: `registry.example/${name}:1`,
    env: environment,
    ports: [{ name: 'http', containerPort: 8080 }],
  };
  return {
    metadata: {
      name: `${name}-${pod}`,
      labels: { app: name, version: `v${pod % 2}`, 'pod-template-hash': '5d4f8c7b9' },
      annotations: { note: 'y'.repeat(500) },
    },
    spec: {
      nodeName: `node-${pod % 30}`,
      serviceAccountName: name,
      automountServiceAccountToken: false,
      containers: ['app', 'helper'].map((each) => ({ ...container, name: each })),
    },
  };
}

function addressOf(index: number, pod: number): string {
  const number = index * endpointsEach + pod;
  return `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
}

/** Does some of the work at once, until all of it is done. */
async function inParallel(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: writers }, worker));
}
