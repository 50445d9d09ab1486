import type { Origin } from '../../model/provenance.ts';
import { readDocument, type DocumentReading } from './document-reading.ts';
import type { ObjectContext } from '../kubernetes/objects/object-rows.ts';
import { commonEnd, commonStart } from './yaml/byte-comparison.ts';
import { newlinesBefore } from '../yaml/document.ts';
import { isNumbered, linesBeforeContent } from './yaml/locate.ts';
import { beginsWithMarker, splitDocuments } from './yaml/split.ts';

/** The documents of a file, in columns: an edit of a large file must not touch each of its documents. */
export interface FileReading {
  /** Without a byte order mark. Kept to find out what the next version changes, and to find lines. */
  readonly bytes: Buffer;
  /** The same ones as before as long as their text is the same. */
  readonly contents: readonly DocumentContent[];
  /** Offsets in the bytes at which the documents start; each ends where the next one starts. */
  readonly starts: Uint32Array;
  /** 1-based numbers among the documents of the file. */
  readonly numbers: Uint32Array;
  /** 1-based lines on which the documents start. */
  readonly lines: Uint32Array;
}

/** All that follows from the text of a document alone. */
export interface DocumentContent extends DocumentReading {
  readonly lines: number;
  /** Comments before the first `---` are no document. */
  readonly isNumbered: boolean;
  /** Lines above the first content. */
  readonly contentLine: number;
}

export interface FileChange {
  readonly reading: FileReading;
  readonly added: readonly DocumentContent[];
  readonly removed: readonly DocumentContent[];
}

/** One document and where it stands. */
export interface PlacedDocument {
  readonly content: DocumentContent;
  readonly text: string;
  readonly number: number;
  /** 1-based line on which it starts. */
  readonly startLine: number;
  /** 1-based line of its first content. */
  readonly line: number;
}

export const emptyFile: FileReading = {
  bytes: Buffer.alloc(0),
  contents: [],
  starts: new Uint32Array(),
  numbers: new Uint32Array(),
  lines: new Uint32Array(),
};

/** What takes the place of a file that is not there any more. */
export function withoutDocuments(previous: FileReading): FileChange {
  return { reading: emptyFile, added: [], removed: previous.contents };
}

export function placeOfDocument(reading: FileReading, content: DocumentContent): PlacedDocument | undefined {
  const index = reading.contents.indexOf(content);
  if (index < 0) return undefined;
  const startLine = reading.lines[index] ?? 1;
  const text = reading.bytes.toString('utf8', reading.starts[index], reading.starts[index + 1]);
  return { content, text, number: reading.numbers[index] ?? 1, startLine, line: startLine + content.contentLine };
}

/** So many documents are read between two yields. */
const documentsPerStep = 64;

/**
 * Reads the documents of a file. What stands in the previous version with the same text is not read again, so that an edit of a file of
 * any size costs a comparison of bytes and the reading of what was edited.
 *
 * @param context its `origin` is the file's
 * @returns yields now and then, for a caller who has other things to do
 */
export function* readFile(
  bytes: Buffer,
  previous: FileReading,
  context: ObjectContext,
): Generator<undefined, FileChange> {
  const window = changedWindow(bytes, previous);
  const known = contentByText(previous, window);
  const changed = bytes.subarray(window.start, window.end);
  const drafts: Draft[] = [];
  const added: DocumentContent[] = [];
  let place = placeBehind(previous, window.keptBefore);
  for (const { start, end } of splitDocuments(changed)) {
    const text = changed.toString('utf8', start, end);
    let content = known.get(text)?.pop();
    if (content === undefined) {
      content = readContent(text, place, context);
      added.push(content);
      if (added.length % documentsPerStep === 0) yield;
    }
    const number = place.number + (content.isNumbered ? 1 : 0);
    drafts.push({ content, start: window.start + start, number, line: place.line });
    place = { number, line: place.line + content.lines };
  }
  return { reading: splice(bytes, previous, window, drafts, place), added, removed: [...known.values()].flat() };
}

/** A document of the window. */
interface Draft {
  readonly content: DocumentContent;
  readonly start: number;
  readonly number: number;
  readonly line: number;
}

/** Behind a document: its number, and the line on which the next one starts. */
interface Behind {
  readonly number: number;
  readonly line: number;
}

/** @param count of documents in front of the place */
function placeBehind({ contents, numbers, lines }: FileReading, count: number): Behind {
  const last = count - 1;
  return { number: numbers[last] ?? 0, line: (lines[last] ?? 1) + (contents[last]?.lines ?? 0) };
}

