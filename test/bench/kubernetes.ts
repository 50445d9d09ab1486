import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Child } from '../../deploy/demo/child.ts';
import type { ApiClient } from '../../src/discovery/kubernetes/api/api-client.ts';
import { endpointShards } from '../../src/model/tables.ts';
import { ApiServer } from '../support/api-server/api-server.ts';
import { apiServerForTests } from '../support/api-server/programs.ts';
import { FollowedCluster } from '../support/followed-cluster.ts';
import { rounded, spreadOf, type Bench, type Report } from './report.ts';

/**
 * A cluster of 5,000 services and 50,000 endpoints with a pod behind each, on a real API server: how long `weir serve` takes until it is
 * ready, what it holds, how long its event loop is blocked (kubernetes K69, K71); then how long one change takes from its author to a row.
 */

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
  const weir = new Child({
    name: 'weir',
    command: fileURLToPath(new URL('../../bin/weir', import.meta.url)),
    args: ['serve', '--kubernetes', '--kubeconfig', server.kubeconfigPath, '--admin', '127.0.0.1:0'],
    logFile: join(folder, 'weir.log'),
  });
  try {
    const [, admin = ''] = await weir.line(/ready: .*admin (http:\/\/\S+?:\d+)/);
    const ready = performance.now() - start;
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    const of = (name: string): number => Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'm').exec(metrics)?.[1]);
    report.row('weir serve --kubernetes', {
      secondsToReady: rounded(ready / 1000),
      objects: of('weir_source_objects'),
      rssMB: rounded(of('process_resident_memory_bytes') / 2 ** 20),
      heapMB: rounded(of('nodejs_heap_size_used_bytes') / 2 ** 20),
      longestBlockMs: rounded(of('nodejs_eventloop_lag_max_seconds') * 1000),
      cpuSeconds: rounded(of('process_cpu_seconds_total')),
    });
  } finally {
    await weir.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const changesPerSecond = 50;
const changes = 500;

/** An endpoint of one slice after another becomes unready: from the request to the row. */
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
    const requests: Promise<unknown>[] = [];
    for (let index = 0; index < changes; index++) {
      const service = index % services;
      const { namespace, name } = nameOf(service);
      sent.set(`${namespace}/${name}.${namespace}.svc.cluster.local kubernetes/slices/${name}`, performance.now());
      const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices/${name}`;
      requests.push(
        server.client.request({ method: 'PUT', path, body: sliceOf(service, index + Math.floor(index / services)) }),
      );
      await delay(1000 / changesPerSecond);
    }
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
