import type { TransportKind } from '../../src/xds/transport/transport-kinds.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { transportKinds } from '../../src/xds/transport/transport-kinds.ts';
import type { WorldSize } from '../../src/bench/world.ts';
import { Processes } from './processes.ts';
import { rounded, spreadOf, type Bench, type Report } from './report.ts';
import { Scene } from './scene.ts';

/**
 * All sidecars connect at once (hot-path H1329): with nothing, and get 5,000 clusters and load assignments of about 12.75 MB; with
 * everything, and get nothing. Then what a sidecar costs that only stays.
 */

const world: WorldSize = { services: 5_000, endpointsPerService: 85 };

export const stormBench: Bench = {
  name: 'storm',
  title: 'sidecars connect at once, with nothing and with everything',
  run: async (report) => {
    for (const transport of transportKinds) await measureStorms(report, transport, world, [50, 300]);
  },
};

export interface Storm {
  readonly resources: number;
  readonly megabytesEach: number;
  readonly secondsToMedian: number;
  readonly secondsToLast: number;
  readonly cpuMsEach: number;
  readonly peakMB: number;
  readonly worstLagMs: number;
}

async function measureStorms(
  report: Report,
  transport: TransportKind,
  size: WorldSize,
  counts: readonly number[],
): Promise<void> {
  await using processes = new Processes();
  const scene = await Scene.start(processes, size, transport);
  for (const count of counts) {
    const full = await measureFullStorm(scene, size, count);
    report.row(`${transport}: ${count} with nothing`, figuresOf(full));
    const matching = await measureMatchingStorm(scene, count);
    report.row(`${transport}: ${count} with matching versions`, figuresOf(matching));
  }
}

function figuresOf({ resources, ...figures }: Storm) {
  return { resources, ...Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, rounded(value)])) };
}

export async function measureFullStorm(scene: Scene, { services }: WorldSize, count: number): Promise<Storm> {
  const plan = (complete: number) => scene.clustersAndAssignments('storm', count, services, complete);
  const { resources } = await scene.oneOf(plan(2 * services));
  return measure(scene, count, () => scene.open({ ...plan(resources), deadline: 120_000 }));
}

export async function measureMatchingStorm(scene: Scene, count: number): Promise<Storm> {
  const held = await scene.weir.call('held', undefined);
  const plan = scene.reconnecting('storm', count, held);
  return measure(scene, count, async () => {
    const opened = await scene.open(plan);
    // What should not come has no end to wait for.
    await delay(1_000);
    return opened;
  });
}

async function measure(scene: Scene, count: number, open: () => ReturnType<Scene['open']>): Promise<Storm> {
  const before = await scene.usage();
  await scene.weir.call('watchPeak', undefined);
  const opened = await open();
  const peak = await scene.weir.call('peak', undefined);
  const after = await scene.weir.call('usage', false);
  const totals = await scene.load.call('totals', 'storm');
  await scene.load.call('close', 'storm');
  // The streams' ends are worked off before anything else is measured.
  await delay(500);
  const { median, max } = spreadOf([...opened.milliseconds]);
  return {
    resources: totals.resources,
    megabytesEach: totals.bytes / 1e6 / count,
    secondsToMedian: median / 1000,
    secondsToLast: max / 1000,
    cpuMsEach: (after.cpuMicroseconds - before.cpuMicroseconds) / 1000 / count,
    peakMB: (peak.residentBytes - before.residentBytes) / 1e6,
    worstLagMs: peak.worstLag,
  };
}

export const idleBench: Bench = {
  name: 'idle',
  title: 'sidecars that only stay: memory and set-up for each',
  run: async (report) => {
    for (const transport of transportKinds) {
      const { residentKB, heapKB, setUpMs } = await measureIdle(transport, 1_000);
      report.row(`${transport}: 1,000 plaintext streams`, {
        residentKB: rounded(residentKB),
        heapKB: rounded(heapKB),
        setUpMs: rounded(setUpMs),
      });
    }
  },
};

/** Of each stream: with one subscription to one load assignment, so that Weir's own state is the least that there can be. */
export async function measureIdle(transport: TransportKind, count: number) {
  await using processes = new Processes();
  const scene = await Scene.start(processes, { services: 1, endpointsPerService: 1 }, transport);
  await scene.open(scene.everyAssignment('first', 20, 1));
  await scene.load.call('close', 'first');
  const before = await scene.usage();
  await scene.open(scene.everyAssignment('idle', count, 1, { batch: 100, gap: 20 }));
  const during = await scene.usage();
  return {
    residentKB: (during.residentBytes - before.residentBytes) / 1000 / count,
    heapKB: (during.heapBytes + during.offHeapBytes - before.heapBytes - before.offHeapBytes) / 1000 / count,
    setUpMs: (during.cpuMicroseconds - before.cpuMicroseconds) / 1000 / count,
  };
}
