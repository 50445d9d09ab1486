import type { Cause, Index, Query, Table } from '../../src/incremental/definitions.ts';
import { Engine } from '../../src/incremental/engine.ts';
import { invariant } from '../../src/incremental/invariant.ts';
import { heapInUse, rounded, spreadOf, type Bench } from './report.ts';

/**
 * The engine alone: services with 25 endpoints each, seen by 20 scopes, and one endpoint that changes. The cost must not depend
 * on the number of services. What is left between 1,000 and 20,000 are the caches of the processor: 2 of 5 microseconds.
 */

interface Shard {
  readonly key: string;
  readonly service: string;
  readonly endpoints: readonly { readonly address: string; readonly healthy: boolean }[];
}

const shards: Table<string, Shard> = { name: 'shards', keyOf: (shard) => shard.key };
const shardsByService: Index<string, string, Shard> = {
  name: 'shardsByService',
  table: shards,
  valuesOf: (shard) => [shard.service],
};
const serviceEndpoints: Query<string, readonly Shard['endpoints'][]> = {
  name: 'serviceEndpoints',
  compute: (read, service) => read(shardsByService, service).map((key) => read(shards, key)?.endpoints ?? []),
};
/** Key: scope and service. The value stands for encoded bytes; it is a number so that the heap measured is the engine's. */
const assignment: Query<string, number> = {
  name: 'assignment',
  compute: (read, key) => {
    let digest = 17;
    for (const endpoints of read(serviceEndpoints, key.slice(key.indexOf(' ') + 1))) {
      for (const { address, healthy } of endpoints) digest = (digest * 31 + address.length * (healthy ? 2 : 3)) | 0;
    }
    return digest;
  },
};

const cause: Cause = { source: 'bench', at: 0 };
const endpointsPerService = 25;
const scopes = 20;
const changesPerRound = 2_000;
const rounds = 5;

interface World {
  readonly name: string;
  readonly services: number;
  /** Scopes that see each service. */
  readonly viewers: number;
  readonly engine: Engine;
  readonly buildMs: number;
  readonly bytesPerNode: number;
  readonly microseconds: number[];
  readonly perSecond: number[];
}

export const engineBench: Bench = {
  name: 'engine',
  title: 'one endpoint changes: which queries run again, and what that costs',
  run: (report) => {
    const worlds = [
      aWorld('2,000 services in 20 scopes', 2_000, 1),
      aWorld('2,000 services, each in all 20 scopes', 2_000, scopes),
      aWorld('1,000 services in 20 scopes', 1_000, 1),
      aWorld('20,000 services in 20 scopes', 20_000, 1),
    ];
    for (const world of worlds) measureRound(world, 0);
    for (const world of worlds) world.microseconds.length = world.perSecond.length = 0;
    for (let round = 1; round <= rounds; round++) for (const world of worlds) measureRound(world, round);
    for (const world of worlds) report.row(world.name, figuresOf(world));
    const [, , small, large] = worlds.map((world) => spreadOf(world.microseconds).median);
    report.row('20,000 / 1,000 services', { ratioOfMedians: rounded((large ?? 0) / (small ?? 1)) });
  },
};

function aWorld(name: string, services: number, viewers: number): World {
  const engine = new Engine();
  engine.batch(cause, (write) => {
    for (let service = 0; service < services; service++) write.put(shards, aShard(service, 0));
  });
  const before = heapInUse();
  const started = performance.now();
  for (let service = 0; service < services; service++) {
    for (let viewer = 0; viewer < viewers; viewer++) {
      engine.watch(assignment, `scope-${(service + viewer) % scopes} service-${service}`, () => undefined);
    }
  }
  const buildMs = performance.now() - started;
  const bytesPerNode = (heapInUse() - before) / engine.statistics().nodes;
  return { name, services, viewers, engine, buildMs, bytesPerNode, microseconds: [], perSecond: [] };
}

function aShard(service: number, generation: number): Shard {
  const endpoints = Array.from({ length: endpointsPerService }, (_, index) => ({
    address: `10.${service >> 8}.${service & 255}.${index}`,
    healthy: index > 0 || generation % 2 === 0,
  }));
  return { key: `slice-${service}`, service: `service-${service}`, endpoints };
}

/** Makes one endpoint of one service after another unhealthy, or healthy again, and checks that nothing else was run. */
function measureRound(world: World, round: number): void {
  const { engine, services, viewers } = world;
  globalThis.gc?.();
  const started = performance.now();
  for (let change = 0; change < changesPerRound; change++) {
    // Steps through the services in an order without locality; each is changed again only in the opposite direction.
    const step = round * changesPerRound + change;
    const row = aShard((step * 7919) % services, Math.floor(step / services) + 1);
    const before = performance.now();
    const { reran, changedRows } = engine.batch(cause, (write) => write.put(shards, row));
    world.microseconds.push((performance.now() - before) * 1000);
    invariant(changedRows.length === 1, 'one row changed');
    invariant(reran.size <= 2 && reran.get('serviceEndpoints') === 1, 'one service was looked at');
    invariant(reran.get('assignment') === viewers, 'its viewers alone were told');
  }
  world.perSecond.push(changesPerRound / ((performance.now() - started) / 1000));
}

function figuresOf(world: World) {
  const { median, p99 } = spreadOf(world.microseconds);
  const statistics = world.engine.statistics();
  return {
    nodes: statistics.nodes,
    reranPerChange: [...statistics.queries.values()].reduce((sum, query) => sum + query.runsInLastCommit, 0),
    usMedian: rounded(median),
    usP99: rounded(p99),
    changesPerSecond: rounded(spreadOf(world.perSecond).median),
    msToBuild: rounded(world.buildMs),
    bytesPerNode: rounded(world.bytesPerNode),
  };
}
