import { versionOf } from './content-version.ts';
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
const typeUrlTag = tagOf(1, 2);
const valueTag = tagOf(2, 2);

/**
 * Frames the bytes of a message under their hash (hot-path H404). The result owns its memory (H504) and is never written to
 * again (H501).
 */
export function frameContent(type: TypeName, name: string, value: Uint8Array): FramedResource {
  const version = versionOf(value);
  const typeUrl = typeUrlOf(type);
  const anySize = sizeOfText(typeUrl) + sizeOfBytes(value.length);
  const size = sizeOfText(version) + sizeOfBytes(anySize) + sizeOfText(name);
  const fragment = Buffer.allocUnsafeSlow(sizeOfBytes(size));
  let at = writeLength(fragment, 0, resourcesTag, size);
  at = writeText(fragment, at, versionTag, version);
  at = writeLength(fragment, at, anyTag, anySize);
  at = writeText(fragment, at, typeUrlTag, typeUrl);
  const start = writeLength(fragment, at, valueTag, value.length);
  fragment.set(value, start);
  writeText(fragment, start + value.length, nameTag, name);
  return { version, fragment, value: fragment.subarray(start, start + value.length) };
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
