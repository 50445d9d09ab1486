import { messageOf } from '../fragment.ts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  aDestinationRule,
  aMesh,
  aNode,
  aPod,
  aService,
  aShard,
  hostOf,
  put,
  remove,
  type ARow,
} from '../../../test/support/mesh-rows.ts';
import type { Engine } from '../../incremental/engine.ts';
import type { ShardEndpoint } from '../../model/endpoint.ts';
import { sortedByAddress } from '../../model/endpoint.ts';
import { nodeKey } from '../../model/keys.ts';
import { scopeOf } from '../../policy/scope.ts';
import { decode, encode } from '../proto.ts';
import { resource, resourceKey, type Resource } from '../resources.ts';

/**
 * Load assignments after any edits, against those of a mesh that was just read (the same bytes) and against what the rows say, put
 * together in the plainest way.
 */

const typeName = 'envoy.config.endpoint.v3.ClusterLoadAssignment';
const zones = ['a', 'b'];
const versions = ['v1', 'v2'];

/** What the test knows of an endpoint: everything else follows from its number. */
interface Listed {
  readonly number: number;
  readonly health: ShardEndpoint['health'];
}

interface Listing {
  readonly shard: string;
  readonly port: number | undefined;
  readonly listed: readonly Listed[];
}

const addressOf = (number: number): string => `10.0.${number >> 8}.${number & 255}`;
const zoneOf = (number: number): string => zones[(number >> 2) % 2] ?? '';
const versionOf = (number: number): string => versions[number % 2] ?? '';

function rowOf({ shard, port, listed }: Listing): ARow {
  const endpoints = listed.map(({ number, health }): ShardEndpoint => ({
    address: addressOf(number),
    health,
    node: nodeKey('files', `node-${zoneOf(number)}`),
  }));
  return aShard('web', sortedByAddress(endpoints), { name: shard, ports: port === undefined ? {} : { http: port } });
}

const highest = 700;

/** Clients in other zones get another assignment. */
const variants: ARow = aDestinationRule('web', {
  host: 'web',
  trafficPolicy: { outlierDetection: {} },
  subsets: versions.map((version) => ({ name: version, labels: { version } })),
});
const oneVariant: ARow = aDestinationRule('web', {
  host: 'web',
  subsets: versions.map((version) => ({ name: version, labels: { version } })),
});

const fixed: readonly ARow[] = [
  ...zones.map((zone) => aNode(`node-${zone}`, { region: 'eu', zone })),
  ...Array.from({ length: highest }, (_, number) =>
    aPod(`web-${number}`, { addresses: [addressOf(number)], labels: { app: 'web', version: versionOf(number) } }),
  ),
];

const clientZones = ['a', 'b'];

interface Asked {
  readonly subset: string;
  readonly clientZone: string;
}

const asked: readonly Asked[] = ['', ...versions].flatMap((subset) =>
  clientZones.map((clientZone) => ({ subset, clientZone })),
);

function keyOf({ subset, clientZone }: Asked): string {
  const locality = { region: 'eu', zone: clientZone, subZone: '' };
  const scope = scopeOf({
    kind: 'endpoints',
    namespace: 'shop',
    domain: 'cluster.local',
    labels: {},
    secrets: 'none',
    locality,
  });
  return resourceKey('endpoints', scope, `outbound|80|${subset}|${hostOf('web')}`);
}

function assignmentOf(engine: Engine, question: Asked): Resource {
  const found = engine.read(resource, keyOf(question));
  if (found === undefined) throw new Error('no assignment');
  return found;
}

/** Lines `priority zone address:port`, with ` degraded` behind those that are, in the order of the assignment. */
function linesOf(resource: Resource): readonly string[] {
  const { endpoints = [] } = decode(typeName, messageOf(resource));
  return endpoints.flatMap(({ priority = 0, locality, lbEndpoints = [] }) =>
    lbEndpoints.map(({ endpoint, healthStatus }) => {
      const { address, portValue } = endpoint?.address?.socketAddress ?? {};
      const mark = healthStatus === 'DEGRADED' ? ' degraded' : '';
      return `${priority} ${locality?.zone} ${address}:${portValue}${mark}`;
    }),
  );
}

/**
 * Shards by key; first come, first served; the client's own zone first, without gaps.
 *
 * @param clientZone undefined: no zone is better than another
 */
