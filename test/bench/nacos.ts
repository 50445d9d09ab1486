import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Envoy } from '../../deploy/demo/envoy.ts';
import { difference, histogramOf, quantileOf } from '../../deploy/demo/metrics.ts';
import { deliveryOf, startWeir, type Weir } from '../../deploy/demo/weir.ts';
import { envoyForTests } from '../support/envoy.ts';
import { FakeNacos } from '../support/fake-nacos/fake-nacos.ts';
import type { FakeInstance } from '../support/fake-nacos/held-services.ts';
import { figure, memoryOf, metricsOf, secondsSince } from './kubernetes.ts';
import { rounded, type Bench, type Report } from './report.ts';

/**
 * A Nacos with 5,000 services and 50,000 instances, played: how long `weir serve` takes until it has them, what it holds more than without
 * them, what pushes cost that say nothing new, and how long a push takes to the ACK of a real Envoy that is sent all of it.
 */

const launcher = fileURLToPath(new URL('../../bin/weir', import.meta.url));
const run = promisify(execFile);
const services = Number(env['WEIR_BENCH_SERVICES'] ?? 5_000);
const instancesEach = 10;

export const nacosBench: Bench = {
  name: 'nacos',
  title: 'a played Nacos with 5,000 services and 50,000 instances (WEIR_BENCH_SERVICES); a minute',
  async run(report) {
    const envoy = await envoyForTests();
    if (envoy === undefined) throw new Error('there is no Envoy on this machine');
    const folder = await mkdtemp(join(tmpdir(), 'weir-bench-nacos-'));
    const nacos = await FakeNacos.start({ version: '2.5', pushDelay: 0 });
    try {
      const empty = await measureEmpty(nacos, folder);
      for (let index = 0; index < services; index++) nacos.services.set(nameOf(index), instancesOf(index, 0));
      await measureFull({ nacos, envoy, folder, report }, empty);
    } finally {
      await nacos.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

interface Place {
  readonly nacos: FakeNacos;
  /** The program. */
  readonly envoy: string;
  readonly folder: string;
  readonly report: Report;
}

function start(nacos: FakeNacos, folder: string): Promise<Weir> {
  return startWeir({ logFile: join(folder, 'weir.log'), flags: ['--nacos', `127.0.0.1:${nacos.ports.http}`] });
}

/** @returns resident megabytes of a Weir whose Nacos has nothing */
async function measureEmpty(nacos: FakeNacos, folder: string): Promise<number> {
  const weir = await start(nacos, folder);
  try {
    return (await memoryOf(weir)).rssMB;
  } finally {
    await weir.child.stop();
  }
}

async function measureFull(place: Place, empty: number): Promise<void> {
  const { nacos, folder, report } = place;
  const began = performance.now();
  const weir = await start(nacos, folder);
  try {
    const seconds = secondsSince(began);
    const [page, { rssMB }] = [await metricsOf(weir), await memoryOf(weir)];
    report.row('weir serve --nacos, until it is ready', {
      seconds,
      cpuSeconds: rounded(figure(page, 'process_cpu_seconds_total')),
      services: figure(page, 'weir_nacos_services'),
      rssMB,
      moreRssMB: rounded(rssMB - empty),
    });
    await measureRepeats(place, weir, empty);
    await measureEnvoy(place, weir);
  } finally {
    await weir.child.stop();
  }
}

/** Every service is pushed once more as it is. */
async function measureRepeats({ nacos, report }: Place, weir: Weir, empty: number): Promise<void> {
  const unchanged = async (): Promise<number> => figure(await metricsOf(weir), 'weir_nacos_unchanged_total');
  const commits = async (): Promise<number> => figure(await metricsOf(weir), 'weir_commits_total');
  const cpu = async (): Promise<number> => figure(await metricsOf(weir), 'process_cpu_seconds_total');
  // The pushes that follow the subscriptions come first.
  await settle(unchanged, services);
  const [known, commitsBefore, cpuBefore] = [await unchanged(), await commits(), await cpu()];
  for (let index = 0; index < services; index++) nacos.push(nameOf(index));
  await settle(unchanged, known + services);
  const { rssMB } = await memoryOf(weir);
  report.row('every service pushed again, as it is', {
    pushes: services,
    commits: (await commits()) - commitsBefore,
    usOfCpuEach: rounded((((await cpu()) - cpuBefore) / services) * 1e6),
    moreRssMB: rounded(rssMB - empty),
  });
}

async function settle(count: () => Promise<number>, wanted: number): Promise<void> {
  for (let attempt = 0; (await count()) < wanted && attempt < 300; attempt++) await delay(100);
}

const changes = 500;
const changesPerSecond = 50;
const ackOfEndpoints = { stage: 'total', source: 'nacos', type: 'eds' };

/** A real Envoy that is sent all services, and changes of them. */
async function measureEnvoy({ nacos, envoy: binary, folder, report }: Place, weir: Weir): Promise<void> {
  const workload = ['--workload', 'client', '--namespace', 'public', '--ip', '10.200.0.1', '--interception', 'none'];
  const { stdout } = await run(launcher, ['bootstrap', ...workload, '--xds', weir.xds, '--admin-port', '0']);
  const connected = performance.now();
  const logFile = join(folder, 'envoy.log');
  const envoy = await Envoy.start({ binary, bootstrap: JSON.parse(stdout) as unknown, name: 'envoy', logFile });
  try {
    await envoy.ready();
    const settled = async (): Promise<boolean> => !(await deliveryOf(weir)).isPending;
    await envoy.until(settled);
    report.row(`Envoy has all ${services} services`, { seconds: secondsSince(connected) });
    const latencies = async () => histogramOf(await metricsOf(weir), 'weir_push_latency_seconds', ackOfEndpoints);
    const before = await latencies();
    const began = performance.now();
    for (let index = 0; index < changes; index++) {
      nacos.services.set(nameOf(index % services), instancesOf(index, 1));
      await delay(Math.max(0, began + ((index + 1) * 1000) / changesPerSecond - performance.now()));
    }
    await envoy.until(settled);
    const after = difference(await latencies(), before);
    const acked = (quantile: number) => rounded((quantileOf(after, quantile) ?? Number.NaN) * 1000);
    report.row(`from a push, ${changesPerSecond} a second, to the ACK of Envoy`, {
      acks: after.count,
      msMedian: acked(0.5),
      msP99: acked(0.99),
    });
  } finally {
    await envoy.stop();
  }
}

function nameOf(index: number) {
  return { service: `service-${index}` };
}

/** @param round another one: another first instance */
function instancesOf(service: number, round: number): readonly FakeInstance[] {
  return Array.from({ length: instancesEach }, (_, index) => ({
    ip: `10.${100 + (index === 0 ? round : 0)}.${(service >> 4) & 255}.${((service & 15) << 4) + index}`,
    port: 8080,
    metadata: { version: `v${index % 2}`, 'preserved.register.source': 'SPRING_CLOUD', zone: `zone-${index % 3}` },
  }));
}
