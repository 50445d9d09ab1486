import type { WorkloadIdentity } from '../model/identity.ts';

/** Who calls the control plane, and how that is found out. */

/** What a caller shows of itself. Nothing in it is true yet, but for a certificate: TLS has verified that. */
export interface Credentials {
  /** `address:port`. */
  readonly address: string;
  /** What stands behind `authorization: Bearer`; undefined: nothing. */
  readonly token: string | undefined;
  /** `clusterid` of the request: the cluster whose API server knows the token (istio-compat I30); empty: the local one. */
  readonly clusterId: string;
  /** Of the verified client certificate; undefined: the caller has shown none. */
  readonly certificate:
    { readonly uris: readonly string[]; readonly instance: string | undefined; readonly notAfter: number } | undefined;
}

/** A caller whose credential holds. */
export interface Caller {
  readonly identity: WorkloadIdentity;
  readonly by: 'certificate' | 'kubernetes-token' | 'join-token';
  /** Which of the workloads with this identity it is (reliability S54): the uid of a pod, the name of a machine; undefined: not known. */
  readonly instance: string | undefined;
  /** Milliseconds since 1970 at which the credential ends, and everything that it was good for. */
  readonly expiresAt: number;
}

export type Authentication =
  | { readonly kind: 'caller'; readonly caller: Caller }
  /** There is no credential of the kind that is asked for: the next authenticator has its turn. */
  | { readonly kind: 'absent' }
  /** There is one, and it does not hold. The reason is for the log; the caller hears none. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** It could not be found out (istio-compat I32): the caller may try again. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Finds out who a caller is by one kind of credential. */
export interface Authenticator {
  readonly name: Caller['by'];
  authenticate(credentials: Credentials): Promise<Authentication>;
}
