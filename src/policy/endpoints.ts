import type { Query, Read } from '../incremental/definitions.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { ServiceKey } from '../model/keys.ts';
import type { Service } from '../model/service.ts';
import { shardsByService } from '../model/tables.ts';
import { unknownLocality } from '../model/workload.ts';
import { compareEndpoints, equalEndpoints, servedEndpoints } from './endpoint-order.ts';
import { endpointsOfShard } from './endpoint-shards.ts';
import { equalLists } from './equality.ts';
import { selectedWorkloadEntries, selectedWorkloads, targetPorts } from './selected-endpoints.ts';
import { declaringEntry, serviceOf } from './services.ts';

/**
 * Where the traffic of a service may go, sorted by address: healthy endpoints, joined with the labels, account and locality of
 * the workloads behind them; endpoints that are going away while there is no other.
 * A name that the proxy resolves by itself (DNS) stands here as an endpoint with that name for an address (policy E2).
 */
export const serviceEndpoints: Query<ServiceKey, readonly Endpoint[]> = {
  name: 'serviceEndpoints',
  compute(read, key) {
    const service = read(serviceOf, key);
    if (service === undefined) return [];
    const known = service.registry === 'kubernetes' ? registered(read, service) : declared(read, service);
    const served = service.publishNotReady ? known.map(published) : known;
    return servedEndpoints(served.toSorted(compareEndpoints));
  },
  equal: (a, b) => equalLists(a, b, equalEndpoints),
};

function registered(read: Read, service: Service): readonly Endpoint[] {
  if (service.resolution === 'external-name') {
    return service.externalName === undefined ? [] : [resolvedByProxy(service, service.externalName)];
  }
  const listed = listedEndpoints(read, service.key);
  // In Kubernetes a controller lists what a service selects, and only its slices count. Files often hold the pods alone: then,
  // and only while there is no list at all, the ready pods are the endpoints.
  return [...(listed ?? selectedWorkloads(read, service)), ...selectedWorkloadEntries(read, service)];
}

function declared(read: Read, service: Service): readonly Endpoint[] {
  const listed = listedEndpoints(read, service.key) ?? [];
  if (service.resolution === 'none') return [];
  if (service.selector !== undefined) {
    return [...listed, ...selectedWorkloads(read, service), ...selectedWorkloadEntries(read, service)];
  }
  const written = declaringEntry(read, service.key)?.endpoints ?? [];
  const dns = service.resolution === 'dns' || service.resolution === 'dns-round-robin';
  if (dns && written.length === 0) return [resolvedByProxy(service, service.hostname)];
  return [...listed, ...written];
}

/** undefined: no source has a list for the service, which is not the same as an empty one. */
function listedEndpoints(read: Read, key: ServiceKey): readonly Endpoint[] | undefined {
  const shards = read(shardsByService, key);
  return shards.length === 0 ? undefined : shards.flatMap((shard) => read(endpointsOfShard, shard));
}

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