function expectedLines(
  listings: readonly Listing[],
  publishNotReady: boolean,
  subset: string,
  clientZone: string | undefined,
) {
  const members = listings
    .toSorted((a, b) => (a.shard < b.shard ? -1 : 1))
    .flatMap(({ port, listed }) =>
      listed
        .toSorted((a, b) => (addressOf(a.number) < addressOf(b.number) ? -1 : 1))
        .map(({ number, health }) => ({ number, health, port })),
    )
    .filter(({ port, number }) => port !== undefined && (subset === '' || versionOf(number) === subset));
  const usable = members.filter(({ health }) => publishNotReady || health === 'healthy' || health === 'degraded');
  const served = usable.length > 0 ? usable : members.filter(({ health }) => health === 'draining');
  const once = new Map(served.toReversed().map((member) => [`${member.number} ${member.port}`, member]));
  const kept = served.filter((member) => once.get(`${member.number} ${member.port}`) === member);
  const places = zones
    .toSorted((a, b) => (clientZone === undefined ? 0 : Number(a !== clientZone) - Number(b !== clientZone)))
    .filter((zone) => kept.some(({ number }) => zoneOf(number) === zone));
  return places.flatMap((zone, place) =>
    kept
      .filter(({ number }) => zoneOf(number) === zone)
      .map(({ number, port, health }) => {
        const mark = health === 'degraded' && !publishNotReady ? ' degraded' : '';
        return `${clientZone === undefined ? 0 : place} ${zone} ${addressOf(number)}:${port}${mark}`;
      }),
  );
}

const health = fc.constantFrom<ShardEndpoint['health']>('healthy', 'healthy', 'degraded', 'unhealthy', 'draining');
const few = fc.uniqueArray(fc.record({ number: fc.nat(12), health }), {
  selector: ({ number }) => number,
  maxLength: 8,
});
/** Several chunks, with few differences from one time to the next. */
const many = fc.record({
  gaps: fc.array(fc.nat(highest), { maxLength: 2 }),
  unready: fc.array(fc.nat(highest), { maxLength: 2 }),
});

function listedIn(list: readonly Listed[] | { readonly gaps: readonly number[]; readonly unready: readonly number[] }) {
  if (!('gaps' in list)) return list;
  return Array.from({ length: highest }, (_, number): Listed => ({
    number,
    health: list.unready.includes(number) ? 'unhealthy' : 'healthy',
  })).filter(({ number }) => !list.gaps.includes(number));
}

const edit = fc.record({
  shard: fc.constantFrom('web-1', 'web-1', 'web-2'),
  port: fc.constantFrom(8080, 8080, 8080, 9090, undefined),
  listed: fc.option(fc.oneof(few, { weight: 2, arbitrary: many }), { nil: undefined, freq: 8 }),
  publishNotReady: fc.constantFrom(false, false, true),
});

it.each([
  { what: 'several shards and variants', rule: variants, shard: undefined },
  { what: 'several shards', rule: oneVariant, shard: undefined },
  { what: 'one shard', rule: oneVariant, shard: 'web-0' },
])(
  'hot-path/H302 hot-path/H304 kubernetes/K75 kubernetes/K76 after any edits assignments from $what are those of a fresh mesh, and what the rows say',
  ({ rule, shard }) => {
    // Pods count while there is no shard at all.
    const always = [aShard('web', [], { name: 'web-0' }), rule, ...fixed];
    fc.assert(
      fc.property(fc.array(edit, { minLength: 2, maxLength: 6 }), (edits) => {
        const engine = aMesh(aService('web'), ...always);
        for (const question of asked) engine.watch(resource, keyOf(question), () => undefined);
        const listings = new Map<string, Listing>();
        for (const { publishNotReady, listed, ...rest } of edits) {
          const listing = { ...rest, shard: shard ?? rest.shard, listed: listedIn(listed ?? []) };
          const service = aService('web', { publishNotReady });
          put(engine, service);
          if (listed === undefined && shard === undefined) remove(engine, rowOf(listing));
          else put(engine, rowOf(listing));
          if (listed === undefined) listings.delete(listing.shard);
          else listings.set(listing.shard, listing);
          const rows = [...listings.values()];
          const fresh = aMesh(service, ...always, ...rows.map(rowOf));
          for (const question of asked) {
            const assignment = assignmentOf(engine, question);
            const { subset, clientZone } = question;
            const zone = rule === variants ? clientZone : undefined;
            expect(linesOf(assignment)).toEqual(expectedLines(rows, publishNotReady, subset, zone));
            expect(assignment.version).toBe(assignmentOf(fresh, question).version);
            expect(Buffer.from(messageOf(assignment))).toEqual(
              Buffer.from(encode(typeName, decode(typeName, messageOf(assignment)))),
            );
          }
        }
      }),
      { numRuns: 20 },
    );
  },
);
