import type { ServiceKey } from './keys.ts';
import type { ObjectReference } from './provenance.ts';
import type { Protocol } from './protocol.ts';

export interface ServicePort {
  readonly name: string;
  readonly number: number;
  readonly protocol: Protocol;
  /** Port on the workload: a number, or the name of a container port. Equal to `number` when the source says nothing. */
  readonly targetPort: number | string;
}

/**
 * How the addresses behind a service are found:
 * `endpoints` from a registry; `dns` all addresses that the name resolves to; `dns-round-robin` one of them at a time;
 * `none` the address that the caller dialled; `external-name` an alias for another DNS name.
 */
export type Resolution = 'endpoints' | 'dns' | 'dns-round-robin' | 'none' | 'external-name';

/** A name that callers dial, with its ports. */
export interface Service {
  readonly key: ServiceKey;
  readonly hostname: string;
  readonly namespace: string;
  /** Name of the object that declares the service. */
  readonly name: string;
  /** `kubernetes` beats the others when several declare one host name (policy G5). */
  readonly registry: 'kubernetes' | 'nacos' | 'service-entry';
  readonly ports: readonly ServicePort[];
  /** Virtual addresses (IPs or CIDRs); empty for a headless service or a service entry without addresses. */
  readonly addresses: readonly string[];
  readonly headless: boolean;
  readonly resolution: Resolution;
  /** The DNS name behind an `external-name` service. */
  readonly externalName?: string;
  readonly meshExternal: boolean;
  /** Namespaces that may see the service: `.`, `*`, `~` or names; undefined means the mesh's default (policy G3). */
  readonly exportTo: readonly string[] | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Labels of the workloads behind it; undefined when its endpoints are listed, not selected. */
  readonly selector: Readonly<Record<string, string>> | undefined;
  /** Which endpoints its clients prefer while no rule says otherwise (policy D9). */
  readonly trafficDistribution?: 'prefer-same-zone' | 'prefer-same-node';
  /** What one client asks goes to one endpoint for as long as there is that, while no rule says how to balance. */
  readonly sessionAffinity?: 'client-ip';
  /** Its clients are sent to endpoints of their own node, and to no others. */
  readonly staysOnNode?: true;
  /** Endpoints that are not ready are served like ready ones. */
  readonly publishNotReady: boolean;
  readonly createdAt: number;
  readonly declaredBy: ObjectReference;
}
