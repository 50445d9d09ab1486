import type { Engine } from '../incremental/engine.ts';
import type { Table } from '../incremental/definitions.ts';
import type { ConfigObject } from '../model/config-object.ts';
import type { EndpointShard } from '../model/endpoint.ts';
import { endpointShardKey, serviceKey } from '../model/keys.ts';
import type { Service } from '../model/service.ts';
import { configs, endpointShards, services } from '../model/tables.ts';
import { unknownLocality } from '../model/workload.ts';
import { scopeOf } from '../policy/scope.ts';
import { clusterName } from '../xds/names.ts';
import { resource, resourceKey, type Resource } from '../xds/resources.ts';

/** A mesh of any size, made up: rows as a registry would write them, all services on port 80 of one namespace (hot-path H1308). */

export interface WorldSize {
  readonly services: number;
  readonly endpointsPerService: number;
}

const namespace = 'mesh';
const port = 80;
/** Of load assignments, in which all sidecars of the load client are: what they are told is made once. */
const scope = scopeOf({
  kind: 'endpoints',
  namespace,
  domain: 'cluster.local',
  labels: {},
  secrets: 'none',
  locality: unknownLocality,
});
const zones = ['zone-a', 'zone-b', 'zone-c'];

/** Name of a service's cluster, and of its load assignment. */
export function clusterOfService(service: number): string {
  return clusterName('outbound', port, '', hostnameOf(service));
}

/** Name of the route configuration that all services share. */
export const sharedRoutes = String(port);

/** Node id of a sidecar of the load client: none of them stands behind a service. */
export function sidecarNodeId(sidecar: number): string {
  const address = `10.255.${(sidecar >> 8) & 255}.${sidecar & 255}`;
  return `sidecar~${address}~load-${sidecar}.${namespace}~${namespace}.svc.cluster.local`;
}

function hostnameOf(service: number): string {
  return `service-${service}.${namespace}.svc.cluster.local`;
}

export class World {
  readonly engine: Engine;
  readonly size: WorldSize;
  /** How often each service was changed. */
  readonly #generations = new Map<number, number>();
  #changes = 0;

  /** @param engine without rows */
  constructor(engine: Engine, size: WorldSize) {
    this.engine = engine;
    this.size = size;
    engine.batch({ source: 'world', at: performance.now() }, (write) => {
      for (let service = 0; service < size.services; service++) {
        write.put(services, serviceRow(service));
        write.put(endpointShards, this.#shardRow(service));
      }
    });
  }

  /** One endpoint of a service moves to another address. Gives the name of the change: the source of the commit. */
  moveEndpoint(service: number): string {
    return this.prepareMove(service)();
  }

  /** The same in two steps: what is done in the second is Weir's own work. */
  prepareMove(service: number): () => string {
    this.#generations.set(service, (this.#generations.get(service) ?? 0) + 1);
    const row = this.#shardRow(service);
    return () => this.#put(endpointShards, row);
  }

  /** A VirtualService of one service says another timeout. */
  editRoute(service: number): string {
    return this.#put(configs, routeRow(service, this.#changes + 1));
  }

  /** A service's load assignment as sidecars get it. */
  assignment(service: number): Resource {
    const found = this.engine.read(resource, resourceKey('endpoints', scope, clusterOfService(service)));
    if (found === undefined) throw new Error(`service ${service} has no load assignment`);
    return found;
  }

  /** Writes all shards again as they are. */
  rewrite(): void {
    this.engine.batch({ source: 'world', at: performance.now() }, (write) => {
      for (let service = 0; service < this.size.services; service++) {
        write.put(endpointShards, this.#shardRow(service));
      }
    });
  }

  #put<Key extends string, Row>(table: Table<Key, Row>, row: Row): string {
    const name = `change-${++this.#changes}`;
    this.engine.batch({ source: name, at: performance.now() }, (write) => write.put(table, row));
    return name;
  }

  #shardRow(service: number): EndpointShard {
    const { endpointsPerService } = this.size;
    const generation = this.#generations.get(service) ?? 0;
    const moving = generation % endpointsPerService;
    const key = serviceKey(namespace, hostnameOf(service));
    return {
      key: endpointShardKey(key, 'world', `EndpointSlice/${namespace}/service-${service}`),
      service: key,
      ports: { http: 8080 },
      endpoints: Array.from({ length: endpointsPerService }, (_, index) => ({
        // One after the other leaves for another network, so that no two states of a service are equal for long.
        address: addressOf(service * endpointsPerService + index, index === moving ? 10 + (generation % 90) : 10),
        health: 'healthy',
        zone: zones[index % zones.length] ?? '',
      })),
      declaredBy: { kind: 'EndpointSlice', namespace, name: `service-${service}`, origin: { source: 'world' } },
    };
  }
}

/** Unique up to 16 million of them in one network. */
function addressOf(endpoint: number, network: number): string {
  const number = endpoint + 1;
  return `${network}.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
}

function serviceRow(service: number): Service {
  const name = `service-${service}`;
  return {
    key: serviceKey(namespace, hostnameOf(service)),
    hostname: hostnameOf(service),
    namespace,
    name,
    registry: 'kubernetes',
    ports: [{ name: 'http', number: port, protocol: 'http', targetPort: 8080 }],
    addresses: [addressOf(service, 172)],
    headless: false,
    resolution: 'endpoints',
    meshExternal: false,
    exportTo: undefined,
    labels: {},
    selector: { app: name },
    publishNotReady: false,
    createdAt: 0,
    declaredBy: { kind: 'Service', namespace, name, origin: { source: 'world' } },
  };
}

function routeRow(service: number, seconds: number): ConfigObject {
  const host = `service-${service}`;
  return {
    kind: 'networking.istio.io/VirtualService',
    namespace,
    name: host,
    labels: {},
    annotations: {},
    generation: seconds,
    createdAt: 0,
    spec: { hosts: [host], http: [{ timeout: `${seconds}s`, route: [{ destination: { host } }] }] },
    origin: { source: 'world' },
  };
}
