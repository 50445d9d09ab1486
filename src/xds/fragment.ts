import { invariant } from '../incremental/invariant.ts';
import { versionLength, versionOf } from './content-version.ts';
import { typeUrlOf, type TypeName } from './proto.ts';
import { joinParts, sizeOfVarint, tagOf, writeVarint } from './wire.ts';

/** One resource as it stands in a response. */
export interface FramedResource {
  readonly version: string;
  /**
   * The complete `resources` entry of a delta response, tag and length included, in pieces that stand in a row; almost always one.
   * Its inner `Any` entry is byte for byte the `resources` entry of a state-of-the-world response (hot-path H209).
   */
  readonly fragment: readonly Uint8Array[];
  /** Length of the fragment. */
  readonly bytes: number;
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
  const version = versionOf();
  const at = writeText(fragment, writeLength(fragment, 0, resourcesTag, size), versionTag, version);
  writeText(fragment, writeText(fragment, at, nameTag, name), aliasTag, name);
  return { version, fragment: [fragment], bytes: fragment.length };
}

/** Frames a copy of the bytes of a message, under their hash (hot-path H404). */
export function frameContent(type: TypeName, name: string, value: Uint8Array): FramedResource {
  return frame(type, name, [value], Infinity);
}

/** A part of so many bytes is not worth a copy: a large table whose one host changes is otherwise copied, and thrown away, each time. */
const largePart = 4096;

/**
 * Frames the bytes of a message, given in parts, under their hash (hot-path H404). Large ones stand in it as they are.
 *
 * @param parts are cut between fields of the message, so that no name stands in two of them, and are never written to again
 */
export function frameParts(type: TypeName, name: string, parts: readonly Uint8Array[]): FramedResource {
  return frame(type, name, parts, largePart);
}

/**
 * What is copied is copied once, into memory that the result owns (hot-path H504), and is never written to again (H501).
 *
 * @param leastKept length from which on a part is not copied
 */
function frame(type: TypeName, name: string, parts: readonly Uint8Array[], leastKept: number): FramedResource {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const typeUrl = typeUrlOf(type);
  const anySize = sizeOfText(typeUrl) + sizeOfBytes(length);
  const size = sizeOfBytes(versionLength) + sizeOfBytes(anySize) + sizeOfText(name);
  const version = versionOf(...parts);
  const head = (buffer: Buffer, start: number): number => {
    let at = writeText(buffer, writeLength(buffer, start, resourcesTag, size), versionTag, version);
    at = writeText(buffer, writeLength(buffer, at, anyTag, anySize), typeUrlTag, typeUrl);
    return writeLength(buffer, at, valueTag, length);
  };
  const tail = (buffer: Buffer, start: number): number => writeText(buffer, start, nameTag, name);
  const bytes = sizeOfBytes(size);
  const tailSize = sizeOfText(name);
  const pieces: Uint8Array[] = [];
  let run: (Uint8Array | typeof head)[] = [head];
  let runSize = bytes - length - tailSize;
  for (const part of parts) {
    if (part.length >= leastKept) {
      pieces.push(...pieceOf(run, runSize), part);
      [run, runSize] = [[], 0];
    } else {
      run.push(part);
      runSize += part.length;
    }
  }
  pieces.push(...pieceOf([...run, tail], runSize + tailSize));
  return { version, fragment: pieces, bytes };
}

/** Parts and what writes itself, in memory of their own; nothing when there are none. */
function pieceOf(
  run: readonly (Uint8Array | ((buffer: Buffer, start: number) => number))[],
  size: number,
): readonly Uint8Array[] {
  if (run.length === 0) return [];
  const piece = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const part of run) {
    if (typeof part === 'function') at = part(piece, at);
    else {
      piece.set(part, at);
      at += part.length;
    }
  }
  return [piece];
}

/**
 * The SotW `resources` entry inside a fragment: both are an Any behind the tag of field 2, so it is a view of the same bytes and no
 * second copy (hot-path H209).
 */
export function sotwEntry(fragment: readonly Uint8Array[]): readonly Uint8Array[] {
  const any = anyIn(fragment);
  invariant(any !== undefined, 'state of the world has no resources without a body');
  return cut(fragment, any.tag, any.end);
}

/** The bytes of the message in a framed resource, where they stand; none when it has no body. */
export function messagePieces({ fragment }: Pick<FramedResource, 'fragment'>): readonly Uint8Array[] {
  const any = anyIn(fragment);
  const value = any && fieldIn(fragment, 2, any.start);
  return value === undefined ? [] : cut(fragment, value.start, value.end);
}

/** The bytes of the message in a framed resource: a copy when they stand in several pieces. */
export function messageOf(framed: Pick<FramedResource, 'fragment'>): Uint8Array {
  const [first = new Uint8Array(0), ...others] = messagePieces(framed);
  return others.length === 0 ? first : joinParts([first, ...others]);
}

function anyIn(fragment: readonly Uint8Array[]): FieldPlace | undefined {
  const resource = fieldIn(fragment, 2, 0);
  return resource && fieldIn(fragment, 2, resource.start);
}

/** Offsets of a length-delimited field: of its tag, of its content, and of what comes behind. */
interface FieldPlace {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

/** Looks for a field from an offset on; undefined: there is none. What stands before the message is in the first piece. */
function fieldIn(
  [first = new Uint8Array(0)]: readonly Uint8Array[],
  field: number,
  from: number,
): FieldPlace | undefined {
  for (let at = from; at < first.length;) {
    const tag = at;
    const wire = first[at++] ?? 0;
    invariant((wire & 7) === 2, 'a fragment holds length-delimited fields');
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = first[at++] ?? 0;
      length |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    if (wire >> 3 === field) return { tag, start: at, end: at + length };
    at += length;
  }
  return undefined;
}

/** What stands between two offsets of pieces in a row. */
function cut(pieces: readonly Uint8Array[], start: number, end: number): readonly Uint8Array[] {
  const within: Uint8Array[] = [];
  let at = 0;
  for (const piece of pieces) {
    const part = piece.subarray(Math.max(0, start - at), Math.max(0, end - at));
    if (part.length > 0) within.push(part);
    at += piece.length;
  }
  return within;
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
