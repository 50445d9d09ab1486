import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, stderr } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Envoy } from '../../deploy/demo/envoy.ts';
import { difference, histogramOf, quantileOf } from '../../deploy/demo/metrics.ts';
import { deliveryOf, startWeir, type Weir } from '../../deploy/demo/weir.ts';
import type { ApiClient } from '../../src/discovery/kubernetes/api/api-client.ts';
import { createTestClient } from '../support/api-server/test-client.ts';
import { ApiServer } from '../support/api-server/api-server.ts';
import { apiServerForTests } from '../support/api-server/programs.ts';
import { envoyForTests } from '../support/envoy.ts';
import { fillCluster, nameOf, sliceOf } from './cluster-world.ts';
import { rounded, spreadOf, type Bench, type Report } from './report.ts';
import { longestTurn, recordTurns } from './turns.ts';

/**
 * A cluster of 5,000 services and 50,000 endpoints with a pod behind each, on a real API server: how long `weir serve` takes until it is
 * ready, what it holds, how long its event loop is blocked (kubernetes K69, K71); then how long one change takes from its author to the ACK
 * of a real Envoy that is sent all of it.
 */

const launcher = fileURLToPath(new URL('../../bin/weir', import.meta.url));
const run = promisify(execFile);
const services = Number(env['WEIR_BENCH_SERVICES'] ?? 5_000);

