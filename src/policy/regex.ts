import { RE2JS } from 're2js';

/**
 * Whether a proxy will accept a regular expression. Envoy compiles with RE2 over bytes (Latin-1), which this file follows where
 * the engine used here, which reads Unicode, is more lenient (policy H3).
 */

export type RegexReading =
  /**
   * `groups`: how many parts it captures. `caution`: accepted, but does something else than it seems to; to stand behind "the
   * regular expression".
   */
  | { readonly kind: 'regex'; readonly groups: number; readonly caution: string | undefined }
  /** What is wrong, to stand behind "the regular expression", and what to do instead. */
  | { readonly kind: 'invalid'; readonly reason: string; readonly advice: string };

/** Longer patterns are refused unread: compiling costs time in proportion, and the text comes from users (reliability S45). */
export const longestRegex = 1024;

/** Larger compiled programs are refused. Envoy's own limit is 100 and has to be raised to this where a regex needs more. */
export const largestRegexProgram = 32_768;

/** Reads a pattern in time linear in its length. Never throws. */
export function readRegex(pattern: string): RegexReading {
  if (pattern === '') return invalid('is empty', 'write a pattern; .* matches everything');
  if (pattern.length > longestRegex) {
    return invalid(
      `is ${pattern.length} characters long`,
      `use at most ${longestRegex} characters, or several matches`,
    );
  }
  const foreign = unsupportedEscape(pattern);
  if (foreign !== undefined) return foreign;
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (error) {
    return syntaxError(pattern, error);
  }
  const ascii = isAscii(pattern);
  const size = programSize(compiled, ascii);
  if (size > largestRegexProgram) {
    return invalid(
      `compiles to about ${size} instructions, more than the ${largestRegexProgram} that a proxy accepts`,
      'use smaller repetition counts or fewer character classes inside repetitions',
    );
  }
  // A byte engine takes a letter beyond ASCII for two or more letters, in classes and before repetitions.
  const caution = ascii ? undefined : 'holds letters beyond ASCII, which proxies compare byte by byte';
  return { kind: 'regex', groups: compiled.groupCount(), caution };
}

/** About how many instructions Envoy's program for an accepted pattern has; 0 for one that is not accepted. */
export function regexProgramSize(pattern: string): number {
  return readRegex(pattern).kind === 'regex' ? programSize(RE2JS.compile(pattern), isAscii(pattern)) : 0;
}

/** Names of Unicode classes that Envoy 1.40 accepts. Being compared by bytes, none matches beyond Latin-1. */
const unicodeClasses: ReadonlySet<string> = new Set(
  (
    'Any C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs ' +
    'Latin Common Inherited Greek Cyrillic Han Hiragana Katakana Hangul Arabic Hebrew Thai Devanagari'
  ).split(' '),
);

/** The escapes that the engine used here knows and Envoy's does not. */
function unsupportedEscape(pattern: string): RegexReading | undefined {
  const escape = /\\(?:Q[^]*?(?:\\E|$)|x\{([0-9A-Fa-f]*)\}|[pP](?:\{\^?([^}]*)\}|(.))|[^])/gu;
  for (const [text, code, longName, shortName] of pattern.matchAll(escape)) {
    if (code !== undefined && Number.parseInt(code, 16) > 0xff) {
      return invalid(
        `uses ${text}, a code above FF`,
        'proxies compare bytes: write the letter itself, or match around it',
      );
    }
    const name = longName ?? shortName;
    if (name !== undefined && !unicodeClasses.has(name.replace(/^\^/, ''))) {
      return invalid(
        `uses the character class ${text}`,
        'use general categories such as \\pL and \\pN, or list the characters',
      );
    }
  }
  return undefined;
}

function syntaxError(pattern: string, error: unknown): RegexReading {
  if (/\(\?(<?[=!])/.test(pattern)) {
    return invalid(
      'uses look-around, which RE2 does not have',
      'match the whole text instead, or add a second match on another field',
    );
  }
  if (/\\[1-9]/.test(pattern)) {
    return invalid('uses a back-reference, which RE2 does not have', 'write the repeated part out');
  }
  const text = error instanceof Error ? error.message : 'unknown error';
  const detail = text.replace(/^error parsing regexp: /, '').slice(0, 200);
  return invalid(`is not RE2: ${detail}`, 'see https://github.com/google/re2/wiki/Syntax for what RE2 accepts');
}

/**
 * The size of Envoy's program: there a character class costs one instruction for each of its ranges of bytes. Measured against
 * Envoy 1.40 the estimate is at most three times too high, and too low by a few instructions at most.
 */
function programSize(compiled: RE2JS, ascii: boolean): number {
  const program: { readonly inst: readonly { readonly runes?: ArrayLike<number> }[] } = compiled.re2().prog;
  let size = 0;
  for (const { runes } of program.inst) size += Math.max(1, runes === undefined ? 0 : byteRanges(runes));
  return ascii ? size : size * 2;
}

/** @param runes first and last letter of each range, ascending; a single letter stands alone */
function byteRanges(runes: ArrayLike<number>): number {
  let ranges = 0;
  for (let index = 0; index < runes.length; index += 2) {
    // Beyond one byte every range becomes the same few ranges of bytes.
    const first = runes[index] ?? 0;
    if (first > 0xff) return ranges + 8;
    ranges += 1;
  }
  return ranges;
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

function invalid(reason: string, advice: string): RegexReading {
  return { kind: 'invalid', reason, advice };
}
