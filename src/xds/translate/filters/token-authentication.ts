import { keySetKey, type TokenRule } from '../../../model/authentication.ts';
import type * as envoy from '../../envoy.ts';
import { milliseconds } from '../../envoy.ts';
import { blackHoleCluster } from '../../names.ts';
import { pack } from '../../proto.ts';
import type { HttpFilter, TokenCheck } from './http-filter.ts';
import { tokenPayload } from './rbac-conditions.ts';

/** Checks tokens (JWT) that callers show (policy J1 to J6); whether one is needed RBAC says, by what it contains. */
export const tokenAuthentication: HttpFilter = {
  name: 'envoy.filters.http.jwt_authn',
  listener: (facts) =>
    facts.direction === 'inbound' && facts.security.tokens.length > 0
      ? pack('envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication', tokenFilter(facts.security.tokens))
      : undefined,
  route: () => undefined,
};

function tokenFilter(tokens: readonly TokenCheck[]): envoy.JwtAuthentication {
  const named = tokens.map((token, index) => [`origins-${index}`, provider(token)] as const);
  return {
    providers: Object.fromEntries(named),
    rules: [{ match: { prefix: '/' }, requires: requirement(named.map(([name]) => name)) }],
    bypassCorsPreflight: true,
  };
}

/** A token may be missing, but one that is there must be sound (policy J5). */
function requirement(names: readonly string[]): envoy.JwtRequirement {
  const each = names.map((providerName) => ({ providerName }));
  const orMissing = each.map((one) => ({ requiresAny: { requirements: [one, { allowMissing: {} }] } }));
  const [only] = orMissing;
  if (orMissing.length === 1 && only !== undefined) return only;
  return { requiresAny: { requirements: [...each, { requiresAll: { requirements: orMissing } }] } };
}

/** Claims that hold several words in most tokens. */
const usualLists = ['permission', 'scope'];

/**
 * Every token is refused (reliability S8). Envoy takes no empty key set, and a key that nobody should have is none to give it: so it may look for
 * keys where nothing is.
 */
const withoutKeys: Pick<envoy.JwtProvider, 'remoteJwks'> = {
  remoteJwks: {
    httpUri: { uri: 'http://no-keys.invalid/', cluster: blackHoleCluster, timeout: milliseconds(1_000) },
  },
};

function provider({ rule, keys }: TokenCheck): envoy.JwtProvider {
  const { headers, parameters, cookies } = rule.places;
  return {
    issuer: rule.issuer,
    audiences: rule.audiences,
    ...(keys === undefined ? withoutKeys : { localJwks: { inlineString: keys } }),
    forward: rule.forwardsToken,
    fromHeaders: headers.map(({ name, prefix }) => ({ name, valuePrefix: prefix })),
    fromParams: parameters,
    fromCookies: cookies,
    forwardPayloadHeader: rule.payloadHeader,
    claimToHeaders: rule.claimHeaders.map(({ header, claim }) => ({ headerName: header, claimName: claim })),
    payloadInMetadata: tokenPayload,
    normalizePayloadInMetadata: {
      spaceDelimitedClaims: [...new Set([...usualLists, ...rule.spaceDelimitedClaims])],
    },
  };
}

/** The rule with the keys that are known for it. */
export function tokenCheck(rule: TokenRule, fetched: (key: string) => string | undefined): TokenCheck {
  return { rule, keys: rule.keys.kind === 'inline' ? rule.keys.keys : fetched(keySetKey(rule.keys)) };
}
