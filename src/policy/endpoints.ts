import type { Query, Read } from '../incremental/definitions.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { EndpointShardKey, ServiceKey } from '../model/keys.ts';
import type { Service } from '../model/service.ts';
import { shardsByService } from '../model/tables.ts';
import { unknownLocality } from '../model/workload.ts';
import { compareEndpoints, equalEndpoints, servedEndpoints } from './endpoint-order.ts';
import { endpointsOfShard } from './endpoint-shards.ts';
import { equalLists } from './equality.ts';
import { selectedWorkloadEntries, selectedWorkloads, targetPorts } from './selected-endpoints.ts';
import { declaringEntry, serviceOf } from './services.ts';

/** Where the endpoints of a service come from. */
export interface EndpointOrigins {
  /** The shards in which registries list them, by key. */
  readonly shards: readonly EndpointShardKey[];
  /** Those in no shard: what follows from labels, what is written in a service entry, a name that the proxy resolves by itself (policy E2). */
  readonly unlisted: readonly Endpoint[];
  /** Endpoints that are not ready count like those that are. */
  readonly publishNotReady: boolean;
}

const noOrigins: EndpointOrigins = { shards: [], unlisted: [], publishNotReady: false };

/** Says who lists endpoints and not which: changes inside shards concern those who read the shards. */
export const endpointOrigins: Query<ServiceKey, EndpointOrigins> = {
  name: 'endpointOrigins',
  compute(read, key) {
    const service = read(serviceOf, key);
    if (service === undefined) return noOrigins;
    return service.registry === 'kubernetes' ? registered(read, service) : declared(read, service);
  },
  equal: (a, b) =>
    a.publishNotReady === b.publishNotReady &&
    equalLists(a.shards, b.shards) &&
    equalLists(a.unlisted, b.unlisted, equalEndpoints),
};

function registered(read: Read, service: Service): EndpointOrigins {
  const { key, publishNotReady } = service;
  if (service.resolution === 'external-name') {
    const unlisted = service.externalName === undefined ? [] : [resolvedByProxy(service, service.externalName)];
    return { shards: [], unlisted, publishNotReady };
  }
  const shards = read(shardsByService, key);
  const entries = selectedWorkloadEntries(read, service);
  // In Kubernetes a controller lists what a service selects, and only its slices count. Files often hold the pods alone: then,
  // and only while there is no list at all, the ready pods are the endpoints. An empty list is a list.
  const unlisted = shards.length > 0 ? entries : [...selectedWorkloads(read, service), ...entries];
  return { shards, unlisted, publishNotReady };
}

function declared(read: Read, service: Service): EndpointOrigins {
  const { key, publishNotReady } = service;
  if (service.resolution === 'none') return noOrigins;
  const shards = read(shardsByService, key);
  if (service.selector !== undefined) {
    const unlisted = [...selectedWorkloads(read, service), ...selectedWorkloadEntries(read, service)];
    return { shards, unlisted, publishNotReady };
  }
  const written = declaringEntry(read, key)?.endpoints ?? [];
  const dns = service.resolution === 'dns' || service.resolution === 'dns-round-robin';
  if (dns && written.length === 0) {
    return { shards: [], unlisted: [resolvedByProxy(service, service.hostname)], publishNotReady };
  }
  return { shards, unlisted: written, publishNotReady };
}

/**
 * Where the traffic of a service may go, sorted by address: healthy endpoints, joined with the labels, account and locality of
 * the workloads behind them; endpoints that are going away while there is no other.
 */
export const serviceEndpoints: Query<ServiceKey, readonly Endpoint[]> = {
  name: 'serviceEndpoints',
  compute(read, key) {
    const { shards, unlisted, publishNotReady } = read(endpointOrigins, key);
    const known = [...shards.flatMap((shard) => read(endpointsOfShard, shard)), ...unlisted];
    const served = publishNotReady ? known.map(published) : known;
    return servedEndpoints(served.toSorted(compareEndpoints));
  },
  equal: (a, b) => equalLists(a, b, equalEndpoints),
};

function resolvedByProxy(service: Service, name: string): Endpoint {
  return {
    address: name,
    ports: targetPorts(service, () => undefined),
    health: 'healthy',
    weight: 1,
    labels: {},
    locality: unknownLocality,
    serviceAccount: '',
    workloadName: '',
    namespace: service.namespace,
  };
}

function published(endpoint: Endpoint): Endpoint {
  return endpoint.health === 'healthy' ? endpoint : { ...endpoint, health: 'healthy' };
}