/** The previous reading with the documents of the window in place of those that stood there. */
function splice(
  bytes: Buffer,
  previous: FileReading,
  { keptBefore, keptAfter, shift }: Window,
  drafts: readonly Draft[],
  end: Behind,
): FileReading {
  const before = placeBehind(previous, keptAfter);
  const column = (old: Uint32Array, middle: readonly number[], offset: number): Uint32Array => {
    const values = new Uint32Array(keptBefore + middle.length + old.length - keptAfter);
    values.set(old.subarray(0, keptBefore));
    values.set(middle, keptBefore);
    values.set(
      old.subarray(keptAfter).map((value) => value + offset),
      keptBefore + middle.length,
    );
    return values;
  };
  const { contents, starts, numbers, lines } = previous;
  return {
    bytes,
    contents: contents.slice(0, keptBefore).concat(
      drafts.map(({ content }) => content),
      contents.slice(keptAfter),
    ),
    starts: column(
      starts,
      drafts.map((draft) => draft.start),
      shift,
    ),
    numbers: column(
      numbers,
      drafts.map((draft) => draft.number),
      end.number - before.number,
    ),
    lines: column(
      lines,
      drafts.map((draft) => draft.line),
      end.line - before.line,
    ),
  };
}

interface Window {
  /** Documents up to this index are the previous ones. */
  readonly keptBefore: number;
  /** So are those from this index of the previous version on. */
  readonly keptAfter: number;
  /** Between them, in the new bytes. */
  readonly start: number;
  readonly end: number;
  /** From an offset in the previous bytes behind the window to the same place in the new ones. */
  readonly shift: number;
}

/**
 * A document is kept only if its neighbour towards the window is unchanged too: whether a line begins a document can depend on the line
 * above it, and where a document ends on what comes next.
 */
function changedWindow(bytes: Buffer, previous: FileReading): Window {
  const { starts } = previous;
  const count = starts.length;
  const oldLength = previous.bytes.length;
  const shift = bytes.length - oldLength;
  const same = commonStart(previous.bytes, bytes);
  const sameEnd = commonEnd(previous.bytes, bytes, Math.min(bytes.length, oldLength) - same);
  const endOf = (index: number): number => starts[index + 1] ?? oldLength;
  // One byte more, since a marker is one only if a blank follows it.
  const keptBefore = Math.max(0, firstIndex(count, (index) => endOf(index) >= same) - 1);
  // The line break in front of a document must be unchanged too, or the document does not begin where a line does.
  let unchangedAfter = firstIndex(count, (index) => (starts[index] ?? oldLength) > oldLength - sameEnd);
  // Without a line of its own to begin with, a document can become part of what is above it.
  while (unchangedAfter < count && !beginsWithMarker(previous.bytes, starts[unchangedAfter] ?? 0)) unchangedAfter++;
  const keptAfter = Math.max(keptBefore, Math.min(unchangedAfter + 1, count));
  const start = keptBefore === 0 ? 0 : endOf(keptBefore - 1);
  return { keptBefore, keptAfter, start, end: (starts[keptAfter] ?? oldLength) + shift, shift };
}

/** First index for which something is true that is true for all behind it; `count` when there is none. */
function firstIndex(count: number, isTrue: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isTrue(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Equal documents each have a content of their own: which of them counts must stay the same. */
function contentByText(previous: FileReading, { keptBefore, keptAfter }: Window): Map<string, DocumentContent[]> {
  const { bytes, starts } = previous;
  const known = new Map<string, DocumentContent[]>();
  const contents = previous.contents.slice(keptBefore, keptAfter);
  for (const [offset, content] of contents.entries()) {
    const index = keptBefore + offset;
    const text = bytes.toString('utf8', starts[index], starts[index + 1]);
    const same = known.get(text);
    if (same === undefined) known.set(text, [content]);
    else same.unshift(content);
  }
  return known;
}

function readContent(text: string, before: Behind, context: ObjectContext): DocumentContent {
  const facts = {
    lines: newlinesBefore(text, text.length),
    isNumbered: isNumbered(text),
    contentLine: linesBeforeContent(text) ?? 0,
  };
  const origin: Origin = {
    ...context.origin,
    document: before.number + (facts.isNumbered ? 1 : 0),
    line: before.line + facts.contentLine,
  };
  const { objects, faults, ignored } = readDocument(text, { ...context, origin });
  return { ...facts, objects, faults, ignored };
}
