import type { Protocol, ProtocolOptions } from '../protocol.ts';
import { Connection } from './connection.ts';
import { MessageFramer } from './outgoing.ts';
import { Reception } from './reception.ts';

/** gRPC on sockets by an HTTP/2 of Weir's own (hot-path H708). */
export function codecProtocol(options: ProtocolOptions): Protocol {
  const shared = { options, reception: new Reception(options.clock), framer: new MessageFramer() };
  const connections = new Set<Connection>();
  return {
    take: (socket) => {
      const connection = new Connection(socket, shared);
      connections.add(connection);
      socket.on('close', () => connections.delete(connection));
    },
    close: () => {
      for (const connection of connections) connection.close('the control plane is shutting down');
    },
  };
}
