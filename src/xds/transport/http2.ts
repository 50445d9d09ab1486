import {
  constants,
  createSecureServer,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { percentEncode } from './framing.ts';
import { Http2Stream } from './http2-stream.ts';
import { peerOf } from './peer.ts';
import type { ConnectionEnd, Protocol, ProtocolOptions, TlsIdentity } from './protocol.ts';
import { StallDeadline } from './stall.ts';
import { statusCodes, type PeerInfo } from './transport.ts';

/** gRPC on node:http2 by Weir's own framing: nothing is copied on its way out (hot-path H704, H705). */

/** Bytes that a client may send before it has to wait: a reconnect needs no round trips for its window (hot-path H1005). */
const receiveWindow = 1024 * 1024;
/** Milliseconds that a client has for TLS before it is taken for one that only holds a connection. */
const handshakeTimeout = 10_000;
/** Milliseconds that a client has to read the end of its streams when a connection is ended for its age. */
const lastWords = 1_000;

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
  const { tls } = options;
  const secure =
    tls === undefined ? undefined : createSecureServer({ ...serverOptions, ...tlsOptions(tls), handshakeTimeout });
  const server = secure ?? createServer(serverOptions);
  server.on('session', (session) => {
    const connection = new Connection(session, options);
    connections.add(connection);
    session.on('close', () => connections.delete(connection));
  });
  // Each of these may come from a client at any time; unheard they would end the process (reliability S40).
  server.on('error', () => undefined);
  server.on('sessionError', () => undefined);
  secure?.on('secureConnection', (socket) => socket.on('error', () => undefined));
  secure?.on('tlsClientError', (error, socket) =>
    options.observer.handshakeFailed(peerOf(socket).address, error.message),
  );
  return {
    take: (socket) => server.emit('connection', socket),
    replaceTls: (next) => secure?.setSecureContext(tlsOptions(next)),
    close: () => {
      for (const connection of connections) connection.close('the control plane is shutting down');
    },
  };
}

function tlsOptions({ key, certificate, clientCa }: TlsIdentity) {
  return {
    key,
    cert: certificate,
    ca: clientCa,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
  } as const;
}

/** One client: its streams, and how long it may live. */
class Connection {
  readonly #session: ServerHttp2Session;
  readonly #options: ProtocolOptions;
  readonly #peer: PeerInfo;
  readonly #streams = new Set<Http2Stream>();
  #cancelKeepalive: () => void = () => undefined;
  #cancelAge: () => void = () => undefined;

  constructor(session: ServerHttp2Session, options: ProtocolOptions) {
    this.#session = session;
    this.#options = options;
    this.#peer = peerOf(session.socket);
    session.setLocalWindowSize(receiveWindow);
    session.on('stream', (stream, headers) => this.#accept(stream, headers));
    session.on('error', () => undefined);
    session.on('frameError', () => undefined);
    session.on('close', () => {
      this.#cancelKeepalive();
      this.#cancelAge();
    });
    this.#keepAlive();
    this.#grow();
  }

  /** No new streams; those that there are end. */
  close(reason: string): void {
    this.#session.close();
    for (const stream of this.#streams) stream.close('UNAVAILABLE', reason);
  }

  #accept(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const refusal = refusalOf(headers);
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
    handler(transport);
  }

  /** A client that is gone without a word is found by asking (xds-protocol X12). */
  #keepAlive(): void {
    const { clock, limits } = this.#options;
    this.#cancelKeepalive = clock.after(limits.keepaliveInterval, () => {
      if (this.#session.destroyed) return;
      this.#cancelKeepalive = clock.after(limits.keepaliveTimeout, () => this.#cut('keepalive'));
      this.#session.ping((error) => {
        this.#cancelKeepalive();
        if (error === null) this.#keepAlive();
      });
    });
  }

  #grow(): void {
    const { clock, limits, random } = this.#options;
    if (limits.age === undefined) return;
    this.#cancelAge = clock.after(limits.age * (0.9 + random() / 5), () => {
      this.#options.observer.ended('age', this.#peer.address);
      this.#session.close();
      this.#cancelAge = clock.after(limits.ageGrace, () => {
        this.close('the connection has reached its greatest age');
        this.#cancelAge = clock.after(lastWords, () => this.#session.destroy());
      });
    });
  }

  #cut(cause: ConnectionEnd): void {
    this.#options.observer.ended(cause, this.#peer.address);
    this.#session.destroy();
  }
}

/** Why a request is no gRPC call; undefined: it is one. */
function refusalOf(headers: IncomingHttpHeaders): Record<string, string | number> | undefined {
  if (headers[':method'] !== 'POST') return { ':status': constants.HTTP_STATUS_METHOD_NOT_ALLOWED };
  if (!/^application\/grpc(?![\w-])/.test(headers['content-type'] ?? '')) {
    return { ':status': constants.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE };
  }
  const encoding = headers['grpc-encoding'] ?? 'identity';
  return encoding === 'identity' ? undefined : unimplemented(`messages may not be compressed by ${String(encoding)}`);
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
