import type { Query, Read } from '../incremental/definitions.ts';
import type { Endpoint, ShardEndpoint } from '../model/endpoint.ts';
import {
  homeOfShardKey,
  partsOfWorkloadKey,
  type EndpointShardKey,
  type NodeKey,
  type ShardHome,
  type WorkloadKey,
} from '../model/keys.ts';
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
    const home = homeOfShardKey(key);
    return shard.endpoints
      .map((endpoint) => joinedEndpoint(read, endpoint, shard.ports, home))
      .toSorted(compareEndpoints);
  },
  equal: (a, b) => equalLists(a, b, equalEndpoints),
};

function joinedEndpoint(
  read: Read,
  listed: ShardEndpoint,
  ports: Readonly<Record<string, number>>,
  home: ShardHome,
): Endpoint {
  const workload = workloadBehind(read, listed, home);
  return {
    address: listed.address,
    ports,
    health: listed.health,
    weight: listed.weight ?? 1,
    labels: workload?.labels ?? listed.labels ?? noLabels,
    locality: listedLocality(read, listed, home),
    serviceAccount: workload?.serviceAccount ?? '',
    workloadName: workload?.name ?? '',
    namespace: home.namespace,
  };
}

/** Shared, so that endpoints without labels compare by identity. */
const noLabels: Labels = {};

/** The labels of the workload behind an endpoint, or those that the list gives it; none where neither is known. */
export function workloadLabels(read: Read, listed: ShardEndpoint, home: ShardHome): Labels {
  return workloadBehind(read, listed, home)?.labels ?? listed.labels ?? noLabels;
}

/** Where an endpoint is. Its workload is looked at only where the list says nothing of it. */
function listedLocality(read: Read, listed: ShardEndpoint, home: ShardHome): Locality {
  const { node, zone, locality } = listed;
  if (locality !== undefined) return locality;
  if (node !== undefined || zone !== undefined) return localityOf(read, node, zone);
  return localityOf(read, workloadBehind(read, listed, home)?.node);
}

/** The same for many endpoints: reads each machine once. */
export function listedLocalities(read: Read, home: ShardHome): (listed: ShardEndpoint) => Locality {
  const known = new Map<NodeKey, Locality>();
  return (listed) => {
    const { node } = listed;
    if (node === undefined) return listedLocality(read, listed, home);
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

/** Clusters may use the same addresses: where the list names nobody, only workloads of its own source come into question. */
export function workloadBehind(
  read: Read,
  listed: ShardEndpoint,
  { namespace, source }: ShardHome,
): Workload | undefined {
  if (listed.workload !== undefined) return namedWorkload(read, listed, listed.workload);
  return read(workloadsByAddress, listed.address)
    .filter((key) => partsOfWorkloadKey(key).source === source)
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
