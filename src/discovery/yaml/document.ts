import { parseDocument, visit, type Document, type ErrorCode, type YAMLError } from 'yaml';
import { readQuickly } from './quick-document.ts';

/** One YAML document of a file, as plain data. */
export type YamlDocument =
  /** Nothing but blanks and comments. */
  | { readonly kind: 'blank' }
  | { readonly kind: 'value'; readonly value: unknown }
  | {
      readonly kind: 'broken';
      /** Lines above it in the document. */
      readonly line: number;
      readonly message: string;
      readonly advice: string;
    };

/** Merge keys are not YAML 1.2, but Kubernetes' own tools read them. A silent log level would hide a second document as well. */
const options = { merge: true, prettyErrors: false, logLevel: 'error' } as const;

/** Aliases may repeat what they name this often; more is taken for an attack on memory. */
const maximumAliases = 100;

/**
 * Reads one document by the rules of YAML 1.2 (core schema: `on` and `no` are text), duplicate keys and unknown tags being errors.
 *
 * @param text of the document, with its `---` line and directives if it has any
 */
export function readYamlDocument(text: string): YamlDocument {
  const quick = readQuickly(text);
  return quick === undefined ? readThoroughly(text) : { kind: 'value', value: quick.value };
}

/** With the library that knows where everything stands. */
function readThoroughly(text: string): YamlDocument {
  try {
    const document = parseDocument(text, options);
    // What comes after the first error is mostly a consequence of it.
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) {
      // What is missing at the end is missed behind the last line break, where there is nothing to look at.
      const line = newlinesBefore(text, Math.min(problem.pos[0], text.trimEnd().length));
      return { kind: 'broken', line, message: problem.message, advice: adviceOn(problem) };
    }
    if (document.contents === null) return { kind: 'blank' };
    const alias = unknownAlias(document);
    if (alias !== undefined) {
      const { offset, message, advice } = alias;
      return { kind: 'broken', line: newlinesBefore(text, offset), message, advice };
    }
    const value: unknown = document.toJS({ maxAliasCount: maximumAliases });
    return value === null || value === undefined ? { kind: 'blank' } : { kind: 'value', value };
  } catch (error) {
    // Aliases without end, or nesting beyond the stack.
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'broken', line: 0, message, advice: generalAdvice };
  }
}

function adviceOn({ code, message }: YAMLError): string {
  if (code === 'BAD_INDENT' && message.startsWith('Flow')) return 'close the bracket, and indent what is inside';
  return advices.get(code) ?? generalAdvice;
}

const generalAdvice = 'correct the document; mind indentation, colons and quotes';

const advices: ReadonlyMap<ErrorCode, string> = new Map<ErrorCode, string>([
  ['DUPLICATE_KEY', 'remove one of the two'],
  ['TAB_AS_INDENT', 'indent with blanks'],
  ['BAD_INDENT', 'indent the lines of one block alike'],
  ['MISSING_CHAR', 'close the bracket or quote, or put a colon behind the key'],
  ['TAG_RESOLVE_FAILED', 'remove the tag; only plain data can be read'],
]);

interface UnknownAlias {
  readonly offset: number;
  readonly message: string;
  readonly advice: string;
}

/** The library notices aliases of nothing only when it makes plain data, and then does not say where. */
function unknownAlias(document: Document.Parsed): UnknownAlias | undefined {
  let found: UnknownAlias | undefined;
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) !== undefined) return undefined;
      const offset = alias.range?.[0] ?? 0;
      found = {
        offset,
        message: `the anchor ${alias.source} is not defined`,
        advice: 'define the anchor in the same document, above its first use',
      };
      return visit.BREAK;
    },
  });
  return found;
}

/** Lines of a text above an offset. */
export function newlinesBefore(text: string, offset: number): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
