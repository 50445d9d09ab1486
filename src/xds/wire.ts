/** Wire type of a field: the low three bits of its tag. */
export type WireType = 0 | 1 | 2 | 5;

/** The tag that goes before a value of the field. */
export function tagOf(field: number, wireType: WireType): number {
  return ((field << 3) | wireType) >>> 0;
}

/**
 * Protobuf's wire format, written into one growing buffer that is used again and again. What is kept is copied out
 * (`copyOut`), so that no retained bytes share memory with anything else (hot-path H308, H504).
 */
export class WireWriter {
  /** What was written so far, and room behind it. Another one after every call that needs more room. */
  buffer = Buffer.allocUnsafeSlow(4096);
  private end = 0;

  /** Number of bytes written. */
  get length(): number {
    return this.end;
  }

  clear(): void {
    this.truncate(0);
    if (this.buffer.length > largestKept) this.buffer = Buffer.allocUnsafeSlow(4096);
  }

  /** What was written, in memory that further writing changes. */
  written(): Uint8Array {
    return this.buffer.subarray(0, this.end);
  }

  /** The bytes from `start` on, in memory of their own. */
  copyOut(start = 0): Buffer {
    const bytes = Buffer.allocUnsafeSlow(this.end - start);
    this.buffer.copy(bytes, 0, start, this.end);
    return bytes;
  }

  /** @param value a safe integer; a negative one takes ten bytes, as protobuf has it */
  varint(value: number): void {
    this.reserve(10);
    if (value >= 0 && value < 128) {
      this.buffer[this.end++] = value;
      return;
    }
    if (value < 0) return this.negativeVarint(value);
    let rest = value;
    while (rest > 0x7fff_ffff) {
      this.buffer[this.end++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      this.buffer[this.end++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.buffer[this.end++] = rest;
  }

  fixed32(value: number): void {
    this.reserve(4);
    this.end = this.buffer.writeUInt32LE(value >>> 0, this.end);
  }

  fixed64(value: number): void {
    this.reserve(8);
    this.end = this.buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), this.end);
  }

  float(value: number): void {
    this.reserve(4);
    this.end = this.buffer.writeFloatLE(value, this.end);
  }

  double(value: number): void {
    this.reserve(8);
    this.end = this.buffer.writeDoubleLE(value, this.end);
  }

  /** Bytes as they are, without a length. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.end);
    this.end += bytes.length;
  }

  /** Some bytes of a buffer as they are. */
  range(buffer: Buffer, start: number, end: number): void {
    const at = this.claim(end - start);
    buffer.copy(this.buffer, at, start, end);
  }

  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  string(text: string): void {
    const { length } = text;
    if (length > shortText) return this.anyString(text);
    this.reserve(1 + shortText);
    const { buffer, end } = this;
    buffer[end] = length;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      // Takes more bytes than characters.
      if (code > 127) return this.anyString(text);
      buffer[end + 1 + index] = code;
    }
    this.end = end + 1 + length;
  }

  /** Begins a value whose length is not known yet; `close` takes what this gives. */
  open(): number {
    this.reserve(1);
    return this.end++;
  }

  /**
   * Ends the value begun at `start` and puts its length before it.
   *
   * @param following bytes of the value that will be written after this
   */
  close(start: number, following = 0): void {
    const written = this.end - start - 1;
    const length = written + following;
    if (length < 128) {
      this.buffer[start] = length;
      return;
    }
    const extra = sizeOfVarint(length) - 1;
    this.reserve(extra);
    this.buffer.copyWithin(start + 1 + extra, start + 1, this.end);
    this.end = start;
    this.varint(length);
    this.end += written;
  }

  /** Takes back what was written from `start` on. */
  truncate(start: number): void {
    this.end = start;
  }

  /** Makes room for so many bytes, which the caller fills in: gives their position in `buffer`. */
  claim(size: number): number {
    this.reserve(size);
    const start = this.end;
    this.end += size;
    return start;
  }

  private reserve(size: number): void {
    if (this.end + size <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.end + size));
    this.buffer.copy(larger, 0, 0, this.end);
    this.buffer = larger;
  }

  private anyString(text: string): void {
    const size = Buffer.byteLength(text);
    this.varint(size);
    this.reserve(size);
    this.end += this.buffer.write(text, this.end);
  }

  private negativeVarint(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 127n) {
      this.buffer[this.end++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.buffer[this.end++] = Number(rest);
  }
}

/** Number of bytes of a varint of a non-negative safe integer. */
export function sizeOfVarint(value: number): number {
  let size = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Up to here a length of ASCII takes one byte. */
const shortText = 127;
/** A larger buffer is given back after use. */
const largestKept = 1 << 20;

/**
 * Writes a length, a tag or another number below 2^32.
 *
 * @returns the offset behind it
 */
export function writeVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest > 127) {
    bytes[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

/** Bytes in a row, in memory of their own and not of Node's pool: what is kept must not keep anything else (hot-path H504). */
export function joinParts(parts: readonly Uint8Array[]): Buffer {
  const joined = Buffer.allocUnsafeSlow(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
