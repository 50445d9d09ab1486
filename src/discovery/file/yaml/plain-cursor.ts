/** Where a reader of plain YAML stands in its text, and the steps that all readers take. */

/** Thrown to leave a text to the general reader; one instance, since taking a stack trace costs more than reading a document. */
class NotPlain extends Error {}
export const notPlain = new NotPlain('not plain YAML');

/** A place in a text. In block context `indent` is that of the line `at` stands on; -1 behind the last line. */
export interface Cursor {
  readonly text: string;
  at: number;
  indent: number;
}

export const blank = 0x20;
export const newline = 0x0a;
export const hash = 0x23;
export const dash = 0x2d;
export const colon = 0x3a;
export const comma = 0x2c;
export const doubleQuote = 0x22;
export const singleQuote = 0x27;
export const openBracket = 0x5b;
export const closeBracket = 0x5d;
export const openBrace = 0x7b;
export const closeBrace = 0x7d;

export const maximumDepth = 100;

/** From the start of a line to the first character of the next one that holds more than a comment. */
export function toNextLine(cursor: Cursor): void {
  const { text } = cursor;
  let at = cursor.at;
  for (;;) {
    const start = at;
    let code = text.charCodeAt(at);
    while (code === blank) code = text.charCodeAt(++at);
    if (code === hash) {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end;
      code = text.charCodeAt(at);
    } else if (code !== newline && at < text.length) {
      cursor.at = at;
      cursor.indent = at - start;
      return;
    }
    if (at >= text.length) {
      cursor.at = at;
      cursor.indent = -1;
      return;
    }
    at++;
  }
}

/** Behind a value: only blanks and a comment may follow on its line. */
export function toEndOfLine(cursor: Cursor): void {
  const { text } = cursor;
  skipBlanks(cursor);
  if (cursor.at >= text.length) return;
  const code = text.charCodeAt(cursor.at);
  if (code === newline) {
    cursor.at++;
    return;
  }
  if (code !== hash || text.charCodeAt(cursor.at - 1) !== blank) throw notPlain;
  const end = text.indexOf('\n', cursor.at);
  cursor.at = end < 0 ? text.length : end + 1;
}

export function skipBlanks(cursor: Cursor): void {
  while (cursor.text.charCodeAt(cursor.at) === blank) cursor.at++;
}

export function isFlowStart(cursor: Cursor): boolean {
  const code = cursor.text.charCodeAt(cursor.at);
  return code === openBrace || code === openBracket;
}

/** Whether a `-` that introduces an item stands here. */
export function isItem(cursor: Cursor): boolean {
  return cursor.text.charCodeAt(cursor.at) === dash && isBreak(cursor.text, cursor.at + 1);
}

export function isBreak(text: string, at: number): boolean {
  if (at >= text.length) return true;
  const code = text.charCodeAt(at);
  return code === blank || code === newline;
}

export function isBehindLine(cursor: Cursor): boolean {
  if (cursor.at >= cursor.text.length) return true;
  const code = cursor.text.charCodeAt(cursor.at);
  return code === newline || code === hash;
}
