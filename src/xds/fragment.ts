import { versionLength, versionOf } from './content-version.ts';
import { typeUrlOf, type TypeName } from './proto.ts';
import { sizeOfVarint, tagOf, writeVarint } from './wire.ts';

/** One resource as it stands in a response, and the message inside. */
export interface FramedResource {
  readonly version: string;
  /**
   * The complete `resources` entry of a delta response, tag and length included. Its inner `Any` entry is byte for byte the
   * `resources` entry of a state-of-the-world response (hot-path H209).
   */
  readonly fragment: Uint8Array;
  /** The message's bytes: a view of the fragment. */
  readonly value: Uint8Array;
}

const resourcesTag = tagOf(2, 2);
const versionTag = tagOf(1, 2);
const anyTag = tagOf(2, 2);
const nameTag = tagOf(3, 2);
const aliasTag = tagOf(4, 2);
const typeUrlTag = tagOf(1, 2);
const valueTag = tagOf(2, 2);

/**
 * Says that a name does not exist: a resource of that name, also as its alias, without a body (xds-protocol X312). State of the world has
 * no such thing.
 */
export function frameAbsence(name: string): FramedResource {
  const size = sizeOfBytes(versionLength) + 2 * sizeOfText(name);
  const fragment = Buffer.allocUnsafeSlow(sizeOfBytes(size));
  const value = fragment.subarray(0, 0);
  const version = versionOf(value);
  const at = writeText(fragment, writeLength(fragment, 0, resourcesTag, size), versionTag, version);
  writeText(fragment, writeText(fragment, at, nameTag, name), aliasTag, name);
  return { version, fragment, value };
}

/** Frames the bytes of a message. */
export function frameContent(type: TypeName, name: string, value: Uint8Array): FramedResource {
  return frameParts(type, name, [value]);
}

/**
 * Frames the bytes of a message, given in pieces, under their hash (hot-path H404). They are copied once, into memory that the
 * result owns (H504) and that is never written to again (H501).
 */
export function frameParts(type: TypeName, name: string, parts: readonly Uint8Array[]): FramedResource {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const typeUrl = typeUrlOf(type);
  const anySize = sizeOfText(typeUrl) + sizeOfBytes(length);
  const size = sizeOfBytes(versionLength) + sizeOfBytes(anySize) + sizeOfText(name);
  const fragment = Buffer.allocUnsafeSlow(sizeOfBytes(size));
  const versionAt = writeLength(fragment, writeLength(fragment, 0, resourcesTag, size), versionTag, versionLength);
  let at = writeLength(fragment, versionAt + versionLength, anyTag, anySize);
  at = writeText(fragment, at, typeUrlTag, typeUrl);
  const start = writeLength(fragment, at, valueTag, length);
  at = start;
  for (const part of parts) {
    fragment.set(part, at);
    at += part.length;
  }
  writeText(fragment, at, nameTag, name);
  const value = fragment.subarray(start, at);
  const version = versionOf(value);
  fragment.write(version, versionAt, 'latin1');
  return { version, fragment, value };
}

/** Of a field with a one-byte tag. */
function sizeOfBytes(length: number): number {
  return 1 + sizeOfVarint(length) + length;
}

function sizeOfText(text: string): number {
  return sizeOfBytes(Buffer.byteLength(text));
}

function writeText(buffer: Buffer, start: number, tag: number, text: string): number {
  const at = writeLength(buffer, start, tag, Buffer.byteLength(text));
  return at + buffer.write(text, at);
}

function writeLength(buffer: Buffer, start: number, tag: number, length: number): number {
  buffer[start] = tag;
  return writeVarint(buffer, start + 1, length);
}
