import { spareBytes, type StatusName } from './transport.ts';

/**
 * gRPC's frames: a byte that says whether the message is compressed, its length in four bytes, the message. They have nothing to
 * do with HTTP/2's frames, which may hold parts of one or several of them.
 */

/** What came cannot be taken; with the gRPC status that says so. */
export class FramingError extends Error {
  override readonly name = 'FramingError';
  readonly status: StatusName;

  constructor(status: StatusName, message: string) {
    super(message);
    this.status = status;
  }
}

/** Pieces of a message that are kept as they came. */
const mostPieces = 256;

/** Puts messages together from pieces that are cut anywhere. */
export class MessageAssembler {
  readonly #largest: number;
  #prefixRead = 0;
  #parts: Uint8Array[] = [];
  /** As many of them are put together from pieces already. */
  #joined = 0;
  /** Bytes of the message that are still to come; while the prefix is read, what it says of them so far. */
  #missing = 0;

  /** @param largest bytes of the largest message that is taken */
  constructor(largest: number) {
    this.#largest = largest;
  }

  /** Whether a message has begun and not ended. */
  get isInside(): boolean {
    return this.#prefixRead > 0;
  }

  /**
   * Takes the next bytes.
   *
   * @param deliver called with each message that they complete, in order; the bytes are valid during the call only, since most are
   *   views of the input
   * @throws FramingError on a compressed message (UNIMPLEMENTED; Weir offers no compression, hot-path H1001) and, before any of it is
   *   kept, on one that is too large (RESOURCE_EXHAUSTED). Nothing more can be taken afterwards.
   */
  push(bytes: Uint8Array, deliver: (message: Uint8Array) => void): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#prefixRead < spareBytes) at = this.#readPrefix(bytes, at);
      if (this.#prefixRead < spareBytes) return;
      const part = bytes.subarray(at, at + this.#missing);
      at += part.length;
      this.#missing -= part.length;
      if (this.#missing === 0) deliver(this.#take(part));
      else if (part.length > 0) this.#keep(part);
    }
  }

  #readPrefix(bytes: Uint8Array, start: number): number {
    let at = start;
    for (; at < bytes.length && this.#prefixRead < spareBytes; at++, this.#prefixRead++) {
      const byte = bytes[at] ?? 0;
      if (this.#prefixRead > 0) this.#missing = this.#missing * 256 + byte;
      else if (byte !== 0) throw new FramingError('UNIMPLEMENTED', 'compressed messages are not taken');
    }
    if (this.#prefixRead === spareBytes && this.#missing > this.#largest) {
      throw new FramingError(
        'RESOURCE_EXHAUSTED',
        `a message of ${this.#missing} bytes is larger than the limit of ${this.#largest}`,
      );
    }
    return at;
  }

  /** A message in pieces of a byte each must not cost an object for each byte, nor keep all that came between them (reliability SC25). */
  #keep(part: Uint8Array): void {
    this.#parts.push(part);
    if (this.#parts.length - this.#joined < mostPieces) return;
    this.#parts.push(Buffer.concat(this.#parts.splice(this.#joined)));
    this.#joined++;
  }

  #take(last: Uint8Array): Uint8Array {
    this.#prefixRead = 0;
    if (this.#parts.length === 0) return last;
    const parts = [...this.#parts, last];
    this.#parts = [];
    this.#joined = 0;
    return Buffer.concat(parts);
  }
}

/** Writes the prefix of a message of so many bytes into the first bytes of its head. */
export function writePrefix(head: Uint8Array, bytes: number): void {
  head[0] = 0;
  head[1] = bytes >>> 24;
  head[2] = bytes >>> 16;
  head[3] = bytes >>> 8;
  head[4] = bytes;
}

/** Text as the trailer `grpc-message` carries it: UTF-8, of which everything but printable ASCII is written `%XX`. */
export function percentEncode(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
