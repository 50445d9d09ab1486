import { isMap, isScalar, isSeq, parseDocument, type Node, type Pair, type ParsedNode } from 'yaml';
import { newlinesBefore } from '../../yaml/document.ts';
import { splitDocuments } from './split.ts';

/**
 * The line of a field in a file. Only for what goes wrong: it parses the document once more.
 *
 * @param text of the whole file
 * @param document 1-based number of the document in the file
 * @param path such as `spec.http[0].route[1].weight`; of a path that the document lacks the longest part that it has is taken
 * @returns 1-based line; 1 when there is no such document
 */
export function locate(text: string, document: number, path: string): number {
  const bytes = Buffer.from(text);
  let number = 0;
  for (const { start, end } of splitDocuments(bytes)) {
    const content = bytes.toString('utf8', start, end);
    if (isNumbered(content)) number++;
    if (number < document) continue;
    return newlinesBefore(bytes.toString('utf8', 0, start), start) + locateInDocument(content, path) + 1;
  }
  return 1;
}

/** Whether a part of a file counts as a document: comments before the first `---` do not. */
export function isNumbered(content: string): boolean {
  return content.startsWith('---') || linesBeforeContent(content) !== undefined;
}

/** Lines above the first one that holds more than a comment, a directive or a marker; undefined when there is none. */
export function linesBeforeContent(content: string): number | undefined {
  for (let at = 0, line = 0; at < content.length; line++) {
    const end = content.indexOf('\n', at);
    const text = content.slice(at, end < 0 ? content.length : end);
    if (!/^(?:\uFEFF?\s*(?:#.*)?|%.*|---\s*(?:#.*)?|\.\.\.\s*(?:#.*)?)$/.test(text)) return line;
    if (end < 0) return undefined;
    at = end + 1;
  }
  return undefined;
}

/** Lines above a field in the text of one document. */
export function locateInDocument(content: string, path: string): number {
  const { offset } = find(content, path);
  return offset === undefined ? (linesBeforeContent(content) ?? 0) : newlinesBefore(content, offset);
}

/**
 * The same for YAML that is the text of a field, as `data.mesh` of a ConfigMap is.
 *
 * @param outer path of the field that holds the text
 * @param inner path within the text, or lines above the place in the text
 */
export function locateEmbedded(content: string, outer: string, inner: string | number): number {
  const { offset, value } = find(content, outer);
  if (offset === undefined) return linesBeforeContent(content) ?? 0;
  if (!isScalar(value) || value.type === undefined || !value.type.startsWith('BLOCK') || !value.range) {
    return newlinesBefore(content, offset);
  }
  const line = typeof inner === 'number' ? inner : locateInDocument(String(value.value), inner);
  return newlinesBefore(content, value.range[0]) + 1 + line;
}

interface Found {
  /** Of the key or item; undefined when not even the first part of the path is there. */
  readonly offset: number | undefined;
  readonly value: Node | undefined;
}

function find(content: string, path: string): Found {
  const document = parseDocument(content, { prettyErrors: false, logLevel: 'error' });
  let found: Found = { offset: undefined, value: document.contents ?? undefined };
  let rest = path;
  while (rest !== '') {
    const step = nextStep(found.value, rest);
    if (step === undefined) return found;
    ({ found, rest } = step);
  }
  return found;
}

interface Step {
  readonly found: Found;
  readonly rest: string;
}

function nextStep(node: Node | undefined, rest: string): Step | undefined {
  const index = /^\[(\d+)\]\.?/.exec(rest);
  if (index !== null && isSeq(node)) {
    const item = node.items[Number(index[1])] as ParsedNode | undefined;
    return item === undefined
      ? undefined
      : { found: { offset: item.range[0], value: item }, rest: rest.slice(index[0].length) };
  }
  if (!isMap(node)) return undefined;
  // Names of labels hold dots: the longest key that fits is meant.
  let best: (Step & { readonly length: number }) | undefined;
  for (const pair of node.items) {
    const length = lengthOfKey(keyOf(pair), rest);
    if (length === undefined || (best !== undefined && best.length >= length)) continue;
    best = { found: foundAt(pair), rest: rest.slice(length), length };
  }
  return best;
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : '';
}

function foundAt(pair: Pair): Found {
  const key = pair.key as ParsedNode;
  return { offset: key.range[0], value: (pair.value ?? undefined) as Node | undefined };
}

/** How much of a path a key takes, with the dot behind it; undefined when the path does not begin with the key. */
function lengthOfKey(key: string, path: string): number | undefined {
  const quoted = `[${JSON.stringify(key)}]`;
  const written = path.startsWith(quoted) ? quoted : key;
  if (written === '' || !path.startsWith(written)) return undefined;
  const next = path[written.length];
  if (next === '.') return written.length + 1;
  return next === undefined || next === '[' ? written.length : undefined;
}
