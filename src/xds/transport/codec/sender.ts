import type { Socket } from 'node:net';
import { defaultFrameSize } from './frames.ts';
import { dataFrames, type ByteQueue, type MessageFramer } from './outgoing.ts';
import { initialWindow, SendWindow } from './windows.ts';

/** A stream as the sender knows it. */
export interface SendingStream {
  readonly id: number;
  readonly window: SendWindow;
  /** What the windows and the socket have not let through yet. */
  readonly waiting: ByteQueue;
  /** Bytes in the socket, if there are any. */
  inSocket: number;
  /** Nothing of it waits any more. */
  emptied(): void;
  /** Nothing of it waits any more, and the socket has room. */
  hasRoom(): void;
}

/** Bytes up to which a message goes to the socket whole; and what one stream sends before it is another's turn. */
const largestTurn = 256 * 1024;

/** Writes the frames of one connection, as the windows of its client and the socket allow. Streams that wait take turns. */
export class Sender {
  readonly #socket: Socket;
  readonly #framer: MessageFramer;
  readonly #window = new SendWindow(initialWindow);
  #largestFrame = defaultFrameSize;
  /** Those that have something to send and a window for it. */
  #ready: Set<SendingStream> | undefined;
  /** Those whose last bytes made the socket full. */
  #drained: Set<SendingStream> | undefined;

  constructor(socket: Socket, framer: MessageFramer) {
    this.#socket = socket;
    this.#framer = framer;
    socket.on('drain', () => this.#socketDrained());
  }

  /** Whether the socket has as much as it should hold. */
  get isFull(): boolean {
    return this.#socket.writableNeedDrain;
  }

  set largestFrame(bytes: number) {
    this.#largestFrame = bytes;
  }

  /** Frames that flow control does not hold back. */
  control(...frames: readonly Uint8Array[]): void {
    this.#write(frames);
  }

  /** @param bytes of all parts @param before frames that go first @returns false: wait for `hasRoom` */
  send(stream: SendingStream, parts: readonly Uint8Array[], bytes: number): boolean {
    const mayGo = stream.waiting.length === 0 && bytes <= largestTurn + defaultFrameSize && !this.isFull;
    if (mayGo && stream.window.available >= bytes && this.#window.available >= bytes) {
      this.#count(stream, bytes);
      this.#write(this.#framer.frames(parts, bytes, stream.id, this.#largestFrame));
    } else {
      stream.waiting.push(parts);
      this.resume(stream);
    }
    if (stream.waiting.length > 0) return false;
    if (!this.isFull) return true;
    (this.#drained ??= new Set()).add(stream);
    return false;
  }

  /** Bytes of a stream that are in the socket and not with the system yet. */
  inSocket(stream: SendingStream): number {
    return Math.min(stream.inSocket, this.#socket.writableLength);
  }

  /** The client lets more through. @returns false: more than there may be */
  grow(bytes: number): boolean {
    const isValid = this.#window.grow(bytes);
    this.#pump();
    return isValid;
  }

  /** What waits on a stream may go. */
  resume(stream: SendingStream): void {
    if (stream.waiting.length === 0 || stream.window.available <= 0) return;
    (this.#ready ??= new Set()).add(stream);
    this.#pump();
  }

  forget(stream: SendingStream): void {
    stream.waiting.clear();
    this.#ready?.delete(stream);
    this.#drained?.delete(stream);
  }

  #pump(): void {
    const ready = this.#ready;
    if (ready === undefined) return;
    for (const stream of ready) {
      if (this.isFull || this.#window.available <= 0) return;
      ready.delete(stream);
      const bytes = Math.min(stream.waiting.length, stream.window.available, this.#window.available, largestTurn);
      this.#count(stream, bytes);
      this.#write(dataFrames(stream.waiting, bytes, stream.id, this.#largestFrame));
      if (stream.waiting.length === 0) this.#emptied(stream);
      else if (stream.window.available > 0) ready.add(stream);
    }
  }

  #emptied(stream: SendingStream): void {
    stream.emptied();
    if (this.isFull) (this.#drained ??= new Set()).add(stream);
    else stream.hasRoom();
  }

  #socketDrained(): void {
    this.#pump();
    const drained = this.#drained;
    if (drained === undefined || this.isFull) return;
    this.#drained = undefined;
    for (const stream of drained) if (stream.waiting.length === 0) stream.hasRoom();
  }

  #count(stream: SendingStream, bytes: number): void {
    stream.window.available -= bytes;
    this.#window.available -= bytes;
    stream.inSocket = bytes + this.inSocket(stream);
  }

  #write(pieces: readonly Uint8Array[]): void {
    const socket = this.#socket;
    const [only] = pieces;
    if (only === undefined || socket.destroyed || socket.writableEnded) return;
    if (pieces.length === 1) {
      socket.write(only);
      return;
    }
    // Corked, they leave in one piece without being copied together.
    socket.cork();
    for (const piece of pieces) socket.write(piece);
    socket.uncork();
  }
}
