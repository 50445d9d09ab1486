import type { Provenance } from './provenance.ts';

/**
 * Request routing in mesh words, whatever the dialect it was written in. Static conditions (port, gateways, source labels and
 * namespace) are resolved by policy before a rule gets here; what remains is decided per request.
 */

/**
 * `istio`: list order, `prefix` is a plain string prefix, an unknown destination answers 503.
 * `gateway`: precedence order over merged routes, `prefix` is whole path segments, a bad backend answers 500 for its share.
 */
export type Dialect = 'istio' | 'gateway';

export type StringMatch =
  | { readonly kind: 'exact'; readonly value: string }
  | { readonly kind: 'prefix'; readonly value: string }
  /** RE2; the whole text must match. */
  | { readonly kind: 'regex'; readonly value: string };

export interface HeaderMatch {
  /** Lower case. */
  readonly name: string;
  /** `present`: any value. */
  readonly match: StringMatch | { readonly kind: 'present' };
  /** The header must not match; an absent header counts as not matching, except for `present`. */
  readonly inverted: boolean;
}

export interface QueryMatch {
  readonly name: string;
  readonly match: StringMatch | { readonly kind: 'present' };
}

/** All conditions must hold; an absent condition holds. */
export interface HttpMatch {
  readonly name: string;
  readonly path: StringMatch | undefined;
  readonly ignorePathCase: boolean;
  readonly method: StringMatch | undefined;
  readonly scheme: StringMatch | undefined;
  readonly authority: StringMatch | undefined;
  readonly headers: readonly HeaderMatch[];
  readonly query: readonly QueryMatch[];
  readonly statPrefix: string;
}

export interface HeaderOperations {
  /** Sorted by name. */
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
}

export interface HeaderManipulation {
  readonly request: HeaderOperations;
  readonly response: HeaderOperations;
}

/** Where a share of the requests goes. The host is a full name. */
export interface Destination {
  readonly host: string;
  readonly subset: string;
  /** undefined: the only port of the service, else the port of the listener (policy P601). */
  readonly port: number | undefined;
  readonly provenance: Provenance;
}

export interface WeightedDestination {
  readonly destination: Destination;
  /** Relative to the sum over the rule. */
  readonly weight: number;
  readonly headers: HeaderManipulation | undefined;
}

export interface Redirect {
  readonly kind: 'redirect';
  readonly uri: string | undefined;
  /** Replaces only the matched prefix. */
  readonly prefix: string | undefined;
  readonly authority: string | undefined;
  readonly scheme: string | undefined;
  readonly port: number | 'from-protocol-default' | 'from-request' | undefined;
  readonly code: 301 | 302 | 303 | 307 | 308;
}

export interface DirectResponse {
  readonly kind: 'direct-response';
  readonly status: number;
  readonly body:
    { readonly kind: 'text'; readonly text: string } | { readonly kind: 'bytes'; readonly base64: string } | undefined;
}

export interface Forward {
  readonly kind: 'forward';
  readonly destinations: readonly WeightedDestination[];
  readonly rewrite: Rewrite | undefined;
  readonly mirrors: readonly Mirror[];
}

export type HttpAction = Forward | Redirect | DirectResponse;

export interface Rewrite {
  /** Replaces the matched prefix, or the whole path after an exact or regex match. */
  readonly uri: string | undefined;
  readonly regex: { readonly match: string; readonly substitution: string } | undefined;
  readonly authority: string | undefined;
}

export interface Mirror {
  readonly destination: Destination;
  /** 0 to 100, fractions allowed. */
  readonly percentage: number;
}

export interface Retries {
  /** 0: no retries. */
  readonly attempts: number;
  readonly perTryTimeoutMs: number | undefined;
  /** Envoy's comma separated conditions, numeric status codes taken out; undefined: the mesh's default. */
  readonly on: string | undefined;
  readonly statusCodes: readonly number[];
  readonly backOffMs: number | undefined;
  readonly remoteLocalities: boolean;
  readonly ignorePreviousHosts: boolean;
}

export interface Fault {
  readonly delay: { readonly fixedMs: number; readonly percentage: number } | undefined;
  readonly abort:
    | { readonly kind: 'http'; readonly status: number; readonly percentage: number }
    | { readonly kind: 'grpc'; readonly status: number; readonly percentage: number }
    | undefined;
}

export interface Cors {
  readonly allowOrigins: readonly StringMatch[];
  readonly allowMethods: readonly string[];
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeMs: number | undefined;
  readonly allowCredentials: boolean | undefined;
  readonly forwardUnmatchedPreflights: boolean;
}

/** One rule: any of its matches (none: every request) leads to its action. */
export interface HttpRule {
  readonly name: string;
  readonly matches: readonly HttpMatch[];
  readonly action: HttpAction;
  readonly headers: HeaderManipulation | undefined;
  /** undefined: the dialect's default (istio: no timeout). 0: no timeout. */
  readonly timeoutMs: number | undefined;
  /** undefined: the mesh's default. */
  readonly retries: Retries | undefined;
  readonly fault: Fault | undefined;
  readonly cors: Cors | undefined;
  readonly provenance: Provenance;
}

/** What applies to requests for one host on one port, in order. */
export interface HttpRouting {
  readonly dialect: Dialect;
  readonly rules: readonly HttpRule[];
  readonly provenance: Provenance;
}

/** Routing of connections by address or by server name (policy T1 to T3). */
export interface ConnectionRule {
  /** `tls` matches on server names, `tcp` does not look inside. */
  readonly kind: 'tcp' | 'tls';
  /** Empty for `tcp`. */
  readonly serverNames: readonly string[];
  /** CIDRs of the destination; empty: any. */
  readonly destinationSubnets: readonly string[];
  readonly destinations: readonly WeightedDestination[];
  readonly provenance: Provenance;
}
