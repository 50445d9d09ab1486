import type { TlsIdentity } from './protocol.ts';

/** Milliseconds that a client has for TLS, or for the first words of HTTP/2, before it is taken for one that only holds a connection. */
export const handshakeTimeout = 10_000;

/** Only clients with a certificate of one of the authorities come in (reliability S42). */
export function tlsOptions({ key, certificate, clientCa }: TlsIdentity) {
  return {
    key,
    cert: certificate,
    ca: clientCa,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
  } as const;
}
