import { parseSpiffeId } from '../model/identity.ts';
import type { Authentication, Authenticator, Credentials } from './caller.ts';

/**
 * Knows a caller by its client certificate, which TLS has verified (istio-compat I29, reliability S42, S51): of all its URIs exactly one, and
 * that one the identity.
 *
 * @param trustDomains of this mesh: its own, then its aliases; an identity of an alias is one of the first
 */
export function certificateAuthenticator(trustDomains: readonly [string, ...string[]]): Authenticator {
  return {
    name: 'certificate',
    authenticate: (credentials) => Promise.resolve(callerOf(credentials, trustDomains)),
  };
}

function callerOf({ certificate }: Credentials, trustDomains: readonly [string, ...string[]]): Authentication {
  if (certificate === undefined) return { kind: 'absent' };
  const { uris, instance, notAfter } = certificate;
  const [uri, ...others] = uris;
  if (uri === undefined) return refused('the certificate has no URI');
  if (others.length > 0) return refused(`the certificate has ${uris.length} URIs and may have one`);
  const identity = parseSpiffeId(uri);
  if (identity === undefined) {
    return refused('the URI of the certificate is not of the form spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT');
  }
  if (!trustDomains.includes(identity.trustDomain)) {
    return refused(`the certificate is of trust domain ${identity.trustDomain}, which is not of this mesh`);
  }
  const own = { ...identity, trustDomain: trustDomains[0] };
  return { kind: 'caller', caller: { identity: own, by: 'certificate', instance, expiresAt: notAfter } };
}

function refused(reason: string): Authentication {
  return { kind: 'refused', reason };
}
