import {
  logVerbosity,
  Server,
  ServerCredentials,
  setLogVerbosity,
  status,
  type handleBidiStreamingCall,
  type MethodDefinition,
  type ServerDuplexStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Wire } from '../observer.ts';
import {
  spareBytes,
  statusCodes,
  type CloseReason,
  type PeerInfo,
  type StatusName,
  type StreamTransport,
} from './transport.ts';

/** xDS over grpc-js: messages pass as bytes, in and out. */

export interface GrpcListenerOptions {
  /** `host:port`; port 0 takes a free one. */
  readonly address: string;
  /** Called for each new stream. */
  readonly accept: (transport: StreamTransport, wire: Wire) => void;
}

export interface GrpcListener {
  /** `host:port` with the port in use. */
  readonly address: string;
  /** Takes no more connections and waits for streams to end; cuts them when the signal says so. */
  close(deadline: AbortSignal): Promise<void>;
}

/** The address could not be listened on. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

const serviceName = 'envoy.service.discovery.v3.AggregatedDiscoveryService';

/**
 * Bytes handed to grpc-js beyond which a stream counts as full. grpc-js refuses nothing and would queue without end; its own
 * signal counts messages, not bytes.
 */
const highWater = 256 * 1024;

const serverOptions = {
  // A delta reconnect names everything that the client has, with versions (xds-protocol X11).
  'grpc.max_receive_message_length': 32 * 1024 * 1024,
  'grpc.max_send_message_length': -1,
  'grpc.max_concurrent_streams': 100_000,
  'grpc.enable_channelz': 0,
  // Dead peers are found by keepalive, never by a missing ACK (xds-protocol X69).
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
};

/**
 * Listens in plaintext.
 *
 * @throws ListenError when the address is taken or is no address
 */
export async function listenGrpc({ address, accept }: GrpcListenerOptions): Promise<GrpcListener> {
  // What it would print itself is thrown or told by the streams.
  setLogVerbosity(logVerbosity.NONE);
  const server = new Server(serverOptions);
  const handlers: UntypedServiceImplementation = {
    streamAggregatedResources: handler('sotw', accept),
    deltaAggregatedResources: handler('delta', accept),
  };
  server.addService(
    {
      streamAggregatedResources: method('StreamAggregatedResources'),
      deltaAggregatedResources: method('DeltaAggregatedResources'),
    },
    handlers,
  );
  const port = await bind(server, address);
  const host = address.slice(0, address.lastIndexOf(':'));
  return { address: `${host}:${port}`, close: (deadline) => shutDown(server, deadline) };
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(new ListenError(`cannot listen on ${address}: ${error.message}`, { cause: error }));
    });
  });
}

function shutDown(server: Server, deadline: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cut = (): void => server.forceShutdown();
    deadline.addEventListener('abort', cut);
    server.tryShutdown(() => {
      deadline.removeEventListener('abort', cut);
      resolve();
    });
    if (deadline.aborted) cut();
  });
}

function method(name: string): MethodDefinition<Buffer, Buffer> {
  const same = (bytes: Buffer): Buffer => bytes;
  return {
    path: `/${serviceName}/${name}`,
    requestStream: true,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

function handler(wire: Wire, accept: GrpcListenerOptions['accept']): handleBidiStreamingCall<Buffer, Buffer> {
  return (call) => accept(new GrpcStream(call), wire);
}

class GrpcStream implements StreamTransport {
  readonly peer: PeerInfo;
  readonly #call: ServerDuplexStream<Buffer, Buffer>;
  #queuedBytes = 0;
  #isFull = false;
  #hasEnded = false;
  #drained: () => void = () => undefined;
  #closed: ((reason: CloseReason) => void) | undefined;

  constructor(call: ServerDuplexStream<Buffer, Buffer>) {
    this.#call = call;
    this.peer = { address: call.getPeer() };
    call.on('end', () => this.#end({ kind: 'half-closed' }));
    call.on('cancelled', () => this.#end({ kind: 'broken', detail: 'the client cancelled the stream or is gone' }));
    call.on('error', (error: Error) => this.#end({ kind: 'broken', detail: error.message }));
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  send(parts: readonly Uint8Array[], bytes: number): boolean {
    if (this.#hasEnded) return false;
    this.#queuedBytes += bytes;
    this.#isFull = this.#queuedBytes >= highWater;
    this.#call.write(join(parts, bytes), () => this.#written(bytes));
    return !this.#isFull;
  }

  onMessage(callback: (message: Uint8Array) => void): void {
    this.#call.on('data', callback);
  }

  onDrain(callback: () => void): void {
    this.#drained = callback;
  }

  onClose(callback: (reason: CloseReason) => void): void {
    this.#closed = callback;
  }

  close(name: StatusName, detail: string): void {
    this.#end({ kind: 'closed' });
    if (name === 'OK') this.#call.end();
    else
      this.#call.emit('error', {
        code: statusCodes[name],
        details: detail,
        name: status[statusCodes[name]],
        message: detail,
      });
  }

  #written(bytes: number): void {
    this.#queuedBytes -= bytes;
    if (!this.#isFull || this.#queuedBytes >= highWater) return;
    this.#isFull = false;
    if (!this.#hasEnded) this.#drained();
  }

  #end(reason: CloseReason): void {
    this.#hasEnded ||= reason.kind !== 'half-closed';
    const closed = this.#closed;
    this.#closed = undefined;
    closed?.(reason);
  }
}

/** grpc-js takes one piece, and copies it once more. */
function join(parts: readonly Uint8Array[], bytes: number): Buffer {
  const message = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const [index, part] of parts.entries()) {
    const content = index === 0 ? part.subarray(spareBytes) : part;
    message.set(content, at);
    at += content.length;
  }
  return message;
}
