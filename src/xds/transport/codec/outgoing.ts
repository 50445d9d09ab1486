import { frameHeaderSize, frameTypes, writeFrameHeader } from './frames.ts';

/** Messages as DATA frames. Large ones are never copied, however many streams they go to. */

/** Length up to which one copy, shared by all streams with the same number, is cheaper than pieces. */
const largestCopy = 16 * 1024;

/** Bytes that wait to be sent on one stream. */
export class ByteQueue {
  #parts: Uint8Array[] = [];
  /** Where the first part goes on. */
  #at = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(parts: readonly Uint8Array[]): void {
    for (const part of parts) {
      this.#parts.push(part);
      this.#length += part.length;
    }
  }

  /** The first so many bytes, in pieces. */
  take(bytes: number): readonly Uint8Array[] {
    const taken: Uint8Array[] = [];
    let left = Math.min(bytes, this.#length);
    this.#length -= left;
    let used = 0;
    for (const part of this.#parts) {
      if (left === 0) break;
      const piece = part.subarray(this.#at, this.#at + left);
      taken.push(piece);
      left -= piece.length;
      this.#at += piece.length;
      if (this.#at < part.length) break;
      this.#at = 0;
      used++;
    }
    this.#parts.splice(0, used);
    return taken;
  }

  clear(): void {
    this.#parts = [];
    this.#at = 0;
    this.#length = 0;
  }
}

/** The next so many bytes of a queue as DATA frames: headers and pieces, in order. */
export function dataFrames(queue: ByteQueue, bytes: number, stream: number, largest: number): readonly Uint8Array[] {
  const count = Math.ceil(bytes / largest);
  const headers = Buffer.allocUnsafe(count * frameHeaderSize);
  const pieces: Uint8Array[] = [];
  for (let index = 0, left = bytes; index < count; index++, left -= largest) {
    const length = Math.min(left, largest);
    const at = index * frameHeaderSize;
    writeFrameHeader(headers, at, { length, type: frameTypes.data, flags: 0, stream });
    pieces.push(headers.subarray(at, at + frameHeaderSize), ...queue.take(length));
  }
  return pieces;
}

/**
 * Whole messages as DATA frames. A message that goes to many streams does so one stream after the other, and nearly all have the same
 * number, since an Envoy opens one stream: the last small message is kept, put together.
 */
export class MessageFramer {
  #parts: readonly Uint8Array[] = [];
  #stream = 0;
  #frame: readonly Uint8Array[] = [];

  /** @param bytes of all parts @param largest payload of the largest frame */
  frames(parts: readonly Uint8Array[], bytes: number, stream: number, largest: number): readonly Uint8Array[] {
    if (bytes > largestCopy || bytes > largest) {
      const queue = new ByteQueue();
      queue.push(parts);
      return dataFrames(queue, bytes, stream, largest);
    }
    if (parts !== this.#parts || stream !== this.#stream) {
      this.#frame = [joined(parts, bytes, stream)];
      this.#parts = parts;
      this.#stream = stream;
    }
    return this.#frame;
  }
}

function joined(parts: readonly Uint8Array[], length: number, stream: number): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeaderSize + length);
  writeFrameHeader(bytes, 0, { length, type: frameTypes.data, flags: 0, stream });
  let at = frameHeaderSize;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
