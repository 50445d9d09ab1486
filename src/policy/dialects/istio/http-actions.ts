import type { DirectResponse, HttpMatch, Redirect, Rewrite } from '../../../model/routing.ts';
import { quote } from './field-path.ts';
import type { Reading } from './reading.ts';
import type { HttpRouteSpec } from './schemas/virtual-service.ts';
import { checkRegex } from './string-match.ts';
import { atMostOne, checkLine, inRange } from './values.ts';

/** What happens to a request instead of, or before, sending it on (policy A5 to A9). */

type RedirectSpec = NonNullable<HttpRouteSpec['redirect']>;
type DirectResponseSpec = NonNullable<HttpRouteSpec['directResponse']>;
type RewriteSpec = NonNullable<HttpRouteSpec['rewrite']>;

const redirectCodes = [301, 302, 303, 307, 308] as const;

/** @param matches those of the route: a prefix can only be replaced where one was matched */
export function decodeRedirect(
  spec: RedirectSpec,
  matches: readonly HttpMatch[],
  path: string,
  reading: Reading,
): Redirect {
  const uri = filled(spec.uri);
  const prefix = filled(spec.prefixRewrite);
  const authority = filled(spec.authority);
  const scheme = filled(spec.scheme);
  atMostOne({ uri, prefixRewrite: prefix }, path, reading);
  atMostOne({ port: spec.port, derivePort: spec.derivePort }, path, reading);
  const port = spec.port === undefined ? undefined : inRange(spec.port, [1, 65_535], `${path}.port`, reading);
  if ([uri, prefix, authority, scheme, spec.port, spec.derivePort].every((field) => field === undefined)) {
    reading.error(
      'WEIR1005',
      path,
      'the redirect changes nothing',
      'add uri, prefixRewrite, authority, scheme, port or derivePort',
    );
  }
  if (prefix !== undefined && matches.some((match) => match.path !== undefined && match.path.kind !== 'prefix')) {
    const message = 'prefixRewrite replaces a prefix, but a match of the route has none';
    reading.error(
      'WEIR1006',
      `${path}.prefixRewrite`,
      message,
      'match uri by prefix, or use uri to replace the whole path',
    );
  }
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') {
    reading.error('WEIR1003', `${path}.scheme`, `the scheme ${quote(scheme)} is unknown`, 'use http or https');
  }
  checkPath(uri, `${path}.uri`, reading);
  checkPath(prefix, `${path}.prefixRewrite`, reading);
  if (authority !== undefined) checkLine(authority, `${path}.authority`, reading);
  const code = redirectCode(spec.redirectCode, `${path}.redirectCode`, reading);
  return { kind: 'redirect', uri, prefix, authority, scheme, port: port ?? derivedPort(spec.derivePort), code };
}

function redirectCode(code: number | undefined, path: string, reading: Reading): Redirect['code'] {
  if (code === undefined || code === 0) return 301;
  const known = redirectCodes.find((candidate) => candidate === code);
  if (known !== undefined) return known;
  const listed = redirectCodes.join(', ');
  reading.error('WEIR1004', path, `${code} is not one of the redirect codes ${listed}`, `use one of ${listed}`);
  return 301;
}

function derivedPort(selection: RedirectSpec['derivePort']): Redirect['port'] {
  switch (selection) {
    case 'FROM_PROTOCOL_DEFAULT':
      return 'from-protocol-default';
    case 'FROM_REQUEST_PORT':
      return 'from-request';
    case undefined:
      return undefined;
  }
}

const largestBody = 1_048_576;
const largeBody = 102_400;

export function decodeDirectResponse(spec: DirectResponseSpec, path: string, reading: Reading): DirectResponse {
  if (spec.status === undefined) {
    reading.error('WEIR1005', `${path}.status`, 'the status is missing', 'write a status code from 200 to 599');
  }
  const status = inRange(spec.status, [200, 599], `${path}.status`, reading) ?? 200;
  return { kind: 'direct-response', status, body: decodeBody(spec.body, `${path}.body`, reading) };
}

