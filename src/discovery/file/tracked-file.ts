import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import type { ConfigKey } from '../../model/keys.ts';
import { describeError } from '../../observe/log.ts';
import { emptyFile, readFile, type DocumentContent, type FileChange, type FileReading } from './file-reading.ts';
import type { HeldFile } from './holdings.ts';
import type { ObjectContext } from '../kubernetes/objects/object-rows.ts';
import type { FileFailure, ReadFile } from './problems.ts';

/** A file that is followed: what it says, what it gives, and what is still to be confirmed. */
export class TrackedFile implements HeldFile, ReadFile {
  readonly path: string;
  /** The directory that it was found through. */
  readonly root: string;
  gone = false;
  readonly absent = new Map<ConfigKey, ReadonlySet<DocumentContent>>();
  reading: FileReading = emptyFile;
  readonly troubled = new Set<DocumentContent>();
  readonly contested = new Set<ConfigKey>();
  failure: FileFailure | undefined;
  /** Monotonic milliseconds at which its last change was heard. */
  heardAt = 0;

  constructor(path: string, root: string) {
    this.path = path;
    this.root = root;
  }

  /** Whether it has anything to lose. */
  get givesObjects(): boolean {
    return this.absent.size > 0 || this.reading.contents.some(({ objects }) => objects.length > 0);
  }
}

export type Readout =
  | { readonly kind: 'read'; readonly change: FileChange }
  /** Nothing is known of its content, so that nothing of it changes. */
  | { readonly kind: 'failed'; readonly failure: FileFailure }
  | { readonly kind: 'missing' };

/** Reads a file that may have changed. Yields now and then. */
export function* readTracked(file: TrackedFile, context: ObjectContext): Generator<undefined, Readout> {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file.path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { kind: 'missing' };
    return failed('WEIR2003', describeError(error), 'give Weir the right to read the file, or delete it');
  }
  if (!isUtf8(bytes)) return failed('WEIR2004', 'the file is not UTF-8 text', 'save it as UTF-8');
  const text = withoutByteOrderMark(bytes);
  if (isBlank(text) && file.givesObjects) {
    return failed('WEIR2005', 'the file is empty', 'delete the file if its objects shall go');
  }
  return { kind: 'read', change: yield* readFile(text, file.reading, context) };
}

function failed(code: FileFailure['code'], message: string, advice: string): Readout {
  return { kind: 'failed', failure: { code, message, advice } };
}

function withoutByteOrderMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

/** A truncated file often has a line break already. */
function isBlank(bytes: Buffer): boolean {
  return bytes.length < 1024 && bytes.toString('latin1').trim() === '';
}
