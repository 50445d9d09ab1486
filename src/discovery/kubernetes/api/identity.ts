import type { Clock } from '../../registry.ts';
import type { ApiCluster, Pem } from './cluster.ts';
import { RememberedFile } from './remembered-file.ts';

/** What a TLS connection is made of. Two connections whose identities differ cannot stand in for each other. */
export interface TlsIdentity {
  /** PEM; undefined: the authorities that Node knows. */
  readonly authorities: string | undefined;
  readonly client: ClientIdentity | undefined;
}

/** Both in PEM. */
export interface ClientIdentity {
  readonly certificate: string;
  readonly key: string;
}

/**
 * Gives the reader of a cluster's TLS files, which are looked at again every minute: a pooled connection would keep the first for ever (K8).
 *
 * @returns throws ApiError `credentials` when a file cannot be read
 */
export function tlsIdentityReader(cluster: ApiCluster, clock: Clock): () => Promise<TlsIdentity> {
  const authorities = cluster.authorities && pemReader(cluster.authorities, clock);
  const certificate = cluster.clientCertificate && pemReader(cluster.clientCertificate.certificate, clock);
  const key = cluster.clientCertificate && pemReader(cluster.clientCertificate.key, clock);
  return async () => ({
    authorities: await authorities?.(),
    client: certificate && key && { certificate: await certificate(), key: await key() },
  });
}

export function isSameIdentity(a: TlsIdentity, b: TlsIdentity): boolean {
  return (
    a.authorities === b.authorities &&
    a.client?.certificate === b.client?.certificate &&
    a.client?.key === b.client?.key
  );
}

function pemReader(pem: Pem, clock: Clock): () => Promise<string> {
  if (pem.kind === 'text') return () => Promise.resolve(pem.text);
  const file = new RememberedFile(pem.path, clock);
  return () => file.read();
}
