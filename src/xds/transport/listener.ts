import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Turn } from '../admission.ts';
import { codecProtocol } from './codec/codec.ts';
import { grpcProtocol } from './grpc.ts';
import { http2Protocol } from './http2.ts';
import type { Protocol, ProtocolOptions } from './protocol.ts';
import { tlsFront, type TlsIdentity } from './tls.ts';
import type { TransportKind } from './transport-kinds.ts';

/** Takes connections and hands them to one of the implementations of gRPC, which are told apart by nothing else. */

const protocols: Readonly<Record<TransportKind, (options: ProtocolOptions) => Protocol>> = {
  codec: codecProtocol,
  http2: http2Protocol,
  'grpc-js': grpcProtocol,
};

export interface ListenerOptions extends ProtocolOptions {
  readonly kind: TransportKind;
  /** `host:port`; port 0 takes a free one. */
  readonly address: string;
  /** undefined: plaintext. */
  readonly tls: TlsIdentity | undefined;
  /**
   * Calls back when it is the turn of a connection. Before, nothing is done for it: a TLS handshake costs more than a push. Absent: all are
   * taken at once.
   */
  readonly admit?: (take: () => void) => Turn;
}

export interface Listener {
  /** `host:port` with the port in use. */
  readonly address: string;
  /** New connections get these; open ones keep what they have. */
  replaceTls(tls: TlsIdentity): void;
  /** Takes no more connections, ends streams, and settles when all connections are closed; cuts them when the signal says so. */
  close(deadline: AbortSignal): Promise<void>;
}

/** The address could not be listened on. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** @throws ListenError when the address is taken or is no address */
export async function listen({ kind, address, tls, admit = atOnce, ...options }: ListenerOptions): Promise<Listener> {
  const protocol = protocols[kind](options);
  const front = tls && tlsFront(tls, options.observer, (socket) => protocol.take(socket));
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    options.observer.opened();
    // A broken connection is the business of the streams on it; nobody listening would end the process.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      options.observer.closed();
    });
    const turn = admit(() => (front ?? protocol).take(socket));
    if (turn.kind === 'waiting') socket.on('close', turn.withdraw);
    if (turn.kind === 'refused') socket.destroy();
  });
  const host = address.slice(0, address.lastIndexOf(':'));
  const port = await bind(server, address);
  return {
    address: `${host}:${port}`,
    replaceTls: (next) => front?.replace(next),
    close: (deadline) => shutDown(server, protocol, sockets, deadline),
  };
}

function atOnce(take: () => void): Turn {
  take();
  return { kind: 'entered' };
}

/**
 * Connections that the system holds until they are taken; it lowers the number to what it allows. With Node's 511 the proxies of a
 * large mesh that come back all at once overflow it, and those that do hang for a minute before they try again.
 */
const backlog = 65_535;

function bind(server: Server, address: string): Promise<number> {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at).replace(/^\[(.*)\]$/, '$1');
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      reject(new ListenError(`cannot listen on ${address}: ${error.message}`, { cause: error }));
    };
    server.once('error', failed);
    server.listen({ host, port: Number(address.slice(at + 1)), backlog }, () => {
      server.removeListener('error', failed);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

async function shutDown(
  server: Server,
  protocol: Protocol,
  sockets: ReadonlySet<Socket>,
  deadline: AbortSignal,
): Promise<void> {
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const closed = [...sockets].map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())));
  server.close();
  protocol.close();
  if (deadline.aborted) cut();
  else deadline.addEventListener('abort', cut);
  await Promise.all(closed);
  deadline.removeEventListener('abort', cut);
}
