import { parseCidr } from '../../../model/cidr.ts';
import type { AddressSubject, Condition, PathMatch, TextMatch, TextSubject } from '../../../model/authorization.ts';
import { anyFormOf } from '../../../policy/path-forms.ts';
import { largestRegexProgram, longestRegex } from '../../../policy/regex.ts';
import type * as envoy from '../../envoy.ts';
import { pack } from '../../proto.ts';
import { regexMatcher } from '../string-match.ts';

/**
 * One comparison as Envoy's RBAC makes it (policy Z1 to Z15). Texts of users become exact, prefix, suffix and contains matchers, never regular
 * expressions (reliability S10); the one exception is written by `anyFormOf`.
 */

/** What the caller is, and what it calls: RBAC has a message for either. */
export type Side = 'principal' | 'permission';

export function sideOf(condition: Condition): Side {
  switch (condition.kind) {
    case 'account':
      return 'principal';
    case 'path':
    case 'port':
      return 'permission';
    case 'address':
      return condition.subject === 'destination' ? 'permission' : 'principal';
    case 'text':
      return principalSubjects.has(condition.subject.kind) ? 'principal' : 'permission';
  }
}

const principalSubjects: ReadonlySet<TextSubject['kind']> = new Set([
  'principal',
  'namespace',
  'trust-domain',
  'token-principal',
  'claim',
  'header',
]);

/** What every certificate of the mesh begins with. */
const anyIdentity = 'spiffe://';

/** One value of a principal's condition. */
export function principalOf(condition: Condition): readonly envoy.Principal[] {
  switch (condition.kind) {
    case 'account':
      return condition.matches.map(({ namespace, name }) => identity({ suffix: `/ns/${namespace}/sa/${name}` }));
    case 'address':
      return condition.matches.map((block) => addressPrincipal(condition.subject, cidrRange(block)));
    case 'text': {
      const { subject } = condition;
      return condition.matches.map((match) => textPrincipal(subject, match));
    }
    case 'path':
    case 'port':
      return [];
  }
}

/** A caller without certificate: nothing is known of it. */
export const nobody: envoy.Principal = { notId: identity({ prefix: anyIdentity }) };

function identity(principalName: envoy.StringMatcher): envoy.Principal {
  return { authenticated: { principalName } };
}

function addressPrincipal(subject: AddressSubject, range: envoy.CidrRange): envoy.Principal {
  return subject === 'client' ? { remoteIp: range } : { directRemoteIp: range };
}

function textPrincipal(subject: TextSubject, match: TextMatch): envoy.Principal {
  switch (subject.kind) {
    case 'principal':
      return identity(principalName(match));
    case 'namespace':
      return identity(namespaceName(match));
    case 'trust-domain':
      return identity(trustDomainName(match));
    case 'token-principal':
      return any(tokenPrincipals(match));
    case 'claim':
      return { metadata: claim(subject.path, match) };
    case 'header':
      return { header: headerMatcher(subject.name, match) };
    default:
      return { notId: { any: true } };
  }
}

function any(principals: readonly envoy.Principal[]): envoy.Principal {
  const [only] = principals;
  return principals.length === 1 && only !== undefined ? only : { orIds: { ids: principals } };
}

function principalName(match: TextMatch): envoy.StringMatcher {
  switch (match.kind) {
    case 'exact':
      return { exact: anyIdentity + match.value };
    case 'prefix':
      return { prefix: anyIdentity + match.value };
    case 'suffix':
      return { suffix: match.value };
    case 'present':
      return { prefix: anyIdentity };
  }
}

/** Names hold no slash, so that what stands between `/ns/` and `/sa/` is the namespace and nothing else. */
function namespaceName(match: TextMatch): envoy.StringMatcher {
  switch (match.kind) {
    case 'exact':
      return { contains: `/ns/${match.value}/sa/` };
    case 'prefix':
      return { contains: `/ns/${match.value}` };
    case 'suffix':
      return { contains: `${match.value}/sa/` };
    case 'present':
      return { prefix: anyIdentity };
  }
}

function trustDomainName(match: TextMatch): envoy.StringMatcher {
  switch (match.kind) {
    case 'exact':
      return { prefix: `${anyIdentity}${match.value}/` };
    case 'prefix':
      return { prefix: anyIdentity + match.value };
    case 'suffix':
      return { contains: `${match.value}/ns/` };
    case 'present':
      return { prefix: anyIdentity };
  }
}

const tokenFilter = 'envoy.filters.http.jwt_authn';
/** Where the content of a token is found. */
export const tokenPayload = 'payload';

/**
 * `ISSUER/SUBJECT`, both of which may hold slashes: a value stands for every way of taking it apart.
 */
function tokenPrincipals(match: TextMatch): readonly envoy.Principal[] {
  const both = (issuer: TextMatch, subject: TextMatch): envoy.Principal => ({
    andIds: { ids: [{ metadata: claim(['iss'], issuer) }, { metadata: claim(['sub'], subject) }] },
  });
  const present: TextMatch = { kind: 'present' };
  if (match.kind === 'present') return [both(present, present)];
  const { kind, value } = match;
  const splits = slashesIn(value).map((at) => [value.slice(0, at), value.slice(at + 1)] as const);
  switch (kind) {
    case 'exact':
      return orNever(splits.map(([issuer, subject]) => both({ kind, value: issuer }, { kind, value: subject })));
    case 'prefix':
      return [
        both(match, present),
        ...splits.map(([issuer, subject]) =>
          both({ kind: 'exact', value: issuer }, subject === '' ? present : { kind, value: subject }),
        ),
      ];
    case 'suffix':
      return [
        both(present, match),
        ...splits.map(([issuer, subject]) =>
          both(issuer === '' ? present : { kind, value: issuer }, { kind: 'exact', value: subject }),
        ),
      ];
  }
}