function decodeBody(spec: DirectResponseSpec['body'], path: string, reading: Reading): DirectResponse['body'] {
  if (spec === undefined) return undefined;
  atMostOne({ string: spec.string, bytes: spec.bytes }, path, reading);
  const bytes = spec.bytes === undefined ? undefined : decodeBase64(spec.bytes, `${path}.bytes`, reading);
  const size = bytes?.length ?? Buffer.byteLength(spec.string ?? '');
  const message = `the body has ${size} bytes`;
  if (size > largestBody) reading.error('WEIR1008', path, message, 'use at most 1 MiB');
  else if (size > largeBody)
    reading.warn('WEIR1008', path, message, 'every proxy holds it in memory: use at most 100 kB');
  if (bytes !== undefined) return { kind: 'bytes', base64: bytes.toString('base64') };
  return filled(spec.string) === undefined ? undefined : { kind: 'text', text: spec.string ?? '' };
}

function decodeBase64(text: string, path: string, reading: Reading): Buffer {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) {
    reading.error('WEIR1002', path, 'the bytes are not base64', 'encode them, or use string for text');
  }
  return Buffer.from(text, 'base64');
}

export function decodeRewrite(spec: RewriteSpec, path: string, reading: Reading): Rewrite {
  const uri = filled(spec.uri);
  const authority = filled(spec.authority);
  const regex = spec.uriRegexRewrite;
  atMostOne({ uri, uriRegexRewrite: regex }, path, reading);
  if (uri === undefined && authority === undefined && regex === undefined) {
    reading.error('WEIR1005', path, 'the rewrite changes nothing', 'add uri, uriRegexRewrite or authority');
  }
  checkPath(uri, `${path}.uri`, reading);
  if (authority !== undefined) checkLine(authority, `${path}.authority`, reading);
  return { uri, authority, regex: regex && decodeRegexRewrite(regex, `${path}.uriRegexRewrite`, reading) };
}

function decodeRegexRewrite(
  spec: NonNullable<RewriteSpec['uriRegexRewrite']>,
  path: string,
  reading: Reading,
): Rewrite['regex'] {
  const match = filled(spec.match);
  const substitution = filled(spec.rewrite);
  if (match === undefined || substitution === undefined) {
    reading.error('WEIR1005', path, 'a rewrite by regular expression needs match and rewrite', 'add what is missing');
    return undefined;
  }
  const groups = checkRegex(match, `${path}.match`, reading);
  if (groups === undefined) return undefined;
  checkSubstitution(substitution, groups, `${path}.rewrite`, reading);
  return { match, substitution };
}

/** A proxy leaves the path as it is, without a word, over a group that the expression does not have or another use of a backslash. */
function checkSubstitution(substitution: string, groups: number, path: string, reading: Reading): void {
  checkLine(substitution, path, reading);
  for (const [text, digit] of substitution.matchAll(/\\(?:(\d)|\\|[^]|$)/g)) {
    if (text === '\\\\') continue;
    if (digit === undefined) {
      reading.error(
        'WEIR1013',
        path,
        `the rewrite has ${quote(text)}`,
        'write \\\\ for a backslash, \\1 to \\9 for groups',
      );
    } else if (Number(digit) > groups) {
      const message = `the rewrite refers to group ${digit}, but the expression has ${groups}`;
      reading.error('WEIR1013', path, message, 'put the part to keep in parentheses, or correct the number');
    }
  }
}

/** A path to send on or to answer with: one line, and with a leading slash unless it is not meant to work. */
function checkPath(value: string | undefined, path: string, reading: Reading): void {
  if (value === undefined || !checkLine(value, path, reading) || value.startsWith('/')) return;
  reading.warn('WEIR1022', path, `the path ${quote(value)} does not begin with a slash`, `write ${quote(`/${value}`)}`);
}

/** Empty text is how the wire format says "not set". */
function filled(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
