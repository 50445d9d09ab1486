import type { StringMatch } from '../../model/routing.ts';
import type * as envoy from '../envoy.ts';

/** A regular expression that has to match the whole text; Envoy evaluates it with RE2. */
export function regexMatcher(regex: string): envoy.RegexMatcher {
  return { regex };
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