/** Far more than addresses of issuers have; a value with more is no principal. */
const mostSlashes = 16;

function slashesIn(text: string): readonly number[] {
  return [...text.matchAll(/\//g)].map(({ index }) => index).slice(0, mostSlashes);
}

function orNever(principals: readonly envoy.Principal[]): readonly envoy.Principal[] {
  return principals.length > 0 ? principals : [{ notId: { any: true } }];
}

function claim(path: readonly string[], match: TextMatch): envoy.MetadataMatcher {
  return filterMetadata(tokenFilter, [tokenPayload, ...path], match);
}

/** The value itself, or one item of a list of values. */
function filterMetadata(filter: string, path: readonly string[], match: TextMatch): envoy.MetadataMatcher {
  const value: envoy.ValueMatcher =
    match.kind === 'present' ? { presentMatch: true } : { stringMatch: stringMatcher(match) };
  return {
    filter,
    path: path.map((key) => ({ key })),
    value: match.kind === 'present' ? value : { orMatch: { valueMatchers: [value, { listMatch: { oneOf: value } }] } },
  };
}

function stringMatcher(match: Exclude<TextMatch, { kind: 'present' }>): envoy.StringMatcher {
  return { [match.kind]: match.value };
}

function headerMatcher(name: string, match: TextMatch): envoy.HeaderMatcher {
  return match.kind === 'present' ? { name, presentMatch: true } : { name, stringMatch: stringMatcher(match) };
}

/**
 * The values of a condition on what is called.
 *
 * @param wide whether everything counts that may be meant by a value
 */
export function permissionOf(condition: Condition, wide: boolean): readonly envoy.Permission[] {
  switch (condition.kind) {
    case 'path':
      return condition.matches.map((match) => pathPermission(match, wide));
    case 'port':
      return condition.matches.map((destinationPort) => ({ destinationPort }));
    case 'address':
      return condition.matches.map((block) => ({ destinationIp: cidrRange(block) }));
    case 'text': {
      const { subject } = condition;
      return condition.matches.flatMap((match) => textPermission(subject, match, wide));
    }
    case 'account':
      return [];
  }
}

function pathPermission(match: PathMatch, wide: boolean): envoy.Permission {
  if (match.kind === 'present') return { header: { name: ':path', presentMatch: true } };
  if (wide) return { urlPath: { path: { safeRegex: formMatcher(anyFormOf(match)) } } };
  if (match.kind !== 'template') return { urlPath: { path: stringMatcher(match) } };
  const pathTemplate = match.value.replaceAll('{**}', '**').replaceAll('{*}', '*');
  return {
    uriTemplate: {
      name: 'envoy.path.match.uri_template.uri_template_matcher',
      typedConfig: pack('envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig', { pathTemplate }),
    },
  };
}

/** Its pattern is ours, and may be longer than one of a user. */
function formMatcher(regex: string): envoy.RegexMatcher {
  if (regex.length <= longestRegex) return regexMatcher(regex);
  return { regex, googleRe2: { maxProgramSize: { value: largestRegexProgram } } };
}

function textPermission(subject: TextSubject, match: TextMatch, wide: boolean): readonly envoy.Permission[] {
  switch (subject.kind) {
    case 'host':
      return hostForms(match, wide).map((header) => ({ header }));
    case 'method':
      return [{ header: headerMatcher(':method', match) }];
    case 'server-name':
      return [
        match.kind === 'present'
          ? { notRule: { requestedServerName: { exact: '' } } }
          : { requestedServerName: stringMatcher(match) },
      ];
    case 'filter-metadata':
      return [{ metadata: filterMetadata(subject.filter, subject.path, match) }];
    default:
      return [{ notRule: { any: true } }];
  }
}

/** The host as it stands (policy P603); where it shall be kept out also with a port, and with the dot of a full name (policy Z7). */
function hostForms(match: TextMatch, wide: boolean): readonly envoy.HeaderMatcher[] {
  const name = ':authority';
  if (match.kind === 'present') return [{ name, presentMatch: true }];
  const { kind, value } = match;
  const plain: readonly envoy.StringMatcher[] = [stringMatcher(match)];
  const forms: readonly envoy.StringMatcher[] =
    !wide || kind === 'prefix'
      ? plain
      : kind === 'exact'
        ? [...plain, { exact: `${value}.` }, { prefix: `${value}:` }, { prefix: `${value}.:` }]
        : [...plain, { suffix: `${value}.` }, { contains: `${value}:` }, { contains: `${value}.:` }];
  return forms.map((form) => ({ name, stringMatch: { ...form, ignoreCase: true } }));
}

function cidrRange(text: string): envoy.CidrRange {
  const cidr = parseCidr(text);
  // Decoding has refused everything else.
  if (cidr === undefined) return { addressPrefix: '255.255.255.255', prefixLen: { value: 32 } };
  return { addressPrefix: cidr.address, prefixLen: { value: cidr.prefixLength } };
}
