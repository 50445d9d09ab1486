import type { Provenance } from './provenance.ts';

/** How a client treats a service: balancing, limits, ejection. Every block absent means the mesh's defaults (policy D1 to D15). */
export interface TrafficPolicy {
  readonly loadBalancer: LoadBalancer | undefined;
  readonly connectionPool: ConnectionPool | undefined;
  readonly outlierDetection: OutlierDetection | undefined;
  readonly tls: ClientTls | undefined;
  readonly retryBudget: { readonly percent: number; readonly minRetryConcurrency: number } | undefined;
}

export interface LoadBalancer {
  readonly algorithm:
    | { readonly kind: 'least-request' | 'round-robin' | 'random' | 'passthrough' }
    | { readonly kind: 'consistent-hash'; readonly key: HashKey; readonly table: HashTable };
  readonly warmup:
    { readonly durationMs: number; readonly minimumPercent: number; readonly aggression: number } | undefined;
  readonly locality: LocalityPreference | undefined;
}

export type HashKey =
  | { readonly kind: 'header'; readonly name: string }
  | {
      readonly kind: 'cookie';
      readonly name: string;
      readonly path: string;
      /** undefined: the cookie is read and never set. 0: where a request has none, one is set for the session. */
      readonly ttlMs: number | undefined;
      readonly attributes: readonly (readonly [name: string, value: string])[];
    }
  | { readonly kind: 'source-ip' }
  | { readonly kind: 'query'; readonly name: string };

export type HashTable =
  { readonly kind: 'ring'; readonly minimumSize: number } | { readonly kind: 'maglev'; readonly tableSize: number };

export interface LocalityPreference {
  readonly enabled: boolean;
  /** Locality pattern `region/zone/sub-zone`, `*` allowed -> target pattern -> share in percent. */
  readonly distribute: readonly { readonly from: string; readonly to: Readonly<Record<string, number>> }[];
  readonly failover: readonly { readonly from: string; readonly to: string }[];
  /** Label names, most important first, each `label` or `label=value`. */
  readonly failoverPriority: readonly string[];
}

export interface ConnectionPool {
  readonly maxConnections: number | undefined;
  readonly connectTimeoutMs: number | undefined;
  readonly maxConnectionDurationMs: number | undefined;
  readonly tcpIdleTimeoutMs: number | undefined;
  readonly tcpKeepalive:
    | {
        readonly probes: number | undefined;
        readonly timeMs: number | undefined;
        readonly intervalMs: number | undefined;
      }
    | undefined;
  readonly http1MaxPendingRequests: number | undefined;
  /** Limits requests in flight for HTTP/1 and HTTP/2 alike, whatever its name in Istio's API says (policy D13). */
  readonly http2MaxRequests: number | undefined;
  readonly maxRequestsPerConnection: number | undefined;
  readonly maxRetries: number | undefined;
  readonly httpIdleTimeoutMs: number | undefined;
  readonly maxConcurrentStreams: number | undefined;
  readonly h2Upgrade: 'default' | 'never' | 'always';
  readonly useClientProtocol: boolean;
}

export interface OutlierDetection {
  /** 0 switches the detector off; undefined: its default (5). */
  readonly consecutive5xxErrors: number | undefined;
  readonly consecutiveGatewayErrors: number | undefined;
  readonly splitExternalLocalOriginErrors: boolean;
  readonly consecutiveLocalOriginFailures: number | undefined;
  readonly intervalMs: number | undefined;
  readonly baseEjectionTimeMs: number | undefined;
  readonly maxEjectionPercent: number | undefined;
  readonly minHealthPercent: number | undefined;
}

/** Transport security asked of the client by the policy itself. */
export interface ClientTls {
  readonly mode: 'disable' | 'simple' | 'mutual' | 'istio-mutual';
  readonly sni: string;
  readonly subjectAltNames: readonly string[];
  readonly caCertificates: string;
  readonly clientCertificate: string;
  readonly privateKey: string;
  readonly credentialName: string;
  readonly insecureSkipVerify: boolean;
}

/** A named part of a service's workloads, picked by label. */
export interface Subset {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly provenance: Provenance;
}

/** The traffic policy that applies to one client, service, subset and port, and which objects made it. */
export interface EffectiveTrafficPolicy {
  readonly policy: TrafficPolicy;
  readonly provenance: readonly Provenance[];
}
