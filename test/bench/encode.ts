import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import { longestChunk } from '../../src/policy/shard-chunks.ts';
import { encode } from '../../src/xds/proto.ts';
import { loadAssignment, type AssignedGroup } from '../../src/xds/translate/load-assignment.ts';
import { encodeLoadAssignment } from '../../src/xds/translate/load-assignment-encoder.ts';
import { localityGroups } from '../../src/xds/translate/locality-groups.ts';
import { packed, packedInPassing } from '../../src/xds/translate/packed-endpoints.ts';
import { largeService, manyServices } from './endpoint-meshes.ts';
import { heapInUse, rounded, spreadOf, type Bench, type Report } from './report.ts';

/**
 * Load assignments: from members to bytes, by hand, by Weir's encoder of any message, and by protobufjs (hot-path H1401); one endpoint
 * that changes, from the batch that puts the row to the new fragment (H1402); everything from nothing (H1404), and what it all
 * takes (H1413). Variants take turns, so that what disturbs the machine disturbs all of them.
 */

const typeName = 'envoy.config.endpoint.v3.ClusterLoadAssignment';
const cluster = 'outbound|80||reviews.shop.svc.cluster.local';

export const encodeBench: Bench = {
  name: 'encode',
  title: 'load assignments, from endpoints to bytes',
  run: (report) => {
    for (const endpoints of [5, 100, 1_000, 10_000]) {
      const figures = encodersCompared(endpoints);
      for (const { name, microseconds, timesByHand } of figures) {
        const row = { cpuUsPerEndpointMedian: rounded(microseconds), timesByHand: rounded(timesByHand) };
        report.row(`${endpoints} endpoints, ${name}`, row);
      }
    }
    changes(report);
    wholeMesh(report);
  },
};

// --- from members to bytes ---

interface Variant {
  readonly name: string;
  readonly encode: (groups: readonly AssignedGroup[]) => Uint8Array;
}

interface EncoderFigures {
  readonly name: string;
  /** Per endpoint, median. */
  readonly microseconds: number;
  readonly timesByHand: number;
}

const variants: readonly Variant[] = [
  { name: 'by hand', encode: encodeByHand },
  { name: 'any message', encode: (groups) => encode(typeName, loadAssignment(cluster, groups)) },
  { name: 'protobufjs', encode: protobufjsEncoder() },
];

/** In the order of `variants`. */
function encodersCompared(endpoints: number, rounds = 15): readonly EncoderFigures[] {
  const groups = groupsOf(endpoints);
  const samples = variants.map((): number[] => []);
  for (let round = 0; round < rounds + 5; round++) {
    for (const [index, variant] of variants.entries()) {
      const microseconds = measure(variant, groups, endpoints);
      if (round >= 5) samples[index]?.push(microseconds);
    }
  }
  const medians = samples.map((sample) => spreadOf(sample).median);
  return variants.map(({ name }, index) => {
    const microseconds = medians[index] ?? Number.NaN;
    return { name, microseconds, timesByHand: microseconds / (medians[0] ?? Number.NaN) };
  });
}

/** How many times the time of the encoder by hand protobufjs takes. */
export function protobufjsToByHand(endpoints: number): number {
  return encodersCompared(endpoints).find(({ name }) => name === 'protobufjs')?.timesByHand ?? Number.NaN;
}

/** CPU time, so that the share of the machine that others take meanwhile does not count. */
function measure({ encode: run }: Variant, groups: readonly AssignedGroup[], endpoints: number): number {
  const times = Math.ceil(100_000 / endpoints);
  const start = process.cpuUsage();
  let size = 0;
  for (let time = 0; time < times; time++) size += run(groups).length;
  if (size === 0) throw new Error('nothing was encoded');
  const { user, system } = process.cpuUsage(start);
  return (user + system) / (times * endpoints);
}

function groupsOf(endpoints: number): readonly AssignedGroup[] {
  return ['a', 'b', 'c'].map((zone, index) => ({
    locality: { region: 'eu-1', zone: `eu-1${zone}`, subZone: '' },
    priority: 0,
    weight: undefined,
    members: Array.from({ length: Math.ceil((endpoints - index) / 3) }, (_, member) => ({
      address: `10.${index}.${member >> 8}.${member & 255}`,
      port: 8080,
      health: 'healthy',
      // Endpoints of the specification's world have weights; the metadata that they have there is not emitted yet.
      mutualTls: false,
      weight: 1 + (member % 4),
    })),
  }));
}

/** Everything that is done for an assignment, but for its hash and its frame. */
function encodeByHand(groups: readonly AssignedGroup[]): Uint8Array {
  const count = groups.reduce((sum, { members }) => sum + members.length, 0);
  const pack = count > longestChunk ? packed : packedInPassing;
  const block = pack(groups.map(({ locality, members }) => ({ locality, labels: {}, members })));
  return Buffer.from(encodeLoadAssignment(cluster, localityGroups([block], undefined, undefined)));
}

/** protobufjs as a user of it would do it. No enum has a value other than its default here, so that its messages are ours. */
function protobufjsEncoder(): (groups: readonly AssignedGroup[]) => Uint8Array {
  const descriptor = new URL('../../src/xds/generated/envoy-api.json', import.meta.url);
  const type = protobuf.Root.fromJSON(JSON.parse(readFileSync(descriptor, 'utf8'))).lookupType(typeName);
  return (groups) => type.encode(loadAssignment(cluster, groups)).finish();
}

// --- one endpoint changes ---

/** CPU time in all, garbage collection included: what another process takes of the machine meanwhile does not count. */
function changes(report: Report): void {
  const cases = [
    { endpoints: 10, shards: 1 },
    { endpoints: 100, shards: 1 },
    { endpoints: 10_000, shards: 100 },
    { endpoints: 10_000, shards: 1 },
  ].map((size) => ({ ...size, mesh: largeService(size), microseconds: [] as number[] }));
  const changesEach = 50;
  for (let round = 0; round < 45; round++) {
    for (const { mesh, microseconds } of cases) {
      const prepared = Array.from({ length: changesEach }, () => mesh.nextChange());
      const start = process.cpuUsage();
      for (const change of prepared) change();
      const { user, system } = process.cpuUsage(start);
      microseconds.push((user + system) / changesEach);
    }
  }
  for (const { endpoints, shards, microseconds } of cases) {
    const { median, max } = spreadOf(microseconds.slice(15));
    report.row(`1 of ${endpoints} endpoints in ${shards} ${shards === 1 ? 'shard' : 'shards'} changes`, {
      cpuUsToFragmentMedian: rounded(median),
      cpuUsToFragmentMax: rounded(max),
    });
  }
}

// --- all of a mesh ---

/** 50,000 endpoints of 5,000 services. */
function wholeMesh(report: Report): void {
  const mesh = manyServices(5_000, 10);
  const before = memoryInUse();
  mesh.list();
  report.row('50000 endpoints', { megabytes: rounded((memoryInUse() - before) / 1e6) });
  report.row('50000 endpoints encoded again', { msMedian: medianMilliseconds(() => mesh.move()) });
  report.row('50000 endpoints listed again, none another', { msMedian: medianMilliseconds(() => mesh.list()) });
}

/** Heap and buffers. The collector has to be there: `--expose-gc`. */
export function memoryInUse(): number {
  return heapInUse() + process.memoryUsage().arrayBuffers;
}

function medianMilliseconds(run: () => void): number {
  const samples = Array.from({ length: 9 }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return rounded(spreadOf(samples).median);
}

if (import.meta.main) {
  await encodeBench.run({ row: (variant, figures) => console.log(variant.padEnd(32), JSON.stringify(figures)) });
}
