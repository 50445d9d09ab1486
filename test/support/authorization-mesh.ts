import type { Engine } from '../../src/incremental/engine.ts';
import { proxyKey, type ScopeKey } from '../../src/model/keys.ts';
import { scopesOf } from '../../src/policy/scope.ts';
import type { Case } from './authorization-cases.ts';
import {
  aMesh,
  aMeshConfig,
  anAuthorizationPolicy,
  aPod,
  aProxy,
  aRequestAuthentication,
  aService,
  type ARow,
} from './mesh-rows.ts';

/** The mesh of a case: the service `web` on one workload, and its policies. */
export function meshOfCase({ policies, protocol }: Case, ...more: readonly ARow[]): Engine {
  return aMesh(
    aMeshConfig({ trustDomainAliases: ['old.example'] }),
    aService('web', { ports: [protocol === 'tcp' ? 'tcp:80>8080' : 'http:80>8080'], selector: { app: 'web' } }),
    aPod('web-1', { addresses: ['127.0.0.1'], labels: { app: 'web' } }),
    aProxy('web-1', { addresses: ['127.0.0.1'], interception: 'none' }),
    ...policies.map((spec, index) => anAuthorizationPolicy(`policy-${index}`, spec)),
    ...more,
  );
}

export function inboundScopeOf(engine: Engine, proxy = 'web-1'): ScopeKey {
  const scope = engine.read(scopesOf, proxyKey(proxy)).listener.at(-1);
  if (scope === undefined) throw new Error(`${proxy} has no scope`);
  return scope;
}

/** Tokens of one issuer. */
export function tokensOf(issuer: string, keys: string): ARow {
  return aRequestAuthentication('tokens', { jwtRules: [{ issuer, jwks: keys }] });
}
