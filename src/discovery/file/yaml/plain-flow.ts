import {
  blank,
  closeBrace,
  closeBracket,
  colon,
  comma,
  doubleQuote,
  maximumDepth,
  newline,
  notPlain,
  openBrace,
  openBracket,
  type Cursor,
} from './plain-cursor.ts';
import { isUsableKey, readDoubleQuoted, readKey, readScalar } from './plain-scalar.ts';

/** Collections in brackets. */

/** @param overLines whether line breaks may stand between tokens: only where no block around it sets an indentation */
export function readFlow(cursor: Cursor, depth: number, overLines: boolean): unknown {
  if (depth > maximumDepth) throw notPlain;
  const code = cursor.text.charCodeAt(cursor.at);
  if (code === openBrace) return readFlowMapping(cursor, depth, overLines);
  if (code === openBracket) return readFlowSequence(cursor, depth, overLines);
  return readScalar(cursor, true);
}

function readFlowMapping(cursor: Cursor, depth: number, overLines: boolean): Record<string, unknown> {
  const { text } = cursor;
  const mapping: Record<string, unknown> = {};
  cursor.at++;
  skipSpace(cursor, overLines);
  while (text.charCodeAt(cursor.at) !== closeBrace) {
    const key = readFlowKey(cursor);
    if (Object.hasOwn(mapping, key)) throw notPlain;
    skipSpace(cursor, overLines);
    mapping[key] = readFlow(cursor, depth + 1, overLines);
    toNextEntry(cursor, closeBrace, overLines);
  }
  cursor.at++;
  return mapping;
}

function readFlowKey(cursor: Cursor): string {
  const { text } = cursor;
  const code = text.charCodeAt(cursor.at);
  if (code === doubleQuote) {
    const key = readDoubleQuoted(cursor);
    if (text.charCodeAt(cursor.at) !== colon || !isUsableKey(key)) throw notPlain;
    cursor.at++;
    return key;
  }
  const key = readKey(cursor);
  if (key === undefined) throw notPlain;
  return key;
}

function readFlowSequence(cursor: Cursor, depth: number, overLines: boolean): unknown[] {
  const { text } = cursor;
  const items: unknown[] = [];
  cursor.at++;
  skipSpace(cursor, overLines);
  while (text.charCodeAt(cursor.at) !== closeBracket) {
    items.push(readFlow(cursor, depth + 1, overLines));
    toNextEntry(cursor, closeBracket, overLines);
  }
  cursor.at++;
  return items;
}

/** Behind an entry: its comma, and on to the next entry or the closing bracket. */
function toNextEntry(cursor: Cursor, closing: number, overLines: boolean): void {
  skipSpace(cursor, overLines);
  const code = cursor.text.charCodeAt(cursor.at);
  if (code === closing) return;
  if (code !== comma) throw notPlain;
  cursor.at++;
  skipSpace(cursor, overLines);
}

function skipSpace(cursor: Cursor, overLines: boolean): void {
  for (;;) {
    const code = cursor.text.charCodeAt(cursor.at);
    if (code !== blank && !(overLines && code === newline)) return;
    cursor.at++;
  }
}
