import type { Query, Read } from '../incremental/definitions.ts';
import type { Endpoint, ShardEndpoint } from '../model/endpoint.ts';
import { partsOfServiceKey, type EndpointShardKey } from '../model/keys.ts';
import { endpointShards, nodes, workloads, workloadsByAddress } from '../model/tables.ts';
import { unknownLocality, type Locality, type Workload } from '../model/workload.ts';
import { compareEndpoints, equalEndpoints } from './endpoint-order.ts';
import { equalLists } from './equality.ts';

/** What a registry lists for a service, joined with what is known of the workloads behind the addresses. */

/** The endpoints of one shard, sorted. An edit of one shard leaves the others of its service alone. */
export const endpointsOfShard: Query<EndpointShardKey, readonly Endpoint[]> = {
  name: 'endpointsOfShard',
  compute(read, key) {
    const shard = read(endpointShards, key);
    if (shard === undefined) return [];
    const { namespace } = partsOfServiceKey(shard.service);
    return shard.endpoints
      .map((endpoint) => joinedEndpoint(read, endpoint, shard.ports, namespace))
      .toSorted(compareEndpoints);
  },
  equal: (a, b) => equalLists(a, b, equalEndpoints),
};

function joinedEndpoint(
  read: Read,
  listed: ShardEndpoint,
  ports: Readonly<Record<string, number>>,
  namespace: string,
): Endpoint {
  const workload = workloadBehind(read, listed, namespace);
  return {
    address: listed.address,
    ports,
    health: listed.health,
    weight: 1,
    labels: workload?.labels ?? noLabels,
    locality: localityOf(read, listed.nodeName ?? workload?.nodeName, listed.zone),
    serviceAccount: workload?.serviceAccount ?? '',
    workloadName: workload?.name ?? '',
    namespace,
  };
}

/** Shared, so that endpoints without labels compare by identity. */
const noLabels: Readonly<Record<string, string>> = {};

function workloadBehind(read: Read, listed: ShardEndpoint, namespace: string): Workload | undefined {
  const named = listed.workload === undefined ? undefined : read(workloads, listed.workload);
  if (named !== undefined) return named;
  return read(workloadsByAddress, listed.address)
    .map((key) => read(workloads, key))
    .find((workload) => workload?.namespace === namespace);
}

/**
 * Where a machine is: its node knows best, else the zone that the registry noted beside the endpoint.
 */
export function localityOf(read: Read, nodeName: string | undefined, zone?: string): Locality {
  const node = nodeName === undefined ? undefined : read(nodes, nodeName);
  if (node !== undefined) return node.locality;
  return zone === undefined ? unknownLocality : { region: '', zone, subZone: '' };
}
