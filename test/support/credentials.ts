import type { Credentials } from '../../src/identity/caller.ts';
import type { TokenReview } from '../../src/identity/kubernetes-token.ts';

export function aCredential(fields: Partial<Credentials> = {}): Credentials {
  return { address: '192.0.2.1:4711', token: undefined, clusterId: '', certificate: undefined, ...fields };
}

/** A token with these claims, signed by nobody. */
export function aKubernetesToken(claims: Readonly<Record<string, unknown>> = {}): string {
  const payload = { aud: ['istio-ca'], exp: Math.floor(Date.now() / 1000) + 3600, ...claims };
  return ['{"alg":"RS256"}', JSON.stringify(payload), 'signature']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');
}

export function aReview(fields: Partial<Extract<TokenReview, { kind: 'known' }>> = {}): TokenReview {
  return { kind: 'known', namespace: 'shop', serviceAccount: 'web', pod: 'uid-1', ...fields };
}
