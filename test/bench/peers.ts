import { dependentSidecars } from '../../src/bench/end-to-end.ts';
import { windowsOf } from '../../src/bench/load/plan.ts';
import { Processes } from './processes.ts';
import { rounded, spreadOf, type Bench, type Report } from './report.ts';
import { Scene, type SeriesFigures } from './scene.ts';

/**
 * The work that istiod and go-control-plane were measured at, done by Weir (hot-path H1430 to H1440): the worst case, in which every
 * sidecar wants every name. Their figures are those that the specification records, from another run of another machine: orders
 * of magnitude are to be compared, and the goals.
 */

const services = 1_000;
const endpointsPerService = 10;
/** Milliseconds: a change that is alone, as those of the others were. */
const pause = 50;

export const peersBench: Bench = {
  name: 'peers',
  title: 'what istiod and go-control-plane were measured at',
  run: async (report) => {
    await measureSharedWorld(report);
    await measureScoped(report);
    await measureManyServices(report);
  },
};

interface Recorded {
  readonly goal: string;
  readonly istiod: string;
  readonly gcp: string;
}

function row(report: Report, work: string, weir: string, { goal, istiod, gcp }: Recorded): void {
  report.row(work, { weir, goal, istiod, 'go-control-plane': gcp });
}

const oneChange: Readonly<Record<number, Recorded & { readonly item: string }>> = {
  100: { item: 'H1430', goal: '4 ms, 25 us', istiod: '19-119 ms, 197-223 us', gcp: '45-118 ms, 1019-1692 us' },
  500: { item: 'H1431', goal: '15 ms, 22 us', istiod: '60-168 ms, 201-206 us', gcp: '346-369 ms, 1323-1327 us' },
  1000: { item: 'H1432', goal: '30 ms, 22 us', istiod: '', gcp: '671-1064 ms, 1142-1428 us' },
};

function delivery({ toLastMs, sendAndAckUs }: SeriesFigures): string {
  return `${rounded(toLastMs)} ms, ${rounded(sendAndAckUs)} us`;
}

/** 1,000 services, and sidecars that want all of them. */
async function measureSharedWorld(report: Report): Promise<void> {
  await using processes = new Processes();
  const scene = await Scene.start(processes, { services, endpointsPerService });
  for (const [count, recorded] of Object.entries(oneChange)) {
    const streams = Number(count);
    const empty = await scene.usage();
    await scene.open(scene.everyAssignment('all', streams, services));
    const synced = await scene.usage();
    const figures = await scene.series('all', {
      kind: 'endpoint',
      service: 7,
      streams,
      pushes: 12,
      warmups: 8,
      settle: 0,
      pause,
    });
    row(
      report,
      `${recorded.item} one endpoint, ${streams} streams: last stream, CPU per push and ACK`,
      delivery(figures),
      recorded,
    );
    if (streams !== 500) continue;
    const residentKB = (synced.residentBytes - empty.residentBytes) / 1000 / streams;
    row(report, 'H1438 resident memory per stream, 500 streams', `${rounded(residentKB)} KB`, {
      goal: '60 KB',
      istiod: '622-1800 KB',
      gcp: '655-1266 KB',
    });
    await measureStaleness(report, scene);
  }
  await scene.load.call('close', 'all');
  await measureRoutes(report, scene);
  await measureStalledReaders(report, scene);
  await measureConnecting(report, scene);
}

async function measureStaleness(report: Report, { weir }: Scene): Promise<void> {
  const churn = await weir.call('churn', { services, changesPerSecond: 100, seconds: 5 });
  const { median, p99 } = spreadOf([...churn.toLastAck]);
  const held = rounded(churn.changes / churn.seconds);
  const seconds = (ms: number): string => (ms < 1_000 ? `${rounded(ms)} ms` : `${rounded(ms / 1000)} s`);
  row(
    report,
    'H1434 100 changes/s, 500 streams: at all streams p50 / p99',
    `${seconds(median)} / ${seconds(p99)} at ${held}/s`,
    {
      goal: '50 / 150 ms',
      istiod: '5.7-12.2 / 10.9-25 s',
      gcp: 'reached 2.7-8.8/s',
    },
  );
}

async function measureRoutes(report: Report, scene: Scene): Promise<void> {
  const streams = 500;
  const opened = await scene.open(scene.sharedRoutes('routes', streams));
  const figures = await scene.series('routes', {
    kind: 'route',
    service: 7,
    streams,
    pushes: 6,
    warmups: 3,
    settle: 0,
    pause,
  });
  const bytes = opened.totals.bytes / opened.totals.messages / 1000;
  await scene.load.call('close', 'routes');
  row(
    report,
    'H1433 one VirtualService of 1,000 on a port, 500 streams: last stream, CPU and bytes per stream (whole)',
    `${rounded(figures.toLastMs)} ms, ${rounded(figures.sendAndAckUs / 1000)} ms, ${rounded(bytes)} KB`,
    { goal: '250 ms, 0.4 ms', istiod: '1331-1388 ms, 4.3-4.5 ms, 411 KB', gcp: '' },
  );
}

