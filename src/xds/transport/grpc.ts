import {
  logVerbosity,
  Server,
  ServerCredentials,
  setLogVerbosity,
  status,
  type handleBidiStreamingCall,
  type MethodDefinition,
  type ServerDuplexStream,
} from '@grpc/grpc-js';
import type { Socket } from 'node:net';
import { peerOf } from './peer.ts';
import type { ConnectionLimits, Protocol, ProtocolOptions } from './protocol.ts';
import { StallDeadline } from './stall.ts';
import {
  spareBytes,
  statusCodes,
  type CallHandler,
  type CallMetadata,
  type CloseReason,
  type PeerInfo,
  type StatusName,
  type StreamTransport,
} from './transport.ts';

/** gRPC by the library grpc-js: messages pass as bytes, in and out. */

/**
 * Bytes handed to grpc-js beyond which a stream counts as full. grpc-js refuses nothing and would queue without end; its own
 * signal counts messages, not bytes.
 */
const highWater = 256 * 1024;

export function grpcProtocol(options: ProtocolOptions): Protocol {
  // What it would print itself is told by the streams.
  setLogVerbosity(logVerbosity.NONE);
  const server = new Server(serverOptions(options.limits));
  const streams = new Set<GrpcStream>();
  const sockets = new Map<string, Socket>();
  const open = (handler: CallHandler): handleBidiStreamingCall<Buffer, Buffer> => {
    return (call) => {
      const socket = sockets.get(call.getPeer());
      const stream = new GrpcStream(call, {
        peer: socket === undefined ? { address: call.getPeer() } : peerOf(socket),
        stallDeadline: (missed) => new StallDeadline(options.clock, options.limits.stall, missed),
        // grpc-js has no way to end a stream whose client does not read, so its connection goes.
        stalled: () => {
          options.observer.ended('stall', call.getPeer());
          socket?.destroy();
        },
      });
      streams.add(stream);
      call.on('close', () => streams.delete(stream));
      handler(stream, metadataOf(call));
    };
  };
  const methods = [...options.handlers].map(([path, handler]) => ({ path, call: open(handler) }));
  server.addService(
    Object.fromEntries(methods.map(({ path }) => [path, method(path)])),
    Object.fromEntries(methods.map(({ path, call }) => [path, call])),
  );
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  return {
    take: (socket) => {
      const address = `${socket.remoteAddress}:${socket.remotePort}`;
      sockets.set(address, socket);
      socket.on('close', () => sockets.delete(address));
      injector.injectConnection(socket);
    },
    close: () => {
      injector.destroy();
      for (const stream of streams) stream.close('UNAVAILABLE', 'the control plane is shutting down');
    },
  };
}

function serverOptions(limits: ConnectionLimits) {
  return {
    // A delta reconnect names everything that the client has, with versions (xds-protocol X11).
    'grpc.max_receive_message_length': 32 * 1024 * 1024,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': 100_000,
    'grpc.enable_channelz': 0,
    // Dead peers are found by keepalive, never by a missing ACK (xds-protocol X69).
    'grpc.keepalive_time_ms': limits.keepaliveInterval,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeout,
    // Its jitter is its own.
    ...(limits.age === undefined ? {} : { 'grpc.max_connection_age_ms': limits.age }),
    'grpc.max_connection_age_grace_ms': limits.ageGrace,
  };
}

function method(path: string): MethodDefinition<Buffer, Buffer> {
  const same = (bytes: Buffer): Buffer => bytes;
  return {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

interface GrpcStreamOptions {
  readonly peer: PeerInfo;
  /** @param missed called when the client did not take in time what was sent */
  readonly stallDeadline: (missed: (seconds: number) => void) => StallDeadline;
  readonly stalled: () => void;
}

class GrpcStream implements StreamTransport {
  readonly peer: PeerInfo;
  readonly #call: ServerDuplexStream<Buffer, Buffer>;
  readonly #stall: StallDeadline;
  #queuedBytes = 0;
  #isFull = false;
  #hasEnded = false;
  #drained: () => void = () => undefined;
  #closed: ((reason: CloseReason) => void) | undefined;

  constructor(call: ServerDuplexStream<Buffer, Buffer>, { peer, stallDeadline, stalled }: GrpcStreamOptions) {
    this.#call = call;
    this.peer = peer;
    this.#stall = stallDeadline((seconds) => {
      this.#end({ kind: 'broken', detail: `the client took nothing of what was sent to it for ${seconds} s` });
      stalled();
    });
    // When the client resets the stream, grpc-js tells its end first and the reset then.
    call.on('end', () => setImmediate(() => this.#end({ kind: 'half-closed' })));
    call.on('cancelled', () => this.#end({ kind: 'broken', detail: 'the client cancelled the stream or is gone' }));
    call.on('error', (error: Error) => this.#end({ kind: 'broken', detail: error.message }));
    call.on('close', () => this.#stall.clear());
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  send(parts: readonly Uint8Array[], bytes: number): boolean {
    if (this.#hasEnded) return false;
    this.#queuedBytes += bytes;
    this.#isFull = this.#queuedBytes >= highWater;
    this.#call.write(join(parts, bytes), () => this.#written(bytes));
    if (this.#isFull) this.#stall.start(this.#queuedBytes);
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
    if (this.#hasEnded) return;
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
    this.#stall.clear();
    if (!this.#hasEnded) this.#drained();
  }

  #end(reason: CloseReason): void {
    this.#hasEnded ||= reason.kind !== 'half-closed';
    const closed = this.#closed;
    this.#closed = undefined;
    closed?.(reason);
  }
}

/** Metadata of a call; a name that came twice has no value. */
function metadataOf({ metadata }: ServerDuplexStream<Buffer, Buffer>): CallMetadata {
  const [authorization, ...others] = metadata.get('authorization').map(String);
  return {
    authorization: others.length > 0 ? undefined : authorization,
    clusterId: String(metadata.get('clusterid')[0] ?? ''),
  };
}

/** grpc-js takes one piece, and copies it once more. What many streams are sent comes in one piece already. */
function join(parts: readonly Uint8Array[], bytes: number): Buffer {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return Buffer.from(first.buffer, first.byteOffset + spareBytes, bytes);
  const message = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const [index, part] of parts.entries()) {
    const content = index === 0 ? part.subarray(spareBytes) : part;
    message.set(content, at);
    at += content.length;
  }
  return message;
}
