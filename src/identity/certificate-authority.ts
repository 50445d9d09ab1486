import type { WorkloadIdentity } from '../model/identity.ts';

/** What signs the certificates of workloads. */

/** Whose certificate is wanted. Always found out from a credential, never taken from a request (reliability S27, S60). */
export interface CertificateSubject {
  readonly identity: WorkloadIdentity;
  /** `Caller.instance`: kept in the certificate, so that every replica finds it there again (reliability S54). */
  readonly instance: string | undefined;
}

export interface SignedCertificate {
  /** PEM, leaf first, then what stands between it and a root; no root. Each ends in a newline. */
  readonly chain: readonly string[];
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface KeyAndCertificate extends SignedCertificate {
  /** PEM (PKCS #8). Never logged, never in a dump, never shared between callers. */
  readonly privateKey: string;
}

/** What made a request for a certificate impossible. */
export type SigningRefusal =
  /** The request itself is of no use: INVALID_ARGUMENT. */
  | { readonly kind: 'invalid'; readonly reason: string }
  /** Too many at once: RESOURCE_EXHAUSTED. */
  | { readonly kind: 'busy'; readonly reason: string }
  /** The authority cannot sign now: UNAVAILABLE. */
  | { readonly kind: 'unavailable'; readonly reason: string };

export type Signing<Certificate> = { readonly kind: 'signed'; readonly certificate: Certificate } | SigningRefusal;

export interface CertificateAuthority {
  readonly trustDomain: string;
  /** PEM of every root that holds now, one behind the other. Changes while roots are rotated. */
  readonly trustBundle: string;
  /**
   * Signs the public key of a request. Of the request's names nothing is taken (istio-compat I50).
   *
   * @param request PEM of a PKCS #10 request
   * @param seconds asked lifetime; undefined: the default
   */
  sign(subject: CertificateSubject, request: string, seconds?: number): Promise<Signing<SignedCertificate>>;
  /** Makes a key and its certificate, for a workload that cannot make its own. */
  issue(subject: CertificateSubject): Promise<Signing<KeyAndCertificate>>;
  /** A certificate for a server of the control plane. @param names host names and IP addresses */
  issueServer(names: readonly string[]): Promise<Signing<KeyAndCertificate>>;
  /** Calls back whenever `trustBundle` or the signer has changed. @returns ends it */
  follow(changed: () => void): () => void;
}
