import type { TokenRule } from '../../../model/authentication.ts';
import type { AuthorizationPolicy } from '../../../model/authorization.ts';
import type { Endpoint } from '../../../model/endpoint.ts';
import type { MeshSettings } from '../../../model/mesh-settings.ts';
import type { MutualTlsMode } from '../../../model/mutual-tls.ts';
import type { ObjectReference, Provenance, Violation } from '../../../model/provenance.ts';
import type { HttpMatch, HttpRule, WeightedDestination } from '../../../model/routing.ts';
import type { Service } from '../../../model/service.ts';
import type { TrafficPolicy } from '../../../model/traffic-policy.ts';
import type { Locality } from '../../../model/workload.ts';

/**
 * What Istio's objects say, in mesh words. Values are checked, defaults of the API are filled in, host names are full and in
 * lower case; what depends on other objects, on the mesh settings or on the proxy is left to the queries.
 */

/** The reading of one object: its value, or everything that is wrong with it. */
export type Decoding<Value> =
  | { readonly kind: 'valid'; readonly value: Value; readonly warnings: readonly Violation[] }
  /** At least one violation is an error; warnings are listed with them. */
  | {
      readonly kind: 'invalid';
      readonly violations: readonly Violation[];
      /** What is in force in its place. Only of kinds without which something would be open that may have been meant to be closed. */
      readonly standIn?: Value;
    };

export type DecodedConfig =
  | DecodedVirtualService
  | DecodedDestinationRule
  | DecodedServiceEntry
  | DecodedWorkloadEntry
  | DecodedAuthorizationPolicy
  | DecodedPeerAuthentication
  | DecodedRequestAuthentication
  | DecodedMeshConfig;

export type Decoded = Decoding<DecodedConfig>;

/** Who wrote it and when; enough for `compareByAge` (policy G4). */
export interface DecodedObject {
  readonly namespace: string;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly reference: ObjectReference;
}

/** `.`, `*`, `~` or names of namespaces; undefined: the mesh's default (policy G3). */
type ExportTo = readonly string[] | undefined;

export interface DecodedVirtualService extends DecodedObject {
  readonly kind: 'virtual-service';
  /** Full names, `*.suffix` wildcards, or `*` (only without the gateway `mesh`). Empty: a delegate, which applies to nobody by itself. */
  readonly hosts: readonly string[];
  /** `mesh` (all sidecars) and `namespace/name` of gateways; `[mesh]` by default (policy T5). */
  readonly gateways: readonly string[];
  readonly exportTo: ExportTo;
  /** In the order in which they are tried. Routes that can match nothing are left out. */
  readonly http: readonly DecodedHttpRoute[];
  readonly tls: readonly DecodedConnectionRoute[];
  readonly tcp: readonly DecodedConnectionRoute[];
}

/** Conditions on the client and the listener: decided when a route table is built, never per request (policy H11 to H14). */
export interface StaticConditions {
  /** Of the listener. */
  readonly port: number | undefined;
  /** The client must carry all of them; not looked at when `gateways` is set (policy H14). */
  readonly sourceLabels: Readonly<Record<string, string>>;
  /** Namespace of the client; not looked at when `gateways` is set. */
  readonly sourceNamespace: string | undefined;
  /** `mesh` and `namespace/name`; replaces the gateways of the object; undefined: those of the object. */
  readonly gateways: readonly string[] | undefined;
}

export interface DecodedHttpMatch {
  readonly conditions: StaticConditions;
  readonly match: HttpMatch;
  /** Path of the block in the object, for messages. */
  readonly path: string;
}

export interface DecodedHttpRoute {
  /** Any of them; empty: every request of every client (policy P101). Not empty and none applicable: the route is out. */
  readonly matches: readonly DecodedHttpMatch[];
  readonly rule: Omit<HttpRule, 'matches'>;
}

export interface DecodedConnectionMatch {
  readonly conditions: StaticConditions;
  /** Exact names and `*.suffix` wildcards; empty for `tcp`. */
  readonly serverNames: readonly string[];
  /** CIDRs, single addresses written with their full length; empty: any destination. */
  readonly destinationSubnets: readonly string[];
}

