import {
  isBehindLine,
  isFlowStart,
  isItem,
  maximumDepth,
  notPlain,
  skipBlanks,
  toEndOfLine,
  toNextLine,
  type Cursor,
} from './plain-cursor.ts';
import { readFlow } from './plain-flow.ts';
import { readKey, readScalar } from './plain-scalar.ts';

/**
 * Reads the plain part of YAML in which nearly every Kubernetes object is written: block mappings and sequences, scalars on one line,
 * flow collections on one line, and whole documents in JSON. It is some twenty times as fast as the general reader. Whatever it does not
 * know for certain (anchors, tags, block scalars, scalars over several lines, anything wrong) it leaves to the general reader, so it never
 * reports an error and never gives another value than that one would: a property test holds it to that.
 */

/** Tabs, carriage returns, control characters, byte order marks: all of them have rules of their own. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const unusualCharacter = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff]/;

/**
 * @param text one YAML document without directives
 * @returns undefined when the text is not plain
 */
export function readPlainYaml(text: string): { readonly value: unknown } | undefined {
  if (unusualCharacter.test(text)) return undefined;
  const cursor: Cursor = { text, at: text.startsWith('---\n') ? 4 : 0, indent: 0 };
  try {
    toNextLine(cursor);
    if (cursor.indent < 0) return undefined;
    const value = isFlowStart(cursor) ? readWholeFlow(cursor) : readBlock(cursor, 0);
    return cursor.indent < 0 ? { value } : undefined;
  } catch (error) {
    if (error === notPlain) return undefined;
    throw error;
  }
}

function readWholeFlow(cursor: Cursor): unknown {
  // Markers end the document even inside brackets.
  if (/\n(?:---|\.\.\.)/.test(cursor.text)) throw notPlain;
  const value = readFlow(cursor, 0, true);
  toEndOfLine(cursor);
  toNextLine(cursor);
  return value;
}

/** A block whose first line is the cursor's. */
function readBlock(cursor: Cursor, depth: number): unknown {
  if (depth > maximumDepth) throw notPlain;
  if (isItem(cursor)) return readSequence(cursor, cursor.indent, depth);
  const key = readKey(cursor);
  if (key === undefined) throw notPlain;
  return readMapping(cursor, cursor.indent, key, depth);
}

function readMapping(cursor: Cursor, indent: number, firstKey: string, depth: number): Record<string, unknown> {
  const mapping: Record<string, unknown> = {};
  for (let key: string | undefined = firstKey; ; key = readKey(cursor)) {
    if (key === undefined || Object.hasOwn(mapping, key)) throw notPlain;
    mapping[key] = readMappingValue(cursor, indent, depth);
    if (cursor.indent < indent) return mapping;
    if (cursor.indent > indent || isItem(cursor)) throw notPlain;
  }
}

function readMappingValue(cursor: Cursor, indent: number, depth: number): unknown {
  skipBlanks(cursor);
  if (!isBehindLine(cursor)) return readInline(cursor, indent);
  toEndOfLine(cursor);
  toNextLine(cursor);
  if (cursor.indent > indent) return readBlock(cursor, depth + 1);
  if (cursor.indent === indent && isItem(cursor)) return readSequence(cursor, indent, depth + 1);
  return null;
}

function readSequence(cursor: Cursor, indent: number, depth: number): unknown[] {
  const items: unknown[] = [];
  do {
    const lineStart = cursor.at - cursor.indent;
    cursor.at++;
    items.push(readItem(cursor, indent, lineStart, depth));
    if (cursor.indent > indent) throw notPlain;
  } while (cursor.indent === indent && isItem(cursor));
  return items;
}

/** @param lineStart where column 0 of the item's line is */
function readItem(cursor: Cursor, indent: number, lineStart: number, depth: number): unknown {
  skipBlanks(cursor);
  if (isBehindLine(cursor)) {
    toEndOfLine(cursor);
    toNextLine(cursor);
    return cursor.indent > indent ? readBlock(cursor, depth + 1) : null;
  }
  const column = cursor.at - lineStart;
  if (depth > maximumDepth) throw notPlain;
  if (isItem(cursor)) {
    cursor.indent = column;
    return readSequence(cursor, column, depth + 1);
  }
  const key = isFlowStart(cursor) ? undefined : readKey(cursor);
  if (key === undefined) return readInline(cursor, indent);
  cursor.indent = column;
  return readMapping(cursor, column, key, depth + 1);
}

/** A value that ends on the line of its key, and the step to the next line. */
function readInline(cursor: Cursor, indent: number): unknown {
  const value = isFlowStart(cursor) ? readFlow(cursor, 0, false) : readScalar(cursor, false);
  toEndOfLine(cursor);
  toNextLine(cursor);
  // A deeper line would continue the scalar.
  if (cursor.indent > indent) throw notPlain;
  return value;
}
