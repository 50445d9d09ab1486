import type { KeyOrigin, TokenPlaces, TokenRule } from '../../../model/authentication.ts';
import { signatureKey } from '../../../model/token-keys.ts';
import { decodeTargets } from './authorization-policy.ts';
import type { DecodedObject, DecodedRequestAuthentication } from './decoded.ts';
import { quote } from './field-path.ts';
import { checkHeaderName } from './headers.ts';
import type { Reading } from './reading.ts';
import type { RequestAuthenticationSpec, TokenRuleSpec } from './schemas/request-authentication.ts';
import { checkLength, itemsOf } from './values.ts';
import { largestObject } from './limits.ts';
import { decodeWorkloadSelector } from './workload-selector.ts';

/** What a RequestAuthentication says, apart from who wrote it. */
type RequestAuthenticationParts = Omit<DecodedRequestAuthentication, keyof DecodedObject>;

export function decodeRequestAuthenticationSpec(
  spec: RequestAuthenticationSpec,
  reading: Reading,
): RequestAuthenticationParts {
  const fits = checkLength(spec.jwtRules?.length ?? 0, largestObject.rules, 'spec.jwtRules', reading);
  return {
    kind: 'request-authentication',
    selector: decodeWorkloadSelector(spec.selector, reading),
    isForSidecars: decodeTargets(spec, reading),
    isReadable: true,
    rules: fits ? itemsOf(spec.jwtRules, 'spec.jwtRules').map(({ item, at }) => decodeRule(item, at, reading)) : [],
  };
}

/** What is in force in place of one that cannot be read: who has which rights by a token is not known. */
export function closedRequestAuthentication(parts: RequestAuthenticationParts | undefined): RequestAuthenticationParts {
  const selector = Object.keys(parts?.selector ?? {}).length === 0 ? undefined : parts?.selector;
  const isForSidecars = parts?.isForSidecars ?? true;
  return { kind: 'request-authentication', selector, isForSidecars, isReadable: false, rules: [] };
}

function decodeRule(spec: TokenRuleSpec, at: string, reading: Reading): TokenRule {
  const { issuer = '' } = spec;
  if (issuer === '') {
    const advice = 'write the issuer as it stands in the claim iss of its tokens';
    reading.error('WEIR1005', `${at}.issuer`, 'the rule has no issuer', advice);
  }
  if (spec.timeout !== undefined)
    reading.notInForce(`${at}.timeout`, 'Weir itself fetches the keys, within its own time');
  return {
    issuer,
    audiences: texts(spec.audiences, `${at}.audiences`, reading),
    keys: decodeKeys(spec, issuer, at, reading),
    places: decodePlaces(spec, at, reading),
    payloadHeader: decodeHeader(spec.outputPayloadToHeader, `${at}.outputPayloadToHeader`, reading),
    claimHeaders: decodeClaimHeaders(spec, at, reading),
    forwardsToken: spec.forwardOriginalToken ?? false,
    spaceDelimitedClaims: texts(spec.spaceDelimitedClaims, `${at}.spaceDelimitedClaims`, reading),
    provenance: reading.provenance(at),
  };
}

/** Policy J2. */
function decodeKeys({ jwks, jwksUri }: TokenRuleSpec, issuer: string, at: string, reading: Reading): KeyOrigin {
  if (jwks !== undefined && jwksUri !== undefined) {
    reading.error('WEIR1006', at, 'jwks and jwksUri exclude each other', 'keep one of them');
  }
  if (jwks !== undefined) {
    return { kind: 'inline', keys: decodeKeySet(jwks, `${at}.jwks`, reading) };
  }
  if (jwksUri !== undefined) {
    checkAddress(jwksUri, `${at}.jwksUri`, reading);
    return { kind: 'uri', uri: jwksUri };
  }
  if (issuer !== '' && !isWebAddress(issuer)) {
    const message = `the issuer ${quote(issuer)} is no address at which its keys could be found`;
    reading.error('WEIR1005', at, message, 'add jwksUri or jwks');
  }
  return { kind: 'issuer', issuer };
}

