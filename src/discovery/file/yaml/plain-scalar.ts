import {
  blank,
  closeBrace,
  closeBracket,
  colon,
  comma,
  dash,
  doubleQuote,
  hash,
  isBreak,
  newline,
  notPlain,
  openBrace,
  openBracket,
  singleQuote,
  type Cursor,
} from './plain-cursor.ts';

/** Keys and values of plain YAML that end on their line. */

/** Characters with which no plain scalar begins. */
const indicators: ReadonlySet<number> = new Set(Buffer.from('?:,[]{}#&*!|>\'"%@`'));
/** Longer keys are an error in YAML. */
const maximumKeyLength = 1000;

/**
 * A key together with its colon; undefined, with the cursor unmoved, when the line does not begin with a simple one.
 */
export function readKey(cursor: Cursor): string | undefined {
  const { text, at } = cursor;
  const code = text.charCodeAt(at);
  if (code === doubleQuote || code === singleQuote) {
    const key = readQuoted(cursor, code);
    if (text.charCodeAt(cursor.at) === colon && isBreak(text, cursor.at + 1) && isUsableKey(key)) {
      cursor.at++;
      return key;
    }
    cursor.at = at;
    return undefined;
  }
  const end = endOfWord(text, at);
  if (end === at || text.charCodeAt(end) !== colon || !isBreak(text, end + 1)) return undefined;
  const key = text.slice(at, end);
  if (words.has(key) || !isUsableKey(key)) throw notPlain;
  cursor.at = end + 1;
  return key;
}

export function isUsableKey(key: string): boolean {
  return key !== '__proto__' && key.length < maximumKeyLength;
}

/** Behind a word that begins with a letter or `_` and holds letters, digits and `_ - . /`. */
function endOfWord(text: string, start: number): number {
  let at = start;
  for (; ; at++) {
    const code = text.charCodeAt(at) | 0x20;
    const isLetter = code >= 0x61 && code <= 0x7a;
    if (isLetter) continue;
    const exact = text.charCodeAt(at);
    if (exact === 0x5f) continue;
    const isInner = (exact >= 0x30 && exact <= 0x39) || (exact >= dash && exact <= 0x2f);
    if (!isInner || at === start) return at;
  }
}

export function readScalar(cursor: Cursor, inFlow: boolean): unknown {
  const code = cursor.text.charCodeAt(cursor.at);
  if (code === doubleQuote || code === singleQuote) {
    const value = readQuoted(cursor, code);
    if (cursor.text.charCodeAt(cursor.at) === colon) throw notPlain;
    return value;
  }
  if (indicators.has(code)) throw notPlain;
  if (code === dash && !isInnerCharacter(cursor.text.charCodeAt(cursor.at + 1))) throw notPlain;
  const end = inFlow ? endOfFlowScalar(cursor) : endOfBlockScalar(cursor);
  const value = resolve(cursor.text.slice(cursor.at, end));
  cursor.at = end;
  return value;
}

/** Whether a `-` before this character is part of a scalar in every context. */
function isInnerCharacter(code: number): boolean {
  return code > blank && !indicators.has(code);
}

/** Behind the last character that is not a blank, before the end of the line or a comment. */
function endOfBlockScalar({ text, at }: Cursor): number {
  let end = at;
  for (let here = at; here < text.length; here++) {
    const code = text.charCodeAt(here);
    if (code === newline) break;
    if (code === blank) continue;
    if (code === hash && text.charCodeAt(here - 1) === blank) break;
    if (code === colon && isBreak(text, here + 1)) throw notPlain;
    end = here + 1;
  }
  return end;
}

function endOfFlowScalar({ text, at }: Cursor): number {
  let end = at;
  for (let here = at; ; here++) {
    const code = text.charCodeAt(here);
    if (code === comma || code === closeBracket || code === closeBrace) return end;
    if (code === blank) continue;
    // A colon before an indicator would end a key.
    if (
      here >= text.length ||
      code === newline ||
      code === hash ||
      code === openBracket ||
      code === openBrace ||
      code === colon
    ) {
      throw notPlain;
    }
    end = here + 1;
  }
}

/** A quoted scalar that ends on its line. */
function readQuoted(cursor: Cursor, quote: number): string {
  return quote === doubleQuote ? readDoubleQuoted(cursor) : readSingleQuoted(cursor);
}

export function readDoubleQuoted(cursor: Cursor): string {
  const { text, at } = cursor;
  let escaped = false;
  let end = at + 1;
  for (let code = text.charCodeAt(end); code !== doubleQuote; code = text.charCodeAt(++end)) {
    if (code === newline || end >= text.length) throw notPlain;
    if (code !== 0x5c) continue;
    escaped = true;
    end++;
  }
  cursor.at = end + 1;
  if (!escaped) return text.slice(at + 1, end);
  try {
    // JSON's escapes are YAML's; YAML's others are left to the general reader.
    return String(JSON.parse(text.slice(at, end + 1)));
  } catch {
    throw notPlain;
  }
}

function readSingleQuoted(cursor: Cursor): string {
  const { text, at } = cursor;
  const end = text.indexOf("'", at + 1);
  if (end < 0 || text.charCodeAt(end + 1) === singleQuote) throw notPlain;
  const value = text.slice(at + 1, end);
  if (value.includes('\n')) throw notPlain;
  cursor.at = end + 1;
  return value;
}

/** Plain scalars that are not text (YAML 1.2, core schema). */
const words: ReadonlyMap<string, boolean | null> = new Map<string, boolean | null>([
  ['null', null],
  ['Null', null],
  ['NULL', null],
  ['~', null],
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['false', false],
  ['False', false],
  ['FALSE', false],
]);

const integer = /^[-+]?\d{1,15}$/;
const float = /^[-+]?(?:\.\d+|\d+\.\d*)$/;
/** Numbers in other notations. */
const unusualNumber =
  /^[-+]?(?:\d+|\.\d+|\d+(?:\.\d*)?[eE][-+]?\d+|\.\d+[eE][-+]?\d+|0o[0-7]+|0x[\da-fA-F]+|\.inf|\.Inf|\.INF|\.nan|\.NaN|\.NAN)$/;

function resolve(text: string): unknown {
  const first = text.charCodeAt(0);
  if ((first >= 0x30 && first <= 0x39) || (first >= 0x2b && first <= 0x2e)) {
    if (integer.test(text)) return Number(text);
    if (float.test(text)) return Number.parseFloat(text);
    if (unusualNumber.test(text)) throw notPlain;
    return text;
  }
  if (text.length > 5) return text;
  const word = words.get(text);
  return word === undefined ? text : word;
}
