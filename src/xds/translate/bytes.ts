import { sizeOfVarint, tagOf, writeVarint } from '../wire.ts';

/**
 * Protobuf messages are put together from parts that were encoded before: a repeated field is the sequence of its
 * values.
 */

/** What stands before a value of a message field: the field's tag and the length of the value. */
export function fieldStart(field: number, length: number): Uint8Array {
  const tag = tagOf(field, 2);
  const bytes = Buffer.allocUnsafeSlow(sizeOfVarint(tag) + sizeOfVarint(length));
  writeVarint(bytes, writeVarint(bytes, 0, tag), length);
  return bytes;
}

/** The parts in a row, in memory of their own (hot-path H504). */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(lengthOf(parts));
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  return bytes;
}

export function lengthOf(parts: readonly Uint8Array[]): number {
  let length = 0;
  for (const part of parts) length += part.length;
  return length;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