function checkAddress(text: string, path: string, reading: Reading): void {
  if (isWebAddress(text)) return;
  const message = `${quote(text)} is no address of the form https://HOST/PATH`;
  reading.error('WEIR1506', path, message, 'write an http or https address without user, password or fragment');
}

function isWebAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hash } = new URL(text);
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '' && hash === '';
}

/** Members of keys that are secret: in a policy everybody who reads policies has them (reliability S8). */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** @returns the public keys as proxies get them */
function decodeKeySet(text: string, path: string, reading: Reading): string {
  const written = keysIn(text);
  const keys = written.flatMap((key) => signatureKey(key) ?? []);
  if (keys.length === 0 || keys.length < written.length) {
    const message =
      written.length === 0 ? 'the text is no JSON Web Key Set' : 'a key of the set is no public key for signatures';
    reading.error('WEIR1507', path, message, 'write {"keys": [...]} with the public keys of the issuer (RSA, EC, OKP)');
  }
  if (written.some((key) => secretMembers.some((name) => Object.hasOwn(key, name)))) {
    const message = 'the key set holds a secret key, which everybody who can read the object now has';
    reading.error('WEIR1507', path, message, 'replace the key at the issuer, and write the public part only');
  }
  return `{"keys":[${keys.join(',')}]}`;
}

function keysIn(text: string): readonly object[] {
  try {
    const set: unknown = JSON.parse(text);
    const keys: unknown = typeof set === 'object' && set !== null && 'keys' in set ? set.keys : undefined;
    return Array.isArray(keys) ? keys.filter((key): key is object => typeof key === 'object' && key !== null) : [];
  } catch {
    return [];
  }
}

/** Without any place of its own a rule looks where tokens usually are (policy J3). */
const usualPlaces: TokenPlaces = {
  headers: [{ name: 'authorization', prefix: 'Bearer ' }],
  parameters: ['access_token'],
  cookies: [],
};

function decodePlaces(spec: TokenRuleSpec, at: string, reading: Reading): TokenPlaces {
  const headers = itemsOf(spec.fromHeaders, `${at}.fromHeaders`).flatMap(({ item, at: path }) => {
    const name = decodeHeader(item.name ?? '', `${path}.name`, reading);
    return name === undefined ? [] : [{ name, prefix: item.prefix ?? '' }];
  });
  const parameters = texts(spec.fromParams, `${at}.fromParams`, reading);
  const cookies = texts(spec.fromCookies, `${at}.fromCookies`, reading);
  const isUsual = headers.length + parameters.length + cookies.length === 0;
  return isUsual ? usualPlaces : { headers, parameters, cookies };
}

function decodeClaimHeaders(spec: TokenRuleSpec, at: string, reading: Reading): TokenRule['claimHeaders'] {
  return itemsOf(spec.outputClaimToHeaders, `${at}.outputClaimToHeaders`).flatMap(({ item, at: path }) => {
    const header = decodeHeader(item.header ?? '', `${path}.header`, reading);
    if (item.claim !== undefined && item.claim !== '')
      return header === undefined ? [] : [{ header, claim: item.claim }];
    reading.error('WEIR1005', `${path}.claim`, 'the claim is missing', 'name the claim that the header gets');
    return [];
  });
}

/** @returns in lower case; undefined: none is asked for, or it was refused */
function decodeHeader(name: string | undefined, path: string, reading: Reading): string | undefined {
  if (name === undefined) return undefined;
  return checkHeaderName(name, path, reading) ? name.toLowerCase() : undefined;
}

/** Values without empty ones. */
function texts(list: readonly (string | undefined)[] | undefined, path: string, reading: Reading): readonly string[] {
  return itemsOf(list, path).flatMap(({ item, at }) => {
    if (item !== '') return [item];
    reading.error('WEIR1005', at, 'the value is empty', 'write a value, or remove it');
    return [];
  });
}
