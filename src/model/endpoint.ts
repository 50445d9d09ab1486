import { isDeepStrictEqual } from 'node:util';
import { compareText } from './config-object.ts';
import type { EndpointShardKey, ServiceKey, WorkloadKey } from './keys.ts';
import type { ObjectReference } from './provenance.ts';
import type { Locality } from './workload.ts';

/** `unhealthy`: known and not ready. `draining`: going away, finishes what it has. */
export type Health = 'healthy' | 'unhealthy' | 'draining';

export interface ShardEndpoint {
  /** IPv4 or IPv6 address, or `unix://` and a path. */
  readonly address: string;
  readonly health: Health;
  /** The workload behind the address, where the source names it. */
  readonly workload?: WorkloadKey;
  /** First label of the endpoint's own name below the service's, where it has one (pods of a StatefulSet). */
  readonly hostname?: string;
  readonly nodeName?: string;
  readonly zone?: string;
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
      a.nodeName === b.nodeName &&
      a.zone === b.zone)
  );
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
