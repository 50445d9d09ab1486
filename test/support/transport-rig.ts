import { connect, type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2';
import type { SecureContextOptions } from 'node:tls';
import type { Clock } from '../../src/xds/clock.ts';
import { writePrefix } from '../../src/xds/transport/framing.ts';
import { listen, type Listener, type ListenerOptions } from '../../src/xds/transport/listener.ts';
import type { TransportKind } from '../../src/xds/transport/transport-kinds.ts';
import { defaultLimits, type ConnectionLimits } from '../../src/xds/transport/protocol.ts';
import type { TlsIdentity } from '../../src/xds/transport/tls.ts';
import {
  spareBytes,
  type CallMetadata,
  type CloseReason,
  type StreamTransport,
} from '../../src/xds/transport/transport.ts';
import { realClock } from './clocks.ts';

/** A listener whose streams do what the test says, and clients that speak HTTP/2 without a gRPC library. */

const callPath = '/test.Test/Call';

export interface RigOptions {
  readonly limits?: Partial<ConnectionLimits>;
  readonly tls?: TlsIdentity;
  readonly clock?: Clock;
  readonly admit?: NonNullable<ListenerOptions['admit']>;
  /** What every draw of lots gives, from 0 to 1. */
  readonly random?: number;
}

/** The server's end of a stream, with what happened to it. */
export class AcceptedStream {
  readonly transport: StreamTransport;
  readonly metadata: CallMetadata;
  readonly #messages: string[] = [];
  readonly reasons: CloseReason[] = [];
  drains = 0;
  #wake: () => void = () => undefined;

  constructor(transport: StreamTransport, metadata: CallMetadata) {
    this.transport = transport;
    this.metadata = metadata;
    transport.onMessage((bytes) => {
      this.#messages.push(Buffer.from(bytes).toString());
      this.#wake();
    });
    transport.onDrain(() => {
      this.drains++;
      this.#wake();
    });
    transport.onClose((reason) => {
      this.reasons.push(reason);
      this.#wake();
    });
  }

  async messages(count: number): Promise<readonly string[]> {
    await this.until(() => this.#messages.length >= count);
    return this.#messages;
  }

  async closed(): Promise<CloseReason | undefined> {
    await this.until(() => this.reasons.length > 0);
    return this.reasons[0];
  }

  /** Waits until something that happens to the stream makes it so. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  send(text: string): boolean {
    return this.sendBytes(Buffer.from(text));
  }

  sendBytes(...parts: readonly Uint8Array[]): boolean {
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    return this.transport.send([Buffer.alloc(spareBytes), ...parts], bytes);
  }
}

class Events {
  readonly all: string[] = [];
  #wake: () => void = () => undefined;

  note(event: string): void {
    this.all.push(event);
    this.#wake();
  }

  async until(event: string): Promise<void> {
    while (!this.all.includes(event)) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

export class TransportRig {
  readonly listener: Listener;
  /** What happened to connections, in order. */
  readonly events: Events;
  readonly #accepted: AcceptedStream[];
  readonly #waiting: ((stream: AcceptedStream) => void)[];
  readonly #clients = new Set<ClientHttp2Session>();

  static async start(
    kind: TransportKind,
    { limits, tls, clock = realClock, random = 0.5, admit }: RigOptions = {},
  ): Promise<TransportRig> {
    const events = new Events();
    const accepted: AcceptedStream[] = [];
    const waiting: ((stream: AcceptedStream) => void)[] = [];
    const listener = await listen({
      kind,
      address: '127.0.0.1:0',
      ...(admit === undefined ? {} : { admit }),
      handlers: new Map([
        [
          callPath,
          (transport, metadata) => {
            const stream = new AcceptedStream(transport, metadata);
            const resolve = waiting.shift();
            if (resolve === undefined) accepted.push(stream);
            else resolve(stream);
          },
        ],
      ]),
      tls,
      limits: { ...defaultLimits, ...limits },
      clock,
      random: () => random,
      observer: {
        opened: () => events.note('opened'),
        closed: () => events.note('closed'),
        ended: (cause) => events.note(cause),
        handshakeFailed: () => events.note('handshake failed'),
      },
    });
    return new TransportRig(listener, events, accepted, waiting);
  }

  private constructor(
    listener: Listener,
    events: Events,
    accepted: AcceptedStream[],
    waiting: ((stream: AcceptedStream) => void)[],
  ) {
    this.listener = listener;
    this.events = events;
    this.#accepted = accepted;
    this.#waiting = waiting;
  }

  get port(): number {
    return Number(this.listener.address.split(':')[1]);
  }

  /** The next stream that the listener takes. */
  accepted(): Promise<AcceptedStream> {
    const stream = this.#accepted.shift();
    return stream === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(stream);
  }

  /** A connection; `tls` holds the client's side. */
  connect(tls?: SecureContextOptions): ClientHttp2Session {
    const session = connect(`${tls === undefined ? 'http' : 'https'}://${this.listener.address}`, tls);
    session.on('error', () => undefined);
    this.#clients.add(session);
    session.on('close', () => this.#clients.delete(session));
    return session;
  }

  open(session = this.connect(), headers: OutgoingHttpHeaders = {}): RawCall {
    return new RawCall(
      session.request({
        ':method': 'POST',
        ':path': callPath,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      }),
    );
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await this.listener.close(AbortSignal.timeout(1_000));
  }
}

/** A gRPC call by hand. */
export class RawCall {
  readonly stream: ClientHttp2Stream;
  readonly #chunks: Buffer[] = [];
  readonly #headers: Record<string, unknown> = {};
  /** Frames of headers that came: one for an answer without messages, two otherwise. */
  headerFrames = 0;
  readonly #ended: Promise<void>;
  #wake: () => void = () => undefined;

  constructor(stream: ClientHttp2Stream) {
    this.stream = stream;
    for (const event of ['response', 'trailers'] as const) {
      stream.on(event, (headers) => {
        this.headerFrames++;
        Object.assign(this.#headers, headers);
      });
    }
    stream.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
    stream.on('close', () => this.#wake());
    stream.on('error', () => undefined);
    this.#ended = new Promise((resolve) => {
      for (const event of ['end', 'close']) stream.on(event, () => resolve());
    });
  }

  /** What was answered, headers and trailers together, once the answer has ended. */
  async end(): Promise<Readonly<Record<string, unknown>>> {
    await this.#ended;
    return this.#headers;
  }

  /** Bytes of all that came. */
  async content(bytes: number): Promise<Buffer> {
    for (;;) {
      const content = Buffer.concat(this.#chunks);
      if (content.length >= bytes || this.stream.closed) return content;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  write(text: string): void {
    this.stream.write(framed(text));
  }
}

export function framed(text: string): Buffer {
  const message = Buffer.from(text);
  const head = Buffer.alloc(spareBytes);
  writePrefix(head, message.length);
  return Buffer.concat([head, message]);
}
