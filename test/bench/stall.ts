import type { TransportKind } from '../../src/xds/transport/transport-kinds.ts';
import { windowsOf } from '../../src/bench/load/plan.ts';
import { transportKinds } from '../../src/xds/transport/transport-kinds.ts';
import { Processes } from './processes.ts';
import { rounded, type Bench } from './report.ts';
import { Scene } from './scene.ts';

/** Sidecars that stop reading, and what is kept for them (hot-path H1330). They answer PINGs, so their connections stay. */

export const stallBench: Bench = {
  name: 'stall',
  title: 'sidecars that stop reading: memory that is kept for them',
  run: async (report) => {
    for (const transport of transportKinds) {
      const steady = await measureSteadyStall(transport);
      report.row(`${transport}: 500 stalled, 200 changes of 14.75 KB`, {
        retainedMB: rounded(steady.retainedMB),
        residentMB: rounded(steady.residentMB),
        messages: steady.messages,
        messagesUnmerged: 500 * 200,
      });
      const mid = await measureStallInStorm(transport);
      report.row(`${transport}: 200 stalled while they connect`, {
        retainedMB: rounded(mid.retainedMB),
        residentMB: rounded(mid.residentMB),
        messages: mid.messages,
      });
    }
  },
};

/** @returns growth of heap and buffers, and of resident memory; what was sent meanwhile */
export async function measureSteadyStall(transport: TransportKind) {
  await using processes = new Processes();
  const scene = await Scene.start(processes, { services: 1, endpointsPerService: 640 }, transport);
  await scene.open(scene.everyAssignment('stalled', 500, 1, { windows: windowsOf.small }));
  await scene.load.call('behave', { name: 'stalled', ack: { kind: 'never' }, grants: false });
  // Code is compiled and rings are filled before the first look.
  await scene.weir.call('churn', { services: 1, changesPerSecond: 50, seconds: 1 });
  return await growth(scene, () => scene.weir.call('churn', { services: 1, changesPerSecond: 100, seconds: 2 }));
}

async function measureStallInStorm(transport: TransportKind) {
  await using processes = new Processes();
  const services = 5_000;
  const scene = await Scene.start(processes, { services, endpointsPerService: 10 }, transport);
  const plan = scene.everyAssignment('stalled', 200, services, { windows: windowsOf.small, grants: false });
  await scene.oneOf({ ...plan, grants: true });
  // Complete with the first message: the windows let no more through than that and a little.
  return await growth(scene, () => scene.open({ ...plan, complete: 1, ack: { kind: 'never' } }));
}

async function growth(scene: Scene, work: () => Promise<unknown>) {
  const before = await scene.usage();
  const { sent } = await scene.weir.call('delivered', undefined);
  await work();
  const after = await scene.usage();
  const delivered = await scene.weir.call('delivered', undefined);
  return {
    retainedMB: (after.heapBytes + after.offHeapBytes - before.heapBytes - before.offHeapBytes) / 1e6,
    residentMB: (after.residentBytes - before.residentBytes) / 1e6,
    messages: delivered.sent - sent,
  };
}