/** A route of `tls` or `tcp`: first whole match wins, per connection (policy T1 to T3). */
export interface DecodedConnectionRoute {
  /** Any of them; empty (`tcp` only): every connection. */
  readonly matches: readonly DecodedConnectionMatch[];
  readonly destinations: readonly WeightedDestination[];
  readonly provenance: Provenance;
}

/** One level of settings, before any inheritance: for all ports, and for single ports, which replace it wholesale (policy P121). */
export interface TrafficPolicyLayer {
  /** undefined: nothing was said for all ports. */
  readonly policy: TrafficPolicy | undefined;
  /** By number of the service port. */
  readonly ports: ReadonlyMap<number, TrafficPolicy>;
}

export interface DecodedSubset {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly trafficPolicy: TrafficPolicyLayer;
  readonly provenance: Provenance;
}

export interface DecodedDestinationRule extends DecodedObject {
  readonly kind: 'destination-rule';
  /** A full name, a `*.suffix` wildcard, or `*`. */
  readonly host: string;
  readonly exportTo: ExportTo;
  /** Labels of the clients that it is for, in its own namespace; undefined: all clients (policy P120). */
  readonly clientSelector: Readonly<Record<string, string>> | undefined;
  readonly trafficPolicy: TrafficPolicyLayer;
  /** Names are unique within the rule. */
  readonly subsets: readonly DecodedSubset[];
}

export interface DecodedServiceEntry extends DecodedObject {
  readonly kind: 'service-entry';
  /** One per host, in the order of the object; their `key`, `selector` and `resolution` are final. */
  readonly services: readonly Service[];
  /**
   * Endpoints that the entry lists, the same for each of its services; `ports` names every port of the entry. Addresses are IPs or
   * `unix://` paths, with DNS resolution also host names. Empty with DNS resolution: the host itself is resolved (policy E2).
   */
  readonly endpoints: readonly Endpoint[];
  /** Names that the servers' certificates may carry beside those of their service accounts. */
  readonly subjectAltNames: readonly string[];
}

/** A machine outside the registry (policy E7). Whose endpoint it is follows from its labels and the selectors of service entries. */
export interface DecodedWorkloadEntry extends DecodedObject {
  readonly kind: 'workload-entry';
  /** An IP, a host name, or `unix://` and a path; undefined: it stands for another network, and nothing can be sent to it. */
  readonly address: string | undefined;
  /** Service port name -> port; a port that is not named here has the service's target port. */
  readonly ports: Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly locality: Locality;
  /** At least 1. */
  readonly weight: number;
  /** Empty: unknown. */
  readonly serviceAccount: string;
}

/** What workloads ask of those who call them (policy P1). */
export interface DecodedPeerAuthentication extends DecodedObject {
  readonly kind: 'peer-authentication';
  /** Labels of the workloads that it is for; undefined: all of its namespace, or of the mesh in the root namespace. */
  readonly selector: Readonly<Record<string, string>> | undefined;
  /** undefined: what holds around it. */
  readonly mode: MutualTlsMode | undefined;
  /** By port of the workload, not of a service (policy P2). Empty without selector. */
  readonly ports: ReadonlyMap<number, MutualTlsMode>;
}

/** Who may call workloads (policy 1.9). */
export interface DecodedAuthorizationPolicy extends DecodedObject {
  readonly kind: 'authorization-policy';
  /** Labels of the workloads that it is for; undefined: all of its namespace, or of the mesh in the root namespace. */
  readonly selector: Readonly<Record<string, string>> | undefined;
  /** It names no targets, which are enforced elsewhere (policy Z21). */
  readonly isForSidecars: boolean;
  readonly policy: AuthorizationPolicy;
}

/** Which tokens callers of workloads may show (policy 1.8). */
export interface DecodedRequestAuthentication extends DecodedObject {
  readonly kind: 'request-authentication';
  /** As in an AuthorizationPolicy. */
  readonly selector: Readonly<Record<string, string>> | undefined;
  readonly isForSidecars: boolean;
  /** No: it stands in for an object that is wrong, so that nobody knows what tokens mean. */
  readonly isReadable: boolean;
  readonly rules: readonly TokenRule[];
}

export interface DecodedMeshConfig extends DecodedObject {
  readonly kind: 'mesh-config';
  /** What the object sets; lay it over `defaultMeshSettings`. */
  readonly settings: Partial<MeshSettings>;
}
