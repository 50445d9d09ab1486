import type { Dialect, HeaderMatch, HttpMatch, QueryMatch, StringMatch } from '../../model/routing.ts';
import type * as envoy from '../envoy.ts';
import { regexMatcher, stringMatcher } from './string-match.ts';

/** The Envoy form of one match block (policy P101, H1 to H10); undefined: every request. */
export function translateMatch(match: HttpMatch | undefined, dialect: Dialect): envoy.RouteMatch {
  if (match === undefined) return { prefix: '/' };
  const headers = [
    ...pseudoHeader(':method', match.method),
    ...pseudoHeader(':scheme', match.scheme),
    ...pseudoHeader(':authority', match.authority),
    ...match.headers.toSorted(byName).map(headerMatcher),
  ];
  const queryParameters = match.query.toSorted(byName).map(queryMatcher);
  return {
    ...pathSpecifier(match.path, dialect),
    // Without effect on regular expressions.
    caseSensitive: match.ignorePathCase ? { value: false } : undefined,
    headers,
    queryParameters,
  };
}

function pathSpecifier(path: StringMatch | undefined, dialect: Dialect): envoy.RouteMatch {
  if (path === undefined) return { prefix: '/' };
  switch (path.kind) {
    case 'exact':
      return { path: path.value };
    case 'prefix':
      return dialect === 'gateway' ? segmentPrefix(path.value) : { prefix: path.value };
    case 'regex':
      return { safeRegex: regexMatcher(path.value) };
  }
}

/** `/foo` and `/foo/` take `/foo` and everything below it, but not `/foobar`; Envoy wants no slash at the end. */
function segmentPrefix(prefix: string): envoy.RouteMatch {
  const trimmed = prefix.replace(/\/+$/, '');
  return trimmed === '' ? { prefix: '/' } : { pathSeparatedPrefix: trimmed };
}

function pseudoHeader(name: string, match: StringMatch | undefined): readonly envoy.HeaderMatcher[] {
  return match === undefined ? [] : [{ name, stringMatch: stringMatcher(match) }];
}

function headerMatcher({ name, match, inverted }: HeaderMatch): envoy.HeaderMatcher {
  if (match.kind === 'present') return { name, presentMatch: true, invertMatch: inverted };
  // An absent header would fail an inverted condition too, unless it counts as empty (policy H9).
  return { name, stringMatch: stringMatcher(match), invertMatch: inverted, treatMissingHeaderAsEmpty: inverted };
}

function queryMatcher({ name, match }: QueryMatch): envoy.QueryParameterMatcher {
  return match.kind === 'present' ? { name, presentMatch: true } : { name, stringMatch: stringMatcher(match) };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
