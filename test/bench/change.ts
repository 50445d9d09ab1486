import { clusterOfService, sharedRoutes, World } from '../../src/bench/world.ts';
import { Engine } from '../../src/incremental/engine.ts';
import { unknownLocality } from '../../src/model/workload.ts';
import { scopeOf } from '../../src/policy/scope.ts';
import { resource, resourceKey } from '../../src/xds/resources.ts';
import { rounded, spreadOf, type Bench } from './report.ts';

/**
 * What one change costs before the first byte leaves (hot-path H1324): from a row to a new resource with its version, in meshes whose
 * resources are all watched. Making the row is not counted.
 */

const client = { namespace: 'mesh', domain: 'cluster.local', labels: {}, secrets: 'none' } as const;
const endpointsScope = scopeOf({ kind: 'endpoints', ...client, locality: unknownLocality });
const routesScope = scopeOf({ kind: 'client', ...client });
const rounds = 3;

interface Case {
  readonly name: string;
  readonly world: World;
  readonly buildMs: number;
  readonly changes: number;
  readonly prepare: (world: World, change: number) => () => unknown;
  readonly microseconds: number[];
}

export const changeBench: Bench = {
  name: 'change',
  title: 'one change, from a row to a sendable resource; a rebuild without a change',
  run: (report) => {
    const cases = [
      assignmentsCase(1_000, 10, 200),
      assignmentsCase(5_000, 10, 200),
      assignmentsCase(20_000, 10, 200),
      assignmentsCase(1_000, 100, 100),
      assignmentsCase(5, 1_000, 20),
      assignmentsCase(2, 10_000, 4),
      routesCase(1_000, 5),
      routesCase(2_000, 5),
    ];
    measureCases(cases);
    for (const { name, microseconds, buildMs } of cases) {
      const { median, p99 } = spreadOf(microseconds);
      report.row(name, { usMedian: rounded(median), usP99: rounded(p99), msToBuild: rounded(buildMs) });
    }
    const [small, , large] = cases;
    report.row('20,000 / 1,000 services', { ratioOfMedians: rounded(ratio(large, small)) });
    const rebuilt = measureRebuild();
    report.row('5,000 services written again as they are', { ms: rounded(rebuilt.ms), changed: rebuilt.changed });
  },
};

/** How much more one change costs in a mesh of 20,000 services than in one of 1,000. */
export function measureDependenceOnSize(): number {
  const cases = [assignmentsCase(1_000, 10, 200), assignmentsCase(20_000, 10, 200)];
  measureCases(cases);
  return ratio(cases[1], cases[0]);
}

/** Writes all endpoints of 5,000 services again as they are: how many resources were told to have changed. */
export function measureRebuild() {
  let changed = 0;
  const world = watched(5_000, 10, () => changed++);
  const started = performance.now();
  world.rewrite();
  return { ms: performance.now() - started, changed };
}

function measureCases(cases: readonly Case[]): void {
  for (let round = 0; round <= rounds; round++) {
    for (const { world, changes, prepare, microseconds } of cases) {
      globalThis.gc?.();
      if (round === 1) microseconds.length = 0;
      for (let change = 0; change < changes; change++) {
        const carryOut = prepare(world, round * changes + change);
        const started = performance.now();
        carryOut();
        microseconds.push((performance.now() - started) * 1000);
      }
    }
  }
}

function ratio(a: Case | undefined, b: Case | undefined): number {
  return spreadOf(a?.microseconds ?? []).median / spreadOf(b?.microseconds ?? []).median;
}

function assignmentsCase(services: number, endpoints: number, changes: number): Case {
  const started = performance.now();
  const world = watched(services, endpoints, () => undefined);
  return {
    name: `one endpoint of ${endpoints}, ${services} services`,
    world,
    buildMs: performance.now() - started,
    changes,
    prepare: (of, change) => of.prepareMove((change * 7919) % services),
    microseconds: [],
  };
}

function routesCase(services: number, changes: number): Case {
  const started = performance.now();
  const world = new World(new Engine(), { services, endpointsPerService: 1 });
  world.engine.watch(resource, resourceKey('routes', routesScope, sharedRoutes), () => undefined);
  return {
    name: `one VirtualService, ${services} services on the port (whole)`,
    world,
    buildMs: performance.now() - started,
    changes,
    prepare: (of, change) => () => of.editRoute((change * 7919) % services),
    microseconds: [],
  };
}

function watched(services: number, endpointsPerService: number, changed: () => void): World {
  const world = new World(new Engine(), { services, endpointsPerService });
  for (let service = 0; service < services; service++) {
    world.engine.watch(resource, resourceKey('endpoints', endpointsScope, clusterOfService(service)), changed);
  }
  return world;
}
