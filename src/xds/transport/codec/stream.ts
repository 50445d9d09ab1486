import { FramingError, MessageAssembler, writePrefix } from '../framing.ts';
import type { StallDeadline } from '../stall.ts';
import {
  largestMessage,
  receiveWindow,
  spareBytes,
  type CloseReason,
  type PeerInfo,
  type StatusName,
  type StreamTransport,
} from '../transport.ts';
import { errorCodes, type ErrorName } from './errors.ts';
import { frame, frameFlags, frameTypes, words } from './frames.ts';
import { responseHeaders, trailers, trailersOnly } from './header-blocks.ts';
import { ByteQueue } from './outgoing.ts';
import type { Sender, SendingStream } from './sender.ts';
import { ReceiveWindow, SendWindow } from './windows.ts';

/** Pieces that are kept as they came for somebody who does not listen yet; their bytes are bounded by the window. */
const mostHeld = 256;

/** The connection, as its streams know it. */
export interface StreamHost {
  readonly peer: PeerInfo;
  readonly sender: Sender;
  /** Of a stream that begins. */
  readonly sendWindow: number;
  /** @param missed called when the client did not take in time what was sent */
  readonly stallDeadline: (missed: (seconds: number) => void) => StallDeadline;
  /** A message is on its way to the client. */
  messageSent(): void;
  /** So much of what came is done with. */
  released(bytes: number): void;
  /** @param isClientDone whether the client has said that it says no more */
  ended(stream: CodecStream, isClientDone: boolean): void;
}

/** One gRPC call. Headers wait for the first message, so that a refusal is a single frame. */
export class CodecStream implements StreamTransport, SendingStream {
  readonly id: number;
  readonly window: SendWindow;
  readonly waiting = new ByteQueue();
  inSocket = 0;
  readonly #host: StreamHost;
  readonly #receive = new ReceiveWindow(receiveWindow);
  readonly #assembler = new MessageAssembler(largestMessage);
  readonly #stall: StallDeadline;
  /** What came before anybody listened. */
  #held: Buffer[] | undefined;
  #heldBytes = 0;
  #message: ((message: Uint8Array) => void) | undefined;
  #drained: () => void = () => undefined;
  #closed: ((reason: CloseReason) => void) | undefined;
  #hasHeaders = false;
  /** Nothing may be sent any more: the client is gone, or was told the end. */
  #hasEnded = false;
  /** The client says no more. */
  #isClientDone = false;
  /** What is said when nothing waits any more. */
  #lastWords: Buffer | undefined;

  constructor(id: number, host: StreamHost) {
    this.id = id;
    this.#host = host;
    this.window = new SendWindow(host.sendWindow);
    this.#stall = host.stallDeadline((seconds) => this.#stalled(seconds));
  }

  get peer(): PeerInfo {
    return this.#host.peer;
  }

  get queuedBytes(): number {
    return this.waiting.length + this.#host.sender.inSocket(this);
  }

  // --- what the server asks for ---

  send(parts: readonly Uint8Array[], bytes: number): boolean {
    const [head] = parts;
    if (this.#hasEnded || head === undefined) return false;
    writePrefix(head, bytes);
    const { sender } = this.#host;
    if (!this.#hasHeaders) {
      this.#hasHeaders = true;
      sender.control(frame(frameTypes.headers, frameFlags.endHeaders, this.id, responseHeaders));
    }
    this.#host.messageSent();
    const hasRoom = sender.send(this, parts, bytes + spareBytes);
    if (!hasRoom) this.#stall.start(this.queuedBytes);
    return hasRoom;
  }

  onMessage(callback: (message: Uint8Array) => void): void {
    this.#message = callback;
    // Whoever listens is still being made.
    if (this.#held !== undefined || this.#isClientDone) queueMicrotask(() => this.#readHeld());
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
    const block = this.#hasHeaders ? trailers(status, detail) : trailersOnly(status, detail);
    this.#lastWords = frame(frameTypes.headers, frameFlags.endHeaders | frameFlags.endStream, this.id, block);
    if (this.waiting.length === 0) this.emptied();
    // The end comes after what was sent before.
    else this.#stall.start(this.waiting.length);
  }

  // --- what the sender tells ---

  emptied(): void {
    if (this.#lastWords === undefined) return;
    this.#host.sender.control(this.#lastWords);
    // The client need not finish what it says (RFC 9113 section 8.1).
    if (this.#isClientDone) this.#leave();
    else this.reset('NO_ERROR');
  }

  hasRoom(): void {
    this.#stall.clear();
    if (!this.#hasEnded) this.#drained();
  }

  // --- what the client says ---

  /** So much is coming. @returns false: it may not */
  begin(bytes: number): ErrorName | undefined {
    if (this.#isClientDone) return 'STREAM_CLOSED';
    return this.#receive.take(bytes) ? undefined : 'FLOW_CONTROL_ERROR';
  }

  /** @param size what the bytes count for, with padding */
  read(bytes: Buffer, size: number): void {
    if (this.#message === undefined && !this.#hasEnded) {
      const held = (this.#held ??= []);
      held.push(bytes);
      if (held.length === mostHeld) this.#held = [Buffer.concat(held)];
      this.#heldBytes += size;
    } else {
      this.#take(bytes);
      this.#release(size);
    }
  }

  /** The client says no more. */
  finish(): void {
    this.#isClientDone = true;
    // A client that resets its stream may end it in the same breath: that is told as a reset.
    if (this.#message !== undefined && this.#held === undefined) queueMicrotask(() => this.#finished());
  }

  /** The stream is no more. */
  break(detail: string): void {
    this.#isClientDone = true;
    this.#leave();
    this.#end({ kind: 'broken', detail });
  }

  /** Ends it with a code; the client is told nothing else. */
  reset(code: ErrorName): void {
    this.#host.sender.control(frame(frameTypes.resetStream, 0, this.id, words(errorCodes[code])));
    this.#leave();
  }

  #take(bytes: Buffer): void {
    const message = this.#message;
    if (this.#hasEnded || message === undefined) return;
    try {
      this.#assembler.push(bytes, message);
    } catch (error) {
      if (!(error instanceof FramingError)) throw error;
      this.close(error.status, error.message);
    }
  }

  #readHeld(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const bytes of held) this.#take(bytes);
    this.#release(this.#heldBytes);
    this.#heldBytes = 0;
    if (this.#isClientDone) this.#finished();
  }

  #release(bytes: number): void {
    this.#host.released(bytes);
    if (this.#isClientDone || this.#hasEnded) return;
    const granted = this.#receive.release(bytes);
    if (granted > 0) this.#host.sender.control(frame(frameTypes.windowUpdate, 0, this.id, words(granted)));
  }

  #finished(): void {
    if (this.#hasEnded) return;
    if (this.#assembler.isInside) this.close('INVALID_ARGUMENT', 'the client ended in the middle of a message');
    else this.#report({ kind: 'half-closed' });
  }

  // --- the end ---

  #stalled(seconds: number): void {
    this.#end({ kind: 'broken', detail: `the client took nothing of what was sent to it for ${seconds} s` });
    this.reset('ENHANCE_YOUR_CALM');
  }

  #leave(): void {
    this.#stall.clear();
    if (this.#held !== undefined) this.#host.released(this.#heldBytes);
    this.#held = undefined;
    this.#heldBytes = 0;
    this.#host.sender.forget(this);
    this.#host.ended(this, this.#isClientDone);
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
