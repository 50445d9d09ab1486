import type { Query, Read } from '../incremental/definitions.ts';
import type { Endpoint, ShardEndpoint } from '../model/endpoint.ts';
import { partsOfServiceKey, type EndpointShardKey, type NodeKey, type WorkloadKey } from '../model/keys.ts';
import { endpointShards, nodes, workloads, workloadsByAddress } from '../model/tables.ts';
import { unknownLocality, type Locality, type Workload } from '../model/workload.ts';
import { compareEndpoints, equalEndpoints } from './endpoint-order.ts';
import { equalLists } from './equality.ts';
import type { Labels } from './label-match.ts';

/** What a registry lists for a service, joined with what is known of the workloads behind the addresses. */

/**
 * The endpoints of one shard with all that is known of them, sorted. For those who look at endpoints one by one; load assignments are
 * made without (`workloadLabels`, `listedLocalities`).
 */
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
    locality: listedLocality(read, listed, namespace),
    serviceAccount: workload?.serviceAccount ?? '',
    workloadName: workload?.name ?? '',
    namespace,
  };
}

/** Shared, so that endpoints without labels compare by identity. */
const noLabels: Labels = {};

/**
 * The labels of the workload behind an endpoint; none where it is not known.
 *
 * @param namespace of the service
 */
export function workloadLabels(read: Read, listed: ShardEndpoint, namespace: string): Labels {
  return workloadBehind(read, listed, namespace)?.labels ?? noLabels;
}

/**
 * Where an endpoint is. Its workload is looked at only where the list says nothing of it.
 *
 * @param namespace of the service
 */
function listedLocality(read: Read, listed: ShardEndpoint, namespace: string): Locality {
  const { node, zone } = listed;
  if (node !== undefined || zone !== undefined) return localityOf(read, node, zone);
  return localityOf(read, workloadBehind(read, listed, namespace)?.node);
}

/** The same for many endpoints: reads each machine once. */
export function listedLocalities(read: Read, namespace: string): (listed: ShardEndpoint) => Locality {
  const known = new Map<NodeKey, Locality>();
  return (listed) => {
    const { node } = listed;
    if (node === undefined) return listedLocality(read, listed, namespace);
    let locality = known.get(node);
    if (locality === undefined) {
      locality = read(nodes, node)?.locality;
      // Without its node the zone beside each endpoint counts.
      if (locality === undefined) return localityOf(read, undefined, listed.zone);
      known.set(node, locality);
    }
    return locality;
  };
}

function workloadBehind(read: Read, listed: ShardEndpoint, namespace: string): Workload | undefined {
  if (listed.workload !== undefined) return namedWorkload(read, listed, listed.workload);
  return read(workloadsByAddress, listed.address)
    .map((key) => read(workloads, key))
    .find((workload) => workload?.namespace === namespace);
}

/**
 * Addresses are used again, and pods of a StatefulSet have the names of those before them: a workload that is known to have other
 * addresses is not the one behind this, and neither is another one that has this address by now (kubernetes K77).
 */
function namedWorkload(read: Read, { address }: ShardEndpoint, key: WorkloadKey): Workload | undefined {
  const named = read(workloads, key);
  if (named === undefined || named.addresses.length === 0) return named;
  return named.addresses.includes(address) ? named : undefined;
}

/**
 * Where a machine is: its node knows best, else the zone that the registry noted beside the endpoint.
 */
export function localityOf(read: Read, key: NodeKey | undefined, zone?: string): Locality {
  const node = key === undefined ? undefined : read(nodes, key);
  if (node !== undefined) return node.locality;
  return zone === undefined ? unknownLocality : { region: '', zone, subZone: '' };
}
