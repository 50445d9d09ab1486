import { parseCidr } from '../../../model/cidr.ts';
import type { AccountName, PathMatch, TextMatch } from '../../../model/authorization.ts';
import { quote } from './field-path.ts';
import type { Reading } from './reading.ts';

/** Single values of an AuthorizationPolicy. Each reader reports what is wrong and gives nothing back then. */
export type ReadValue<Match> = (text: string, path: string, reading: Reading) => Match | undefined;

/** `value`, `value*`, `*value`, or `*` for anything. */
export function readText(text: string, path: string, reading: Reading): TextMatch | undefined {
  if (text === '*') return { kind: 'present' };
  const isSuffix = text.startsWith('*');
  const isPrefix = text.endsWith('*');
  const value = text.slice(isSuffix ? 1 : 0, isPrefix ? -1 : undefined);
  if (value.includes('*') || (isSuffix && isPrefix)) {
    const message = `${quote(text)} has a * that is not its only one, at one end`;
    reading.error('WEIR1501', path, message, 'write value, value*, *value or *; several values are alternatives');
    return undefined;
  }
  return { kind: isSuffix ? 'suffix' : isPrefix ? 'prefix' : 'exact', value };
}

/** The name of an identity, or a part of one; the scheme belongs to certificates, not to policies. */
export function readIdentity(text: string, path: string, reading: Reading): TextMatch | undefined {
  if (!text.includes('://')) return readText(text, path, reading);
  const advice = 'write TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT';
  reading.error('WEIR1502', path, `${quote(text)} has a scheme, which identities in policies do not have`, advice);
  return undefined;
}

/** A part of an identity: no slash. */
export function readIdentityPart(text: string, path: string, reading: Reading): TextMatch | undefined {
  if (!text.includes('/')) return readText(text, path, reading);
  reading.error('WEIR1502', path, `${quote(text)} holds a slash`, 'write the name alone');
  return undefined;
}

const kubernetesName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** `NAMESPACE/ACCOUNT`, or `ACCOUNT` in the namespace of the object (policy Z3). */
export function readAccount(text: string, path: string, reading: Reading): AccountName | undefined {
  const [first = '', second, ...rest] = text.split('/');
  const account =
    second === undefined ? { namespace: reading.namespace, name: first } : { namespace: first, name: second };
  if (rest.length === 0 && kubernetesName.test(account.namespace) && kubernetesName.test(account.name)) return account;
  reading.error('WEIR1502', path, `${quote(text)} is no service account`, 'write NAMESPACE/ACCOUNT or ACCOUNT');
  return undefined;
}

export function readAddressBlock(text: string, path: string, reading: Reading): string | undefined {
  if (parseCidr(text) !== undefined) return text;
  reading.error('WEIR1011', path, `${quote(text)} is no address and no CIDR`, 'write 10.0.0.1 or 10.0.0.0/8');
  return undefined;
}

/** Ports are written as text. */
export function readPort(text: string, path: string, reading: Reading): number | undefined {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port >= 1 && port <= 65_535) return port;
  reading.error('WEIR1004', path, `${quote(text)} is no port`, 'write a number from 1 to 65535');
  return undefined;
}

/** Longer paths nobody has; in each of its forms a path of this length is what a proxy can still compare. */
const longestPath = 1024;

/** As `readText`, or with `{*}` and `{**}` a template (policy Z10). */
export function readPath(text: string, path: string, reading: Reading): PathMatch | undefined {
  if (text.length > longestPath) {
    const message = `the path is ${text.length} characters long, more than ${longestPath}`;
    reading.error('WEIR1008', path, message, 'name its beginning or end');
    return undefined;
  }
  const match = /[{}]/.test(text) ? readTemplate(text, path, reading) : readText(text, path, reading);
  const isWhole = match?.kind === 'exact' || match?.kind === 'prefix';
  if (match === undefined || !isWhole || match.value.startsWith('/')) return match;
  reading.warn('WEIR1109', path, `no path begins with ${quote(match.value)}`, 'begin it with a slash');
  return match;
}

/** Characters that Envoy takes in the plain parts of a template. */
const plainSegment = /^[A-Za-z0-9\-._~%!$&'()+,;=:@]*$/;

function readTemplate(text: string, path: string, reading: Reading): PathMatch | undefined {
  const segments = text.split('/');
  const several = segments.indexOf('{**}');
  const isSound =
    text.startsWith('/') &&
    // Nothing between two slashes is no segment; behind the last one it is.
    !segments.slice(1, -1).includes('') &&
    segments.every((segment) => segment === '{*}' || segment === '{**}' || plainSegment.test(segment)) &&
    (several < 0 || !segments.slice(several + 1).some((segment) => segment.startsWith('{')));
  if (isSound) return { kind: 'template', value: text };
  const message = `${quote(text)} is no path template`;
  const advice = 'write /with/{*}/for one segment, {**} for several and nothing in braces behind it; no other * beside';
  reading.error('WEIR1503', path, message, advice);
  return undefined;
}
