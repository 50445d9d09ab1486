import type { HeaderMatch, HttpMatch, QueryMatch, StringMatch } from '../../../model/routing.ts';
import type { DecodedHttpMatch } from './decoded.ts';
import { fieldPath, quote } from './field-path.ts';
import { checkHeaderName } from './headers.ts';
import type { Reading } from './reading.ts';
import type { HttpMatchSpec, StringMatchSpec } from './schemas/virtual-service.ts';
import { decodeConditions } from './static-conditions.ts';
import { decodeStringMatch, decodeTextMatch, type TextMatch } from './string-match.ts';

/**
 * One block of conditions that must all hold (policy H1 to H16).
 *
 * @returns undefined for a block that cannot be in force
 */
export function decodeHttpMatch(spec: HttpMatchSpec, path: string, reading: Reading): DecodedHttpMatch | undefined {
  const claims = claimPaths(spec, path);
  if (claims.length > 0) {
    for (const at of claims) {
      reading.notInForce(at, 'claims of tokens are matched at gateways only, so that this match block matches nothing');
    }
  }
  const match: HttpMatch = {
    name: spec.name ?? '',
    path: decodePath(spec.uri, `${path}.uri`, reading),
    ignorePathCase: spec.ignoreUriCase ?? false,
    method: decodeMethod(spec.method, `${path}.method`, reading),
    scheme: decodeStringMatch(spec.scheme, `${path}.scheme`, reading),
    authority: decodeStringMatch(spec.authority, `${path}.authority`, reading),
    headers: [
      ...decodeHeaderMatches(spec.headers, `${path}.headers`, reading, false),
      ...decodeHeaderMatches(spec.withoutHeaders, `${path}.withoutHeaders`, reading, true),
    ],
    query: decodeQuery(spec.queryParams, `${path}.queryParams`, reading),
    statPrefix: spec.statPrefix ?? '',
  };
  if (match.ignorePathCase && match.path?.kind === 'regex') {
    const advice = 'begin the regular expression with (?i)';
    reading.warn('WEIR1021', `${path}.ignoreUriCase`, 'ignoreUriCase does nothing to a regular expression', advice);
  }
  const conditions = decodeConditions(spec, path, reading);
  return claims.length > 0 ? undefined : { conditions, match, path };
}

/** Paths are compared without the query string, and always begin with a slash. */
function decodePath(spec: StringMatchSpec | undefined, path: string, reading: Reading): StringMatch | undefined {
  // An empty prefix holds for every path, unlike that of any other text, which proxies refuse.
  if (spec?.prefix === '' && spec.exact === undefined && spec.regex === undefined) return undefined;
  const match = decodeStringMatch(spec, path, reading);
  if (match === undefined || match.kind === 'regex') return match;
  const at = `${path}.${match.kind}`;
  // "*" is the path of OPTIONS requests for a server as a whole.
  if (!match.value.startsWith('/') && match.value !== '*') {
    const message = `the path ${quote(match.value)} does not begin with a slash, so that no request matches`;
    reading.warn('WEIR1109', at, message, `write ${quote(`/${match.value}`)}`);
  } else if (/[?#]/.test(match.value)) {
    const message =
      'the path holds a query string or fragment, which paths are compared without, so that no request matches';
    reading.warn('WEIR1109', at, message, 'use queryParams for the query string');
  }
  return match;
}

function decodeMethod(spec: StringMatchSpec | undefined, path: string, reading: Reading): StringMatch | undefined {
  const match = decodeStringMatch(spec, path, reading);
  if (match?.kind === 'exact' && match.value !== match.value.toUpperCase()) {
    const message = `the method ${quote(match.value)} is not in upper case, so that no request of that method matches`;
    reading.warn('WEIR1109', `${path}.exact`, message, `write ${match.value.toUpperCase()}`);
  }
  return match;
}

function decodeHeaderMatches(
  headers: Readonly<Record<string, StringMatchSpec>> | undefined,
  path: string,
  reading: Reading,
  inverted: boolean,
): readonly HeaderMatch[] {
  if (headers === undefined) return [];
  const matches: HeaderMatch[] = [];
  for (const name of Object.keys(headers).toSorted()) {
    const at = fieldPath(path, name);
    const spec = headers[name];
    if (spec === undefined || isClaim(name) || !checkMatchedName(name, at, reading)) continue;
    const match = decodeValueMatch(spec, at, reading);
    if (match !== undefined) matches.push({ name: name.toLowerCase(), match, inverted });
  }
  return matches;
}

const pseudoHeaders: ReadonlySet<string> = new Set([':authority', ':method', ':path', ':scheme']);

function checkMatchedName(name: string, path: string, reading: Reading): boolean {
  return pseudoHeaders.has(name) || checkHeaderName(name, path, reading);
}

function decodeQuery(
  parameters: Readonly<Record<string, StringMatchSpec>> | undefined,
  path: string,
  reading: Reading,
): readonly QueryMatch[] {
  if (parameters === undefined) return [];
  const matches: QueryMatch[] = [];
  for (const name of Object.keys(parameters).toSorted()) {
    const at = fieldPath(path, name);
    const spec = parameters[name];
    if (spec === undefined) continue;
    if (name === '' || Buffer.byteLength(name) > 1024) {
      reading.error('WEIR1005', at, 'the name of a query parameter has 1 to 1024 bytes', 'correct the name');
      continue;
    }
    const match = decodeValueMatch(spec, at, reading);
    if (match !== undefined) matches.push({ name, match });
  }
  return matches;
}

/** An empty matcher, or the regular expression `*`, asks for presence (policy H8). */
function decodeValueMatch(
  spec: StringMatchSpec,
  path: string,
  reading: Reading,
): StringMatch | { readonly kind: 'present' } | undefined {
  if (spec.regex === '*' && spec.exact === undefined && spec.prefix === undefined) return { kind: 'present' };
  const match: TextMatch | undefined = decodeTextMatch(spec, path, reading);
  return match?.kind === 'any' ? { kind: 'present' } : match;
}

/** A claim of a token, written in place of a header's name (policy H15). */
function isClaim(name: string): boolean {
  return /^@request\.auth\.claims[.[]/.test(name);
}

function claimPaths(spec: HttpMatchSpec, path: string): readonly string[] {
  const within = (headers: Readonly<Record<string, unknown>> | undefined, field: string): readonly string[] =>
    Object.keys(headers ?? {})
      .filter(isClaim)
      .map((name) => fieldPath(`${path}.${field}`, name));
  return [...within(spec.headers, 'headers'), ...within(spec.withoutHeaders, 'withoutHeaders')];
}
