import { dependentSidecars } from '../../src/bench/end-to-end.ts';
import { Processes } from './processes.ts';
import { rounded, type Bench } from './report.ts';
import { Scene } from './scene.ts';

/** What Weir keeps: of 50,000 endpoints (hot-path H1325), and of what sidecars subscribe to (H1326). Heap and buffers, after a collection. */

const services = 5_000;
const endpointsPerService = 10;

export const memoryBench: Bench = {
  name: 'memory',
  title: '50,000 endpoints: rows, results, encoded bytes, index',
  run: async (report) => {
    const { rowsMB, servedMB, residentMB } = await measureState();
    const bytesPerEndpoint = (megabytes: number): number =>
      Math.round((megabytes * 1e6) / services / endpointsPerService);
    report.row('rows alone', { MB: rounded(rowsMB), bytesPerEndpoint: bytesPerEndpoint(rowsMB) });
    report.row('with every load assignment served', {
      MB: rounded(servedMB),
      bytesPerEndpoint: bytesPerEndpoint(servedMB),
    });
    report.row('process with 1,000 sidecars × 50 services', { residentMB: rounded(residentMB) });
  },
};

export async function measureState() {
  await using processes = new Processes();
  const small = await Scene.start(processes, { services: 1, endpointsPerService: 1 });
  await small.open(small.everyAssignment('one', 1, 1));
  const empty = kept(await small.usage());
  const scene = await Scene.start(processes, { services, endpointsPerService });
  const rows = kept(await scene.usage());
  await scene.open(scene.everyAssignment('one', 1, services));
  const served = kept(await scene.usage());
  await scene.load.call('close', 'one');
  await scene.open(dependentSidecars('many', scene.address, { sidecars: 1_000, services, dependencies: 50 }));
  const { residentBytes } = await scene.usage();
  return { rowsMB: (rows - empty) / 1e6, servedMB: (served - empty) / 1e6, residentMB: residentBytes / 1e6 };
}

export const streamMemoryBench: Bench = {
  name: 'stream-memory',
  title: 'what a sidecar subscribes to, 5,000 names each: memory for each',
  run: async (report) => {
    const { keptKB, residentKB } = await measureSubscriptions(200);
    report.row('200 sidecars × 5,000 load assignments', { keptKB: rounded(keptKB), residentKB: rounded(residentKB) });
  },
};

/** Of each stream beyond the first one, with the transport's own. */
export async function measureSubscriptions(streams: number) {
  await using processes = new Processes();
  const scene = await Scene.start(processes, { services, endpointsPerService });
  await scene.open(scene.everyAssignment('first', 1, services));
  const before = await scene.usage();
  await scene.open({ ...scene.everyAssignment('others', streams, services), batch: 20, gap: 50 });
  const after = await scene.usage();
  return {
    keptKB: (kept(after) - kept(before)) / 1000 / streams,
    residentKB: (after.residentBytes - before.residentBytes) / 1000 / streams,
  };
}

function kept({ heapBytes, offHeapBytes }: { readonly heapBytes: number; readonly offHeapBytes: number }): number {
  return heapBytes + offHeapBytes;
}
