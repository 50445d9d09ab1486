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
  readonly endpoints: readonly ShardEndpoint[];
  readonly declaredBy: ObjectReference;
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
