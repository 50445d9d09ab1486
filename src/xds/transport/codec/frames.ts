import { ConnectionError } from './errors.ts';

/** HTTP/2 frames: nine bytes of header, then a payload (RFC 9113 section 4). */

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const frameFlags = { ack: 1, endStream: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

export const frameHeaderSize = 9;
/** Payload of the largest frame that may be sent to a peer that has not said more; Weir takes no larger one itself. */
export const defaultFrameSize = 16_384;

export interface FrameHeader {
  /** Bytes of the payload. */
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  /** 0: the connection. */
  readonly stream: number;
}

export interface FrameReceiver {
  /** A DATA frame begins. @throws ConnectionError when it must not, before any of it is kept */
  dataBegun(header: FrameHeader): void;
  /** The next bytes of that frame, without padding. They are views of what came. */
  dataRead(header: FrameHeader, bytes: Buffer, isEnd: boolean): void;
  /** Any other frame, complete. */
  frameRead(header: FrameHeader, payload: Buffer): void;
}

/** What a client says before its first frame. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/**
 * Takes the bytes of a connection apart. Payloads are views of what came; what is cut by the end of a piece is copied, so that an idle
 * connection keeps nothing.
 */
export class FrameReader {
  readonly #receiver: FrameReceiver;
  #hasPreface = false;
  /** The beginning of something that is not complete. */
  #rest: Buffer | undefined;
  /** A DATA frame whose payload is being read. */
  #data: FrameHeader | undefined;
  #dataLeft = 0;

  constructor(receiver: FrameReceiver) {
    this.#receiver = receiver;
  }

  /**
   * Takes the next bytes.
   *
   * @throws ConnectionError when they are no HTTP/2 or a frame is too large, and what the receiver throws; nothing more can be taken
   *   afterwards
   */
  push(bytes: Buffer): void {
    const all = this.#rest === undefined ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#rest = undefined;
    let at = this.#hasPreface ? this.#readData(all, 0) : this.#readPreface(all);
    while (this.#hasPreface && all.length - at >= frameHeaderSize) {
      const next = this.#readFrame(all, at);
      if (next === undefined) break;
      at = next;
    }
    if (at < all.length) this.#rest = Buffer.from(all.subarray(at));
  }

  /** @returns where the first frame begins; 0 when the preface is not complete */
  #readPreface(bytes: Buffer): number {
    const size = Math.min(bytes.length, preface.length);
    if (bytes.compare(preface, 0, size, 0, size) !== 0) {
      throw new ConnectionError('PROTOCOL_ERROR', 'the client does not speak HTTP/2');
    }
    if (size < preface.length) return 0;
    this.#hasPreface = true;
    return size;
  }

  /** @returns where the next frame begins; undefined: this one is not complete */
  #readFrame(bytes: Buffer, at: number): number | undefined {
    const header = readHeader(bytes, at);
    const start = at + frameHeaderSize;
    const isPadded = (header.flags & frameFlags.padded) !== 0;
    if (header.type === frameTypes.data && !isPadded) {
      this.#receiver.dataBegun(header);
      this.#data = header;
      this.#dataLeft = header.length;
      return this.#readData(bytes, start);
    }
    const end = start + header.length;
    if (end > bytes.length) return undefined;
    const payload = bytes.subarray(start, end);
    if (header.type !== frameTypes.data) this.#receiver.frameRead(header, payload);
    else {
      this.#receiver.dataBegun(header);
      this.#receiver.dataRead(header, withoutPadding(payload), true);
    }
    return end;
  }

  /** @returns where the next frame begins, if that has come */
  #readData(bytes: Buffer, at: number): number {
    const header = this.#data;
    if (header === undefined) return at;
    const end = Math.min(bytes.length, at + this.#dataLeft);
    this.#dataLeft -= end - at;
    const isEnd = this.#dataLeft === 0;
    if (isEnd) this.#data = undefined;
    if (isEnd || end > at) this.#receiver.dataRead(header, bytes.subarray(at, end), isEnd);
    return end;
  }
}

function readHeader(bytes: Buffer, at: number): FrameHeader {
  const length = bytes.readUIntBE(at, 3);
  if (length > defaultFrameSize) {
    throw new ConnectionError('FRAME_SIZE_ERROR', `a frame of ${length} bytes is larger than ${defaultFrameSize}`);
  }
  const [type = 0, flags = 0] = [bytes[at + 3], bytes[at + 4]];
  return { length, type, flags, stream: bytes.readUInt32BE(at + 5) & 0x7fff_ffff };
}

/** Of a DATA or HEADERS frame with the flag PADDED. @throws ConnectionError when there is more padding than payload */
export function withoutPadding(payload: Buffer): Buffer {
  const [padding] = payload;
  if (padding === undefined) throw new ConnectionError('FRAME_SIZE_ERROR', 'a padded frame does not say by how much');
  if (padding >= payload.length) throw new ConnectionError('PROTOCOL_ERROR', 'a frame is padded beyond its end');
  return payload.subarray(1, payload.length - padding);
}

export function writeFrameHeader(bytes: Buffer, at: number, { length, type, flags, stream }: FrameHeader): void {
  bytes.writeUIntBE(length, at, 3);
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  bytes.writeUInt32BE(stream, at + 5);
}

/** A whole frame. */
export function frame(type: number, flags: number, stream: number, ...payload: readonly Uint8Array[]): Buffer {
  const length = payload.reduce((sum, part) => sum + part.length, 0);
  const bytes = Buffer.allocUnsafe(frameHeaderSize + length);
  writeFrameHeader(bytes, 0, { length, type, flags, stream });
  let at = frameHeaderSize;
  for (const part of payload) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Numbers of four bytes each, as most small payloads are made of. */
export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
}