/** 70 sidecars read on, 30 stop; both want everything. */
async function measureStalledReaders(report: Report, scene: Scene): Promise<void> {
  const readers = 70;
  const plan = { kind: 'endpoint', service: 7, streams: readers, pushes: 15, warmups: 5, settle: 0, pause } as const;
  await scene.open(scene.everyAssignment('readers', readers, services));
  const before = await scene.series('readers', plan);
  await scene.open(scene.everyAssignment('stalled', 30, services, { windows: windowsOf.small }));
  await scene.load.call('behave', { name: 'stalled', ack: { kind: 'never' }, grants: false });
  const during = await scene.series('readers', plan);
  await scene.load.call('close', 'stalled');
  await scene.load.call('close', 'readers');
  row(
    report,
    'H1439 30 of 100 stop reading: last of the 70 others before and after',
    `${rounded(before.toLastMs)} ms, ${rounded(during.toLastMs)} ms`,
    { goal: '+10 %', istiod: 'all frozen', gcp: 'unaffected' },
  );
}

async function measureConnecting(report: Report, scene: Scene): Promise<void> {
  const streams = 500;
  const { resources, bytes } = await scene.oneOf(scene.wholeView('crowd', 1, services, 2 * services));
  const before = await scene.usage();
  await scene.weir.call('watchPeak', undefined);
  const opened = await scene.open(scene.wholeView('crowd', streams, services, resources));
  const peak = await scene.weir.call('peak', undefined);
  const after = await scene.weir.call('usage', false);
  const { median, max } = spreadOf([...opened.milliseconds]);
  const cpu = (after.cpuMicroseconds - before.cpuMicroseconds) / 1000 / streams;
  row(
    report,
    'H1437 500 connect at once: p50 / max, CPU per stream, peak memory, MB each',
    `${rounded(median / 1000)} / ${rounded(max / 1000)} s, ${rounded(cpu)} ms, ${Math.round(peak.residentBytes / 1e6)} MB, ${rounded(bytes / 1e6)} MB`,
    {
      goal: '0.8 / 1.5 s, 2 ms, 200 MB',
      istiod: '14.8 / 43.7 s, 86 ms, 942 MB, 2.1-2.7 MB',
      gcp: '1.2-10.3 / 1.7-16 s, 4-58 ms, 347-712 MB',
    },
  );
}

/** 5,000 services, and sidecars that want 50 of them each. */
async function measureScoped(report: Report): Promise<void> {
  await using processes = new Processes();
  const world = { services: 5_000, endpointsPerService };
  const scene = await Scene.start(processes, world);
  const plan = { sidecars: 1_000, services: world.services, dependencies: 50 };
  await scene.open(dependentSidecars('scoped', scene.address, plan));
  const recorded = {
    200: { item: 'H1435', goal: '1 / 3 ms, 12 %', istiod: '', gcp: '1.06 / 3.05 ms, 63 % (snapshot: 0.5/s)' },
    2000: { item: 'H1436', goal: '2000/s, p99 50 ms', istiod: '', gcp: '505/s, 124 %' },
  } as const;
  for (const [rate, known] of Object.entries(recorded)) {
    const changesPerSecond = Number(rate);
    await scene.weir.call('churn', { services: world.services, changesPerSecond, seconds: 1 });
    const churn = await scene.weir.call('churn', { services: world.services, changesPerSecond, seconds: 4 });
    const { median, p99 } = spreadOf([...churn.toAck]);
    const held = rounded(churn.changes / churn.seconds);
    row(
      report,
      `${known.item} scoped, ${rate} changes/s: p50 / p99 to ACK, share of a core`,
      `${rounded(median)} / ${rounded(p99)} ms, ${rounded(churn.cpuShare * 100)} %, ${held}/s`,
      known,
    );
  }
}

async function measureManyServices(report: Report): Promise<void> {
  await using processes = new Processes();
  const many = 5_000;
  const scene = await Scene.start(processes, { services: many, endpointsPerService });
  await scene.open(scene.everyAssignment('all', 100, many));
  const plan = { kind: 'endpoint', service: 7, streams: 100, pushes: 20, warmups: 10, settle: 0, pause } as const;
  const figures = await scene.series('all', plan);
  row(
    report,
    'H1440 50,000 endpoints, 100 streams, one endpoint: last stream, CPU per push and ACK',
    delivery(figures),
    {
      goal: '4 ms, 25 us',
      istiod: '',
      gcp: '615-646 ms, 9100-9300 us',
    },
  );
}
