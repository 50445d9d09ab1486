import { sizeOfVarint, tagOf, writeVarint } from '../wire.ts';

/**
 * Protobuf messages are put together from parts that were encoded before: a repeated field is the sequence of its
 * values.
 */

/** A repeated message field whose values come in parts: the concatenation of its parts is a value. */
export interface SplicedField {
  /** Number of the field. */
  readonly field: number;
  readonly values: readonly (readonly Uint8Array[])[];
}

/** Where messages are put together: a large table that changes often would otherwise leave megabytes behind with every change. */
let workspace = Buffer.allocUnsafeSlow(65_536);

/**
 * The bytes of a message: what stands before a repeated field, the field's values, and what stands after. They stand in memory that the
 * next call uses again, so they have to be copied before (hot-path H308).
 */
export function splice(before: Uint8Array, { field, values }: SplicedField, after: Uint8Array): Uint8Array {
  const tag = tagOf(field, 2);
  const tagSize = sizeOfVarint(tag);
  let size = before.length + after.length;
  for (const parts of values) {
    const length = lengthOf(parts);
    size += tagSize + sizeOfVarint(length) + length;
  }
  if (size > workspace.length) workspace = Buffer.allocUnsafeSlow(Math.ceil(size * 1.25));
  const bytes = workspace.subarray(0, size);
  bytes.set(before, 0);
  let end = before.length;
  for (const parts of values) {
    end = writeVarint(bytes, end, tag);
    end = writeVarint(bytes, end, lengthOf(parts));
    for (const part of parts) {
      bytes.set(part, end);
      end += part.length;
    }
  }
  bytes.set(after, end);
  return bytes;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

function lengthOf(parts: readonly Uint8Array[]): number {
  let length = 0;
  for (const part of parts) length += part.length;
  return length;
}
