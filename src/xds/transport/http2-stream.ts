import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { FramingError, MessageAssembler, percentEncode, writePrefix } from './framing.ts';
import type { StallDeadline } from './stall.ts';
import {
  largestMessage,
  statusCodes,
  type CloseReason,
  type PeerInfo,
  type StatusName,
  type StreamTransport,
} from './transport.ts';

const responseHeaders: OutgoingHttpHeaders = { ':status': 200, 'content-type': 'application/grpc' };

export interface Http2StreamOptions {
  readonly peer: PeerInfo;
  /** @param missed called when the client did not take in time what was sent */
  readonly stallDeadline: (missed: (seconds: number) => void) => StallDeadline;
}

/** One gRPC call on an HTTP/2 stream. Headers wait for the first message, so that a refusal is a single frame. */
export class Http2Stream implements StreamTransport {
  readonly peer: PeerInfo;
  readonly #stream: ServerHttp2Stream;
  readonly #assembler = new MessageAssembler(largestMessage);
  readonly #stall: StallDeadline;
  /** Nothing may be sent any more: the client is gone, or was told the end. */
  #hasEnded = false;
  #drained: () => void = () => undefined;
  #closed: ((reason: CloseReason) => void) | undefined;

  constructor(stream: ServerHttp2Stream, { peer, stallDeadline }: Http2StreamOptions) {
    this.peer = peer;
    this.#stream = stream;
    this.#stall = stallDeadline((seconds) => this.#stalled(seconds));
    // When the client resets the stream, Node tells its end first and the reset then.
    stream.on('end', () => setImmediate(() => this.#requestsEnded()));
    stream.on('drain', () => {
      this.#stall.clear();
      if (!this.#hasEnded) this.#drained();
    });
    stream.on('error', (error: Error) => this.#end({ kind: 'broken', detail: error.message }));
    stream.on('close', () => {
      this.#stall.clear();
      this.#end({ kind: 'broken', detail: 'the client cancelled the stream or is gone' });
    });
  }

  get queuedBytes(): number {
    return this.#stream.writableLength;
  }

  send(parts: readonly Uint8Array[], bytes: number): boolean {
    const [head] = parts;
    const stream = this.#stream;
    if (this.#hasEnded || stream.destroyed || head === undefined) return false;
    writePrefix(head, bytes);
    if (!stream.headersSent) stream.respond(responseHeaders, { waitForTrailers: true });
    const hasRoom = parts.length === 1 ? stream.write(head) : this.#writeAll(parts);
    if (!hasRoom) this.#stall.start(stream.writableLength);
    return hasRoom;
  }

  #writeAll(parts: readonly Uint8Array[]): boolean {
    const stream = this.#stream;
    let hasRoom = true;
    // Corked, the parts leave in one piece without being copied together.
    stream.cork();
    for (const part of parts) hasRoom = stream.write(part);
    stream.uncork();
    return hasRoom;
  }

  onMessage(callback: (message: Uint8Array) => void): void {
    this.#stream.on('data', (bytes: Buffer) => this.#read(bytes, callback));
  }

  onDrain(callback: () => void): void {
    this.#drained = callback;
  }

  onClose(callback: (reason: CloseReason) => void): void {
    this.#closed = callback;
  }

  close(status: StatusName, detail: string): void {
    if (this.#hasEnded) return;
    this.#end({ kind: 'closed' });
    const stream = this.#stream;
    // Its connection may be gone before Node says so.
    if (stream.destroyed) return;
    const trailers = { 'grpc-status': statusCodes[status], 'grpc-message': percentEncode(detail) };
    // The client need not finish what it says, and nobody hears it.
    stream.resume();
    if (stream.headersSent) {
      stream.once('wantTrailers', () => {
        stream.sendTrailers(trailers);
        // Node would let the reset overtake the trailers.
        setImmediate(() => stream.close());
      });
      stream.end();
      // The end comes after what was sent before.
      if (stream.writableLength > 0) this.#stall.start(stream.writableLength);
    } else {
      stream.respond({ ...responseHeaders, ...trailers }, { endStream: true });
      setImmediate(() => stream.close());
    }
  }

  #read(bytes: Buffer, deliver: (message: Uint8Array) => void): void {
    if (this.#hasEnded) return;
    try {
      this.#assembler.push(bytes, deliver);
    } catch (error) {
      if (!(error instanceof FramingError)) throw error;
      this.close(error.status, error.message);
    }
  }

  #requestsEnded(): void {
    if (this.#hasEnded) return;
    if (this.#assembler.isInside) this.close('INVALID_ARGUMENT', 'the client ended in the middle of a message');
    else this.#report({ kind: 'half-closed' });
  }

  #stalled(seconds: number): void {
    this.#end({ kind: 'broken', detail: `the client took nothing of what was sent to it for ${seconds} s` });
    this.#stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  #end(reason: CloseReason): void {
    this.#hasEnded = true;
    this.#report(reason);
  }

  #report(reason: CloseReason): void {
    const closed = this.#closed;
    this.#closed = undefined;
    closed?.(reason);
  }
}
