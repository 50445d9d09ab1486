import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import type * as envoy from '../../src/xds/envoy.ts';
import { encode } from '../../src/xds/proto.ts';
import { loadAssignment } from '../../src/xds/translate/load-assignment.ts';
import { encodeLoadAssignment } from '../../src/xds/translate/load-assignment-encoder.ts';
import type { LocalityGroup } from '../../src/xds/translate/locality-groups.ts';
import { rounded, spreadOf, type Bench, type Report } from './report.ts';

/**
 * Load assignments from endpoints to bytes (hot-path H1401): by hand, by Weir's encoder of any message, and by protobufjs, each
 * from the same endpoints. Variants take turns, so that what disturbs the machine disturbs all of them.
 */

const typeName = 'envoy.config.endpoint.v3.ClusterLoadAssignment';
const cluster = 'outbound|80||reviews.shop.svc.cluster.local';
const endpointsPerRound = 20_000;
const rounds = 25;

interface Variant {
  readonly name: string;
  readonly encode: (groups: readonly LocalityGroup[]) => Uint8Array;
  readonly microseconds: number[];
}

export const encodeBench: Bench = {
  name: 'encode',
  title: 'load assignments, from endpoints to bytes',
  run: (report) => {
    for (const endpoints of [5, 100, 1_000]) compare(endpoints, report);
  },
};

function compare(endpoints: number, report: Report): void {
  const groups = groupsOf(endpoints);
  const variants: readonly Variant[] = [
    { name: 'by hand', encode: (each) => encodeLoadAssignment(cluster, each), microseconds: [] },
    { name: 'any message', encode: (each) => encode(typeName, loadAssignment(cluster, each)), microseconds: [] },
    { name: 'protobufjs', encode: protobufjsEncoder(), microseconds: [] },
  ];
  for (let round = 0; round < rounds; round++) for (const variant of variants) measure(variant, groups, endpoints);
  const medians = variants.map(({ microseconds }) => spreadOf(microseconds.slice(5)).median);
  for (const [index, { name }] of variants.entries()) {
    report.row(`${endpoints} endpoints, ${name}`, {
      usPerEndpointMedian: rounded(medians[index] ?? Number.NaN),
      timesByHand: rounded((medians[index] ?? Number.NaN) / (medians[0] ?? Number.NaN)),
    });
  }
}

function measure({ encode: run, microseconds }: Variant, groups: readonly LocalityGroup[], endpoints: number): void {
  const times = Math.ceil(endpointsPerRound / endpoints);
  const start = performance.now();
  let size = 0;
  for (let time = 0; time < times; time++) size += run(groups).length;
  microseconds.push(((performance.now() - start) * 1_000) / (times * endpoints));
  if (size === 0) throw new Error('nothing was encoded');
}

function groupsOf(endpoints: number): readonly LocalityGroup[] {
  return ['a', 'b', 'c'].map((zone, index) => ({
    locality: { region: 'eu-1', zone: `eu-1${zone}`, subZone: '' },
    priority: 0,
    weight: undefined,
    members: Array.from({ length: Math.ceil((endpoints - index) / 3) }, (_, member) => ({
      address: `10.${index}.${member >> 8}.${member & 255}`,
      port: 8080,
      health: 'healthy',
      weight: 1,
    })),
  }));
}

/** protobufjs as a user of it would do it. No enum has a value other than its default here, so that its messages are ours. */
function protobufjsEncoder(): (groups: readonly LocalityGroup[]) => Uint8Array {
  const descriptor = new URL('../../src/xds/generated/envoy-api.json', import.meta.url);
  const type = protobuf.Root.fromJSON(JSON.parse(readFileSync(descriptor, 'utf8'))).lookupType(typeName);
  return (groups) => {
    const message: envoy.ClusterLoadAssignment = loadAssignment(cluster, groups);
    return type.encode(message).finish();
  };
}

if (import.meta.main) {
  await encodeBench.run({ row: (variant, figures) => console.log(variant.padEnd(32), JSON.stringify(figures)) });
}
