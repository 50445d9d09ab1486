import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { percentEncode } from './framing.ts';
import { Http2Stream } from './http2-stream.ts';
import { Lifetime, type Mortal } from './lifetime.ts';
import { peerOf } from './peer.ts';
import type { Protocol, ProtocolOptions } from './protocol.ts';
import { refusalOf } from './refusal.ts';
import { StallDeadline } from './stall.ts';
import { receiveWindow, statusCodes, type PeerInfo } from './transport.ts';

/** gRPC on node:http2 by Weir's own framing: nothing is copied on its way out (hot-path H704, H705). */

const serverOptions = {
  settings: { initialWindowSize: receiveWindow, maxConcurrentStreams: 100_000, enablePush: false },
  // What waits to be sent is bounded per stream, by whoever sends; near a limit of its own Node fails streams (hot-path H1006).
  maxSessionMemory: Number.MAX_SAFE_INTEGER,
  // No proxy resets streams by the hundred: whoever does is cut off (reliability S77).
  streamResetBurst: 100,
  streamResetRate: 10,
};

export function http2Protocol(options: ProtocolOptions): Protocol {
  const connections = new Set<Connection>();
  const server = createServer(serverOptions);
  server.on('session', (session) => {
    const connection = new Connection(session, options);
    connections.add(connection);
    session.on('close', () => connections.delete(connection));
  });
  // Each of these may come from a client at any time; unheard they would end the process (reliability S40).
  server.on('error', () => undefined);
  server.on('sessionError', () => undefined);
  return {
    take: (socket) => server.emit('connection', socket),
    close: () => {
      for (const connection of connections) connection.close('the control plane is shutting down');
    },
  };
}

/** One client: its streams, and how long it may live. */
class Connection implements Mortal {
  readonly #session: ServerHttp2Session;
  readonly #options: ProtocolOptions;
  readonly #peer: PeerInfo;
  readonly #streams = new Set<Http2Stream>();
  readonly #lifetime: Lifetime;

  constructor(session: ServerHttp2Session, options: ProtocolOptions) {
    this.#session = session;
    this.#options = options;
    this.#peer = peerOf(session.socket);
    session.setLocalWindowSize(receiveWindow);
    session.on('stream', (stream, headers) => this.#accept(stream, headers));
    session.on('error', () => undefined);
    session.on('frameError', () => undefined);
    this.#lifetime = new Lifetime(this, options);
    session.on('close', () => this.#lifetime.end());
  }

  get address(): string {
    return this.#peer.address;
  }

  ping(answered: () => void): void {
    if (this.#session.destroyed) return;
    this.#session.ping((error) => {
      if (error === null) answered();
    });
  }

  /** Node does not say. */
  heard(): boolean {
    return false;
  }

  leave(): void {
    this.#session.close();
  }

  close(reason: string): void {
    this.#session.close();
    for (const stream of this.#streams) stream.close('UNAVAILABLE', reason);
  }

  cut(): void {
    this.#session.destroy();
  }

  #accept(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const refusal = refusalHeaders(headers);
    if (refusal !== undefined) return refuse(stream, refusal);
    const path = headers[':path'] ?? '';
    const handler = this.#options.handlers.get(path);
    if (handler === undefined) return refuse(stream, unimplemented(`there is no method ${path}`));
    const transport = new Http2Stream(stream, {
      peer: this.#peer,
      stallDeadline: (missed) =>
        new StallDeadline(this.#options.clock, this.#options.limits.stall, (seconds) => {
          this.#options.observer.ended('stall', this.#peer.address);
          missed(seconds);
        }),
    });
    this.#streams.add(transport);
    stream.on('close', () => this.#streams.delete(transport));
    handler(transport, {
      authorization: headers.authorization,
      clusterId: String(headers['clusterid'] ?? ''),
    });
  }
}

/** The answer to what is no gRPC call; undefined: it is one. */
function refusalHeaders(headers: IncomingHttpHeaders): Record<string, string | number> | undefined {
  const refusal = refusalOf({
    method: headers[':method'] ?? '',
    contentType: headers['content-type'] ?? '',
    encoding: String(headers['grpc-encoding'] ?? 'identity'),
  });
  if (refusal === undefined) return undefined;
  return refusal.kind === 'http' ? { ':status': refusal.status } : unimplemented(refusal.message);
}

function unimplemented(message: string): Record<string, string | number> {
  return {
    ':status': 200,
    'content-type': 'application/grpc',
    'grpc-accept-encoding': 'identity',
    'grpc-status': statusCodes.UNIMPLEMENTED,
    'grpc-message': percentEncode(message),
  };
}

function refuse(stream: ServerHttp2Stream, headers: Record<string, string | number>): void {
  stream.on('error', () => undefined);
  stream.resume();
  stream.respond(headers, { endStream: true });
  setImmediate(() => stream.close());
}