export const kubernetesBench: Bench = {
  name: 'kubernetes',
  title: 'a real API server with 5,000 services and 50,000 pods (WEIR_BENCH_SERVICES); three minutes',
  async run(report) {
    const [programs, envoy] = [await apiServerForTests(), await envoyForTests()];
    if (programs === undefined) throw new Error('there is no kube-apiserver on this machine, and none can be built');
    if (envoy === undefined) throw new Error('there is no Envoy on this machine');
    const folder = await mkdtemp(join(tmpdir(), 'weir-bench-kubernetes-'));
    const server = await ApiServer.start({ programs, controllers: false });
    try {
      await fill(server, report);
      await measureServer(server, report);
      await measureWeir({ server, envoy, folder, report });
    } finally {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

interface Place {
  readonly server: ApiServer;
  /** The program. */
  readonly envoy: string;
  readonly folder: string;
  readonly report: Report;
}

function say(line: string): void {
  stderr.write(`  ${line}\n`);
}

async function fill(server: ApiServer, report: Report): Promise<void> {
  const start = performance.now();
  const { objects, megabytes } = await fillCluster(server, { services }, say);
  report.row('filled', { services, objects, MB: rounded(megabytes), seconds: secondsSince(start) });
}

/** What Weir needs, and one after the other. */
const collections = [
  '/api/v1/namespaces',
  '/api/v1/services',
  '/apis/discovery.k8s.io/v1/endpointslices',
  '/api/v1/nodes',
  '/api/v1/pods',
];

/** How long the server itself takes to send everything, to a client that looks at nothing of it. */
async function measureServer(server: ApiServer, report: Report): Promise<void> {
  const start = performance.now();
  const serverBefore = await cpuSecondsOf(server.pid('kube-apiserver'));
  const ownBefore = process.cpuUsage();
  let bytes = 0;
  for (const path of collections) bytes += await readInitialEvents(server.client, path);
  const { user, system } = process.cpuUsage(ownBefore);
  report.row('the server alone: a client that only receives the same objects', {
    seconds: secondsSince(start),
    MB: rounded(bytes / 1e6),
    clientCpuSeconds: rounded((user + system) / 1e6),
    serverCpuSeconds: rounded((await cpuSecondsOf(server.pid('kube-apiserver'))) - serverBefore),
  });
  say('the server has sent everything once');
}

/** @returns the bytes of the set that a watch begins with */
async function readInitialEvents(client: ApiClient, path: string): Promise<number> {
  // Without a version it is what is true now, however far behind the server's own memory is.
  const initial = { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' };
  const query = { watch: 'true', allowWatchBookmarks: 'true', ...initial };
  let bytes = 0;
  for await (const line of await client.lines({ path, query }, AbortSignal.timeout(120_000))) {
    bytes += line.length;
    if (line.length < 1_000 && line.includes('k8s.io/initial-events-end')) break;
  }
  return bytes;
}

async function measureWeir(place: Place): Promise<void> {
  const { server, folder, report } = place;
  const [start, serverBefore] = [performance.now(), await cpuSecondsOf(server.pid('kube-apiserver'))];
  const logFile = join(folder, 'weir.log');
  const turns = recordTurns(join(folder, 'turns'));
  const flags = ['--kubernetes', '--kubeconfig', server.kubeconfigPath];
  const weir = await startWeir({ logFile, flags, prefix: turns.prefix });
  try {
    const [ready, page] = [secondsSince(start), await metricsOf(weir)];
    say('weir is ready');
    // Before, there is nothing that could be held up.
    const startedAt = Date.parse(/"time":"([^"]+)"/.exec(await readFile(logFile, 'utf8'))?.[1] ?? '');
    report.row('weir serve --kubernetes, until it is ready', {
      seconds: ready,
      objects: figure(page, 'weir_source_objects'),
      cpuSeconds: rounded(figure(page, 'process_cpu_seconds_total')),
      serverCpuSeconds: rounded((await cpuSecondsOf(server.pid('kube-apiserver'))) - serverBefore),
      ...(await longestTurn(turns, startedAt)),
      ...(await memoryOf(weir)),
    });
    await measureEnvoy(place, weir, turns);
  } finally {
    await weir.child.stop();
  }
}

/** A real Envoy that is sent all services, and changes of them. */
async function measureEnvoy(place: Place, weir: Weir, turns: ReturnType<typeof recordTurns>): Promise<void> {
  const { report, folder } = place;
  const workload = ['--workload', 'client', '--namespace', 'ns-0', '--ip', '10.200.0.1', '--interception', 'none'];
  const { stdout } = await run(launcher, ['bootstrap', ...workload, '--xds', weir.xds, '--admin-port', '0']);
  const bootstrap: unknown = JSON.parse(stdout);
  const [connected, connectedAt] = [performance.now(), Date.now()];
  const envoy = await Envoy.start({
    binary: place.envoy,
    bootstrap,
    name: 'envoy',
    logFile: join(folder, 'envoy.log'),
  });
  try {
    await envoy.ready();
    const settled = async (): Promise<boolean> => !(await deliveryOf(weir)).isPending;
    await envoy.until(settled);
    report.row(`Envoy has all ${services} services`, {
      seconds: secondsSince(connected),
      rejected: await envoy.stat('cluster_manager.cds.update_rejected'),
      ...(await longestTurn(turns, connectedAt)),
      ...(await memoryOf(weir)),
    });
    say('Envoy has everything');
    await measureChanges(place, weir, turns, () => envoy.until(settled));
  } finally {
    await envoy.stop();
  }
}

const changesPerSecond = 50;
const changes = 500;

/** An endpoint of one slice after another becomes unready: from the request to the event, and from the event that Weir hears to the ACK. */
async function measureChanges(
  { server, report }: Place,
  weir: Weir,
  turns: ReturnType<typeof recordTurns>,
  settled: () => Promise<void>,
): Promise<void> {
  const latencies = async () => histogramOf(await metricsOf(weir), 'weir_push_latency_seconds', ackOfEndpoints);
  const [before, startedAt] = [await latencies(), Date.now()];
  const heard = spreadOf(await changeSlices(server));
  await settled();
  const after = difference(await latencies(), before);
  const acked = (quantile: number) => rounded((quantileOf(after, quantile) ?? NaN) * 1000);
  report.row(`a patch of a slice, ${changesPerSecond} a second, until the server tells of it`, {
    patches: changes,
    msMedian: rounded(heard.median),
    msP99: rounded(heard.p99),
  });
  report.row('from there to the ACK of Envoy', {
    acks: after.count,
    msMedian: acked(0.5),
    msP99: acked(0.99),
    ...(await longestTurn(turns, startedAt)),
    ...(await memoryOf(weir)),
  });
}

const ackOfEndpoints = { stage: 'total', source: 'kubernetes', type: 'eds' };

/** @returns milliseconds from each request to its event, as another client hears it */
async function changeSlices({ url, ca, token, client }: ApiServer): Promise<readonly number[]> {
  const watching = createTestClient(url, { ca, token });
  const sent = new Map<string, number>();
  const samples: number[] = [];
  try {
    const path = '/apis/discovery.k8s.io/v1/endpointslices';
    const newest = (await client.request({ path, query: { limit: '1' } })).body as ListHead;
    const query = { watch: 'true', resourceVersion: newest.metadata.resourceVersion };
    const lines = await watching.lines({ path, query }, AbortSignal.timeout(120_000));
    const patching = patchSlices(client, sent);
    for await (const line of lines) {
      const now = performance.now();
      const { object } = JSON.parse(line.toString()) as { readonly object: { readonly metadata: { name: string } } };
      const at = sent.get(object.metadata.name);
      if (at !== undefined && sent.delete(object.metadata.name)) samples.push(now - at);
      if (samples.length === changes) break;
    }
    await patching;
    return samples;
  } finally {
    watching.close();
  }
}

interface ListHead {
  readonly metadata: { readonly resourceVersion: string };
}

/** @param sent is told when the patch of each slice was sent */
async function patchSlices(client: ApiClient, sent: Map<string, number>): Promise<void> {
  const requests: Promise<unknown>[] = [];
  const start = performance.now();
  for (let index = 0; index < changes; index++) {
    const service = index % services;
    const { namespace, name } = nameOf(service);
    const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices/${name}`;
    // Another one each time that the slice has its turn.
    const { endpoints } = sliceOf(service, index + Math.floor(index / services));
    sent.set(name, performance.now());
    requests.push(
      client.request({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body: { endpoints } }),
    );
    await delay(Math.max(0, start + ((index + 1) * 1000) / changesPerSecond - performance.now()));
  }
  await Promise.all(requests);
}

export async function metricsOf(weir: Weir): Promise<string> {
  return (await fetch(`${weir.admin}/metrics`)).text();
}

export function figure(page: string, name: string): number {
  return Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'm').exec(page)?.[1]);
}

/** Resident memory, and the most that it ever was. */
export async function memoryOf({ child }: Weir): Promise<{ readonly rssMB: number; readonly peakRssMB: number }> {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
  const of = (name: string): number => rounded(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
  return { rssMB: of('VmRSS'), peakRssMB: of('VmHWM') };
}

/** Of all threads of a process, in the hundredths of a second in which Linux counts. */
async function cpuSecondsOf(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

export function secondsSince(start: number): number {
  return rounded((performance.now() - start) / 1000);
}
