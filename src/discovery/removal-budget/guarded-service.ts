import { sortedByAddress, type EndpointShard, type ShardEndpoint } from '../../model/endpoint.ts';
import type { EndpointShardKey } from '../../model/keys.ts';
import { emptyLedger, type Ledger } from './budget.ts';

/** One service as its source describes it, and as it is in force: with the endpoints that are held. */
export interface GuardedService {
  /** What the source says now. */
  readonly said: ReadonlyMap<EndpointShardKey, EndpointShard>;
  /** How many of those are usable. */
  readonly usable: number;
  readonly ledger: Ledger;
  /** Of those held in the ledger: what was known of them last. */
  readonly kept: ReadonlyMap<string, KeptEndpoint>;
  /** Whether the source has taken the service itself away. */
  readonly isGone: boolean;
}

interface KeptEndpoint {
  readonly shard: EndpointShard;
  readonly endpoint: ShardEndpoint;
}

export const unknownService: GuardedService = {
  said: new Map(),
  usable: 0,
  ledger: emptyLedger,
  kept: new Map(),
  isGone: false,
};

/** What a source changes of a service: shards, undefined for one that it takes away. */
export type SaidChange = ReadonlyMap<EndpointShardKey, EndpointShard | undefined>;

export function saidAfter({ said }: GuardedService, change: SaidChange): ReadonlyMap<EndpointShardKey, EndpointShard> {
  const after = new Map(said);
  for (const [key, shard] of change) {
    if (shard === undefined) after.delete(key);
    else after.set(key, shard);
  }
  return after;
}

/** The shards that a change is about, as they were. */
export function shardsBefore({ said }: GuardedService, change: SaidChange): readonly EndpointShard[] {
  return [...change.keys()].flatMap((key) => said.get(key) ?? []);
}

/** The shards that a change is about, as they are now. */
export function shardsNow(change: SaidChange): readonly EndpointShard[] {
  return [...change.values()].flatMap((shard) => shard ?? []);
}

/** By shard and address. */
export function usableOf(shards: Iterable<EndpointShard>): ReadonlyMap<string, KeptEndpoint> {
  const usable = new Map<string, KeptEndpoint>();
  for (const shard of shards) {
    for (const endpoint of shard.endpoints) {
      if (endpoint.health === 'healthy') usable.set(idOf(shard.key, endpoint), { shard, endpoint });
    }
  }
  return usable;
}

/** Those of which the source says that they are going away: nobody need doubt it when they have left. */
export function leavingOf(shards: Iterable<EndpointShard>): ReadonlySet<string> {
  const leaving = new Set<string>();
  for (const shard of shards) {
    for (const endpoint of shard.endpoints) {
      if (endpoint.health === 'draining') leaving.add(idOf(shard.key, endpoint));
    }
  }
  return leaving;
}

/** The shards that are in force: what the source says, and those held, degraded whether they are gone or said to be unhealthy. */
export function shardsInForce({ said, kept }: GuardedService): ReadonlyMap<EndpointShardKey, EndpointShard> {
  if (kept.size === 0) return said;
  const heldOf = new Map<EndpointShardKey, KeptEndpoint[]>();
  for (const held of kept.values()) {
    const { key } = held.shard;
    heldOf.set(key, [...(heldOf.get(key) ?? []), held]);
  }
  const shards = new Map(said);
  for (const [key, held] of heldOf) {
    const degraded = held.map(({ endpoint }): ShardEndpoint => ({ ...endpoint, health: 'degraded' }));
    const addresses = new Set(degraded.map(({ address }) => address));
    const shard = said.get(key) ?? held[0]?.shard;
    if (shard === undefined) continue;
    const named = (said.get(key)?.endpoints ?? []).filter(({ address }) => !addresses.has(address));
    shards.set(key, { ...shard, endpoints: sortedByAddress([...named, ...degraded]) });
  }
  return shards;
}

function idOf(shard: EndpointShardKey, { address }: ShardEndpoint): string {
  return `${shard} ${address}`;
}
