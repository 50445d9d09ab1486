import { RE2JS } from 're2js';
import type { Condition, PathMatch, TextMatch, TextSubject } from '../model/authorization.ts';
import { containsCidr, parseCidr } from '../model/cidr.ts';
import type { WorkloadIdentity } from '../model/identity.ts';
import { anyFormOf } from './path-forms.ts';

/** A call to a workload, as far as policies look at it. What is undefined is not known, or not there. */
export interface Call {
  /** Of the caller's certificate; undefined: it calls in the clear. */
  readonly identity: WorkloadIdentity | undefined;
  readonly peerAddress: string | undefined;
  readonly clientAddress: string | undefined;
  readonly destinationAddress: string | undefined;
  /** Of the workload. */
  readonly port: number;
  readonly serverName: string | undefined;
  /** undefined: a connection that is not looked into. */
  readonly request: CalledRequest | undefined;
  /** Of a token that was verified. */
  readonly claims: Readonly<Record<string, unknown>> | undefined;
}

export interface CalledRequest {
  readonly method: string;
  readonly host: string;
  /** Without query. */
  readonly path: string;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Whether a condition holds for a call; what proxies do with it, said by `rbac-conditions.ts`, is the same.
 *
 * @param wide whether everything counts that may be meant by its values, and what is not known
 */
export function holds(condition: Condition, call: Call, wide: boolean): boolean {
  return matches(condition, call, wide) !== condition.negated;
}

function matches(condition: Condition, call: Call, wide: boolean): boolean {
  switch (condition.kind) {
    case 'account': {
      const { identity } = call;
      if (identity === undefined) return wide;
      return condition.matches.some(
        ({ namespace, name }) => namespace === identity.namespace && name === identity.serviceAccount,
      );
    }
    case 'port':
      return condition.matches.includes(call.port);
    case 'address': {
      const address = parseCidr(addressOf(condition.subject, call) ?? '');
      if (address === undefined) return wide;
      return condition.matches.some((text) => {
        const block = parseCidr(text);
        return block !== undefined && containsCidr(block, address);
      });
    }
    case 'path':
      return condition.matches.some((match) => call.request !== undefined && pathMatches(match, call.request, wide));
    case 'text':
      return condition.matches.some((match) => textMatches(condition.subject, match, call, wide));
  }
}

function addressOf(subject: 'peer' | 'client' | 'destination', call: Call): string | undefined {
  switch (subject) {
    case 'peer':
      return call.peerAddress;
    case 'client':
      return call.clientAddress;
    case 'destination':
      return call.destinationAddress;
  }
}

function pathMatches(match: PathMatch, { path }: CalledRequest, wide: boolean): boolean {
  if (!wide && match.kind !== 'template') return matchesText(match, path);
  return regexOf(wide ? anyFormOf(match) : templateRegex(match)).matches(path);
}

/** What Envoy's templates take for a segment. */
function templateRegex(match: PathMatch): string {
  if (match.kind !== 'template') return anyFormOf(match);
  const characters = String.raw`a-zA-Z0-9\-._~%!$&'()+,;=:@`;
  return match.value
    .split('/')
    .map((segment) =>
      segment === '{*}' ? `[${characters}]+` : segment === '{**}' ? `[${characters}/]*` : RE2JS.quote(segment),
    )
    .join('/');
}

/** Patterns are made of texts that are escaped: none is a user's (reliability S3). */
function regexOf(pattern: string): RE2JS {
  return RE2JS.compile(pattern, RE2JS.DOTALL);
}

function textMatches(subject: TextSubject, match: TextMatch, call: Call, wide: boolean): boolean {
  const { identity, request, claims } = call;
  switch (subject.kind) {
    case 'principal':
      if (identity === undefined) return wide;
      return matchesText(match, `${identity.trustDomain}/ns/${identity.namespace}/sa/${identity.serviceAccount}`);
    case 'namespace':
      return identity === undefined ? wide : matchesText(match, identity.namespace);
    case 'trust-domain':
      return identity === undefined ? wide : matchesText(match, identity.trustDomain);
    case 'token-principal': {
      const { iss, sub } = claims ?? {};
      return typeof iss === 'string' && typeof sub === 'string' && matchesText(match, `${iss}/${sub}`);
    }
    case 'claim':
      return claimMatches(match, claimAt(claims, subject.path));
    case 'host':
      return request !== undefined && hostMatches(match, request.host, wide);
    case 'method':
      return request !== undefined && matchesText(match, request.method);
    case 'header': {
      const value = request?.headers[subject.name];
      return value !== undefined && matchesText(match, value);
    }
    case 'server-name':
      return call.serverName !== undefined && call.serverName !== '' && matchesText(match, call.serverName);
    case 'filter-metadata':
      // What filters find out is not known before there is a proxy.
      return wide;
  }
}

function matchesText(match: TextMatch, text: string): boolean {
  switch (match.kind) {
    case 'exact':
      return text === match.value;
    case 'prefix':
      return text.startsWith(match.value);
    case 'suffix':
      return text.endsWith(match.value);
    case 'present':
      return true;
  }
}

/** The form with a port and the one with the dot of a full name count where a host shall be kept out (policy Z7, P603). */
function hostMatches(match: TextMatch, host: string, wide: boolean): boolean {
  const folded: TextMatch = match.kind === 'present' ? match : { ...match, value: match.value.toLowerCase() };
  const written = host.toLowerCase();
  const forms = wide ? [written, written.replace(/:[^:]*$/, ''), written.replace(/\.?(:[^:]*)?$/, '')] : [written];
  return forms.some((form) => matchesText(folded, form));
}

function claimAt(claims: Call['claims'], path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, name)
        ? (value as Readonly<Record<string, unknown>>)[name]
        : undefined,
    claims,
  );
}

/** A text or one text of a list; any value is present. */
function claimMatches(match: TextMatch, value: unknown): boolean {
  if (match.kind === 'present') return value !== undefined;
  if (Array.isArray(value)) return value.some((item) => typeof item === 'string' && matchesText(match, item));
  return typeof value === 'string' && matchesText(match, value);
}
