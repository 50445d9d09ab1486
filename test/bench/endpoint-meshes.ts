import type { Engine } from '../../src/incremental/engine.ts';
import type { EndpointShard, ShardEndpoint } from '../../src/model/endpoint.ts';
import { endpointShardKey, nodeKey, proxyKey, workloadKey } from '../../src/model/keys.ts';
import { endpointShards } from '../../src/model/tables.ts';
import { unknownLocality } from '../../src/model/workload.ts';
import { scopeOf, scopesOf } from '../../src/policy/scope.ts';
import { resource, resourceKey } from '../../src/xds/resources.ts';
import { aMesh, aNode, aProxy, aService, aServiceKey, hostOf, put, type ARow } from '../support/mesh-rows.ts';

/**
 * Meshes with many endpoints, as Kubernetes lists them: each with its pod, its node and a zone. A proxy is connected, so that the index
 * of endpoints by address is there too, and somebody watches every load assignment.
 */

const scope = scopeOf({
  kind: 'endpoints',
  namespace: 'shop',
  domain: 'cluster.local',
  labels: {},
  secrets: 'none',
  locality: unknownLocality,
});

function nodesIn(region: string): readonly ARow[] {
  return Array.from({ length: 30 }, (_, index) => {
    return aNode(`n${index}`, { region, zone: `${region}${'abc'[index % 3]}` });
  });
}

function aMeshOf(services: readonly string[]): Engine {
  const proxy = aProxy('web', { addresses: ['10.250.0.1'] });
  const engine = aMesh(...nodesIn('eu-1'), ...services.map((name) => aService(name)), proxy);
  engine.watch(scopesOf, proxyKey('web'), () => undefined);
  return engine;
}

function watchAssignment(engine: Engine, service: string, changed: () => void): void {
  engine.watch(resource, resourceKey('endpoints', scope, `outbound|80||${hostOf(service)}`), changed);
}

/** @param generation another one gives another address */
function endpointOf(index: number, generation = 0): ShardEndpoint {
  return {
    address: `10.${(index >> 16) + generation}.${(index >> 8) & 255}.${index & 255}`,
    health: 'healthy',
    workload: workloadKey('kubernetes', 'shop', `pod-${index}`),
    node: nodeKey('files', `n${index % 30}`),
    zone: `eu-1${'abc'[index % 3]}`,
  };
}

function shardOf(service: string, name: string, endpoints: readonly ShardEndpoint[]): EndpointShard {
  const key = aServiceKey(service);
  return {
    key: endpointShardKey(key, 'kubernetes', `slices/${name}`),
    service: key,
    ports: { http: 8080 },
    endpoints,
    declaredBy: { kind: 'EndpointSlice', namespace: 'shop', name, origin: { source: 'kubernetes' } },
  };
}

export interface LargeService {
  /** Prepares what a source would hand over, one endpoint replaced, and gives what puts it. */
  nextChange(): () => void;
}

/** One service; its endpoints are spread over its shards evenly. */
export function largeService({
  endpoints,
  shards,
}: {
  readonly endpoints: number;
  readonly shards: number;
}): LargeService {
  const each = endpoints / shards;
  const engine = aMeshOf(['web']);
  const rows = Array.from({ length: shards }, (_, shard) =>
    shardOf('web', `web-${String(shard).padStart(4, '0')}`, endpointsFrom(shard * each, each)),
  );
  engine.batch({ source: 'bench', at: 0 }, (write) => {
    for (const row of rows) write.put(endpointShards, row);
  });
  let changes = 0;
  watchAssignment(engine, 'web', () => changes++);
  let step = 0;
  return {
    nextChange() {
      step++;
      // Primes, so that every endpoint has its turn.
      const shard = (step * 7919) % shards;
      const at = (step * 104_729) % each;
      const before = rows[shard] as EndpointShard;
      const after = {
        ...before,
        endpoints: before.endpoints.with(at, endpointOf(shard * each + at, 1 + (step % 199))),
      };
      rows[shard] = after;
      return () => {
        const seen = changes;
        engine.batch({ source: 'bench', at: 0 }, (write) => write.put(endpointShards, after));
        if (changes !== seen + 1) throw new Error('the assignment did not change');
      };
    },
  };
}

export interface ManyServices {
  /** Puts all endpoints, each an object of its own, as a source does that has listed everything again. */
  list(): void;
  /** Moves all machines to another region, so that every assignment is another. */
  move(): void;
  /** How many assignments were another since this was asked last. */
  changes(): number;
}

/** Services of one shard each. */
export function manyServices(services: number, endpointsEach: number): ManyServices {
  const names = Array.from({ length: services }, (_, index) => `s${index}`);
  const engine = aMeshOf(names);
  let changes = 0;
  for (const name of names) watchAssignment(engine, name, () => changes++);
  let moves = 0;
  return {
    list() {
      engine.batch({ source: 'bench', at: 0 }, (write) => {
        for (const [index, name] of names.entries()) {
          const endpoints = endpointsFrom(index * endpointsEach, endpointsEach);
          write.put(endpointShards, shardOf(name, `${name}-1`, endpoints));
        }
      });
    },
    move: () => void put(engine, ...nodesIn(`eu-${2 + (moves++ % 2)}`)),
    changes() {
      const seen = changes;
      changes = 0;
      return seen;
    },
  };
}

function endpointsFrom(first: number, count: number): readonly ShardEndpoint[] {
  return Array.from({ length: count }, (_, index) => endpointOf(first + index));
}
