import type { StringMatch } from '../../model/routing.ts';
import { largestRegexProgram, regexProgramSize } from '../../policy/regex.ts';
import type * as envoy from '../envoy.ts';

/** Envoy refuses larger programs unless told otherwise; the estimate of a size may be a few instructions too low. */
const ordinaryProgram = 100 - 20;

/**
 * A regular expression that has to match the whole text; Envoy evaluates it with RE2. The limit for large ones travels with them, in a
 * deprecated field, because the alternative is a setting of each Envoy's bootstrap that not every Envoy has.
 */
export function regexMatcher(regex: string): envoy.RegexMatcher {
  if (regexProgramSize(regex) <= ordinaryProgram) return { regex };
  return { regex, googleRe2: { maxProgramSize: { value: largestRegexProgram } } };
}

export function stringMatcher(match: StringMatch): envoy.StringMatcher {
  switch (match.kind) {
    case 'exact':
      return { exact: match.value };
    case 'prefix':
      return { prefix: match.value };
    case 'regex':
      return { safeRegex: regexMatcher(match.value) };
  }
}
