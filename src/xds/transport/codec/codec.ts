import { createServer, type Server } from 'node:tls';
import type { Socket } from 'node:net';
import { peerOf } from '../peer.ts';
import type { Protocol, ProtocolOptions } from '../protocol.ts';
import { handshakeTimeout, tlsOptions } from '../tls.ts';
import { Connection } from './connection.ts';
import { MessageFramer } from './outgoing.ts';
import { Reception } from './reception.ts';

/** gRPC on sockets by an HTTP/2 of Weir's own (hot-path H708). */
export function codecProtocol(options: ProtocolOptions): Protocol {
  const shared = { options, reception: new Reception(options.clock), framer: new MessageFramer() };
  const connections = new Set<Connection>();
  const open = (socket: Socket): void => {
    const connection = new Connection(socket, shared);
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  };
  const secure = options.tls === undefined ? undefined : secureServer(options, open);
  return {
    take: (socket) => (secure === undefined ? open(socket) : void secure.emit('connection', socket)),
    replaceTls: (next) => secure?.setSecureContext(tlsOptions(next)),
    close: () => {
      for (const connection of connections) connection.close('the control plane is shutting down');
    },
  };
}

/** It listens nowhere: sockets come from the listener. */
function secureServer({ tls, observer }: ProtocolOptions, open: (socket: Socket) => void): Server {
  const server = createServer({ ...(tls && tlsOptions(tls)), ALPNProtocols: ['h2'], handshakeTimeout });
  server.on('secureConnection', (socket) => {
    // A broken connection is the business of its streams; nobody listening would end the process (reliability S40).
    socket.on('error', () => undefined);
    if (socket.alpnProtocol === 'h2') return open(socket);
    observer.handshakeFailed(peerOf(socket).address, 'the client does not offer HTTP/2');
    socket.destroy();
  });
  server.on('tlsClientError', (error, socket) => observer.handshakeFailed(peerOf(socket).address, error.message));
  server.on('error', () => undefined);
  return server;
}
