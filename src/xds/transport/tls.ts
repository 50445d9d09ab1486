import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { peerOf } from './peer.ts';
import type { ConnectionObserver } from './protocol.ts';

/** Milliseconds that a client has for TLS, or for the first words of HTTP/2, before it is taken for one that only holds a connection. */
export const handshakeTimeout = 10_000;

/** Key and certificate of the server and the authorities whose client certificates count: PEM, none of it empty. */
export interface TlsIdentity {
  readonly key: string;
  readonly certificate: string;
  readonly clientCa: string;
}

/** TLS before a protocol. */
export interface TlsFront {
  take(socket: Socket): void;
  /** For new connections. */
  replace(tls: TlsIdentity): void;
}

/**
 * Speaks TLS with clients and hands on those with whom it succeeds. They need no certificate; one that they show and that cannot be verified
 * ends the connection before anything is read from it (reliability S42). It listens nowhere: sockets come from the listener.
 */
export function tlsFront(tls: TlsIdentity, observer: ConnectionObserver, open: (socket: TLSSocket) => void): TlsFront {
  const server = createServer({ ...tlsOptions(tls), ALPNProtocols: ['h2'], handshakeTimeout });
  server.on('secureConnection', (socket) => {
    // A broken connection is the business of its streams; nobody listening would end the process (reliability S40).
    socket.on('error', () => undefined);
    const fault = faultOf(socket);
    if (fault === undefined) return open(socket);
    observer.handshakeFailed(peerOf(socket).address, fault);
    socket.destroy();
  });
  server.on('tlsClientError', (error, socket) => observer.handshakeFailed(peerOf(socket).address, error.message));
  server.on('error', () => undefined);
  return {
    take: (socket) => void server.emit('connection', socket),
    replace: (next) => server.setSecureContext(tlsOptions(next)),
  };
}

function tlsOptions({ key, certificate, clientCa }: TlsIdentity) {
  return {
    key,
    cert: certificate,
    ca: clientCa,
    requestCert: true,
    // Whoever has a token comes without a certificate; what is shown is looked at in `faultOf`.
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    // A resumed session would bring back a certificate as it was verified once: before it ran out, or under an authority that is gone.
    secureOptions: constants.SSL_OP_NO_TICKET,
  } as const;
}

function faultOf(socket: TLSSocket): string | undefined {
  if (socket.alpnProtocol !== 'h2') return 'the client does not offer HTTP/2';
  if (socket.authorized || socket.getPeerX509Certificate() === undefined) return undefined;
  return `the certificate of the client cannot be verified: ${String(socket.authorizationError)}`;
}
