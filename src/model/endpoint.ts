import { isDeepStrictEqual } from 'node:util';
import { compareText } from './config-object.ts';
import type { EndpointShardKey, NodeKey, ServiceKey, WorkloadKey } from './keys.ts';
import type { ObjectReference } from './provenance.ts';
import type { Locality } from './workload.ts';

/**
 * `degraded`: perhaps gone, since its registry does not name it any more: for the traffic that the healthy ones cannot take (reliability
 * R51). `unhealthy`: known and not ready. `draining`: going away, finishes what it has.
 */
export type Health = 'healthy' | 'degraded' | 'unhealthy' | 'draining';

export interface ShardEndpoint {
  /** IPv4 or IPv6 address, or `unix://` and a path. */
  readonly address: string;
  readonly health: Health;
  /** The workload behind the address, where the source names it. */
  readonly workload?: WorkloadKey;
  /** First label of the endpoint's own name below the service's, where it has one (pods of a StatefulSet). */
  readonly hostname?: string;
  /** The machine behind the address, where the source names it. */
  readonly node?: NodeKey;
  readonly zone?: string;
  /** What the source itself says of the endpoint, where no workload stands behind it. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly locality?: Locality;
  /** A whole number from 1; default: 1. */
  readonly weight?: number;
}

/** The endpoints that one object of one source (an EndpointSlice, a Nacos cluster) gives one service. */
export interface EndpointShard {
  readonly key: EndpointShardKey;
  readonly service: ServiceKey;
  /** Service port name -> port number on the endpoint. */
  readonly ports: Readonly<Record<string, number>>;
  /**
   * In the order in which clients get them, which has to be the same on every replica: sources sort by address (`sortedByAddress`).
   * A source that keeps the objects of endpoints that did not change saves their comparison.
   */
  readonly endpoints: readonly ShardEndpoint[];
  readonly declaredBy: ObjectReference;
}

/** By code units of the address; what has the same address stays in the order given. */
export function sortedByAddress(endpoints: readonly ShardEndpoint[]): readonly ShardEndpoint[] {
  return endpoints.toSorted((a, b) => compareText(a.address, b.address));
}

export function equalShards(a: EndpointShard, b: EndpointShard): boolean {
  return (
    a.key === b.key &&
    a.service === b.service &&
    a.endpoints.length === b.endpoints.length &&
    a.endpoints.every((endpoint, index) => equalShardEndpoints(endpoint, b.endpoints[index])) &&
    isDeepStrictEqual(a.ports, b.ports) &&
    isDeepStrictEqual(a.declaredBy, b.declaredBy)
  );
}

export function equalShardEndpoints(a: ShardEndpoint, b: ShardEndpoint | undefined): boolean {
  return (
    a === b ||
    (a.address === b?.address &&
      a.health === b.health &&
      a.workload === b.workload &&
      a.hostname === b.hostname &&
      a.node === b.node &&
      a.zone === b.zone &&
      a.weight === b.weight &&
      (a.labels === b.labels || isDeepStrictEqual(a.labels, b.labels)) &&
      (a.locality === b.locality || isDeepStrictEqual(a.locality, b.locality)))
  );
}

const fewAddresses = 8;

/**
 * The addresses that one of two lists has and the other lacks. Lists of thousands differ in few endpoints, and mostly in place, so what
 * both begin and end with is passed over.
 */
export function changedAddresses(
  before: readonly ShardEndpoint[],
  after: readonly ShardEndpoint[],
): { readonly left: readonly string[]; readonly joined: readonly string[] } {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && isSameAddress(before[start], after[start])) start++;
  let end = 0;
  while (end < shorter - start && isSameAddress(before[before.length - 1 - end], after[after.length - 1 - end])) end++;
  return {
    left: addressesMissing(after, before.slice(start, before.length - end)),
    joined: addressesMissing(before, after.slice(start, after.length - end)),
  };
}

function isSameAddress(a: ShardEndpoint | undefined, b: ShardEndpoint | undefined): boolean {
  return a === b || a?.address === b?.address;
}

/** An address may be listed twice, and so be in the middle and in what was passed over: the other list counts as a whole. */
function addressesMissing(others: readonly ShardEndpoint[], endpoints: readonly ShardEndpoint[]): readonly string[] {
  const addresses = endpoints.map(({ address }) => address);
  // Looking for a few addresses in a list is faster than looking up each of the list.
  if (addresses.length <= fewAddresses) return addresses.filter((address) => !isListed(address, others));
  const known = new Set(others.map(({ address }) => address));
  return addresses.filter((address) => !known.has(address));
}

function isListed(address: string, endpoints: readonly ShardEndpoint[]): boolean {
  for (const endpoint of endpoints) if (endpoint.address === address) return true;
  return false;
}

/** One address of a service, joined with what is known of its workload. */
export interface Endpoint {
  readonly address: string;
  /** Service port name -> port number on the endpoint. */
  readonly ports: Readonly<Record<string, number>>;
  readonly health: Health;
  /** At least 1. */
  readonly weight: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly locality: Locality;
  /** Service account of the workload; empty when unknown. */
  readonly serviceAccount: string;
  readonly workloadName: string;
  readonly namespace: string;
}
