import { createPrivateKey, createPublicKey, randomUUID, type KeyObject } from 'node:crypto';
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { parseSpiffeId, spiffeId } from '../model/identity.ts';
import type { AuthorityStore } from './authority-store.ts';
import type { Authentication, Authenticator, Credentials } from './caller.ts';
import type { CertificateSubject } from './certificate-authority.ts';
import { changeState } from './change-state.ts';
import type { AuthorityClock } from './clock.ts';
import { longestInstance } from './instance.ts';
import { makeKey } from './make-root.ts';

/**
 * Signed tokens by which a machine that no Kubernetes knows shows who it is: JSON Web Tokens (RFC 7519), ES256 and nothing else, good for one
 * identity and one machine in one mesh, until they end.
 */

const algorithm = 'ES256';
const issuer = 'weir';
/** Tells it from the token of a service account, which is a JSON Web Token as well. */
const type = 'weir-join+jwt';

const claims = z.object({ sub: z.string(), exp: z.number(), instance: z.string().min(1).max(longestInstance) });

export interface JoinTokenOptions {
  /** PEM. */
  readonly key: string;
  readonly subject: CertificateSubject & { readonly instance: string };
  /** Seconds. */
  readonly lifetime: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function signJoinToken({ key, subject, lifetime, now }: JoinTokenOptions): Promise<string> {
  const issued = Math.floor(now / 1000);
  return new SignJWT({ instance: subject.instance })
    .setProtectedHeader({ alg: algorithm, typ: type })
    .setIssuer(issuer)
    .setAudience(audienceOf(subject.identity.trustDomain))
    .setSubject(spiffeId(subject.identity))
    .setJti(randomUUID())
    .setIssuedAt(issued)
    .setExpirationTime(issued + lifetime)
    .sign(createPrivateKey(key));
}

/**
 * The key that signs join tokens, made where there is none.
 *
 * @returns PEM
 * @throws AuthorityError, StoreError
 */
export async function joinTokenKey(store: AuthorityStore): Promise<string> {
  const { privateKey } = await makeKey();
  const { state } = await changeState(store, async (read) =>
    read.state.tokenKey === undefined ? { ...read.state, tokenKey: privateKey } : undefined,
  );
  return state.tokenKey ?? privateKey;
}

export interface JoinTokenAuthenticatorOptions {
  readonly trustDomain: string;
  /** PEM of the key as it is known now; undefined: none is known. */
  readonly key: () => string | undefined;
  readonly clock: Pick<AuthorityClock, 'now'>;
}

/** Verifies join tokens. Other tokens are none of its business. */
export class JoinTokenAuthenticator implements Authenticator {
  readonly name = 'join-token';
  readonly #options: JoinTokenAuthenticatorOptions;
  #known: { readonly pem: string; readonly key: KeyObject } | undefined;

  constructor(options: JoinTokenAuthenticatorOptions) {
    this.#options = options;
  }

  async authenticate({ token }: Pick<Credentials, 'token'>): Promise<Authentication> {
    if (token === undefined || !isJoinToken(token)) return { kind: 'absent' };
    const key = this.#key();
    if (key === undefined) return { kind: 'unavailable', reason: 'no key of join tokens is known yet' };
    const { trustDomain, clock } = this.#options;
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [algorithm],
        typ: type,
        issuer,
        audience: audienceOf(trustDomain),
        requiredClaims: ['sub', 'exp', 'iat'],
        currentDate: new Date(clock.now()),
      });
      return callerOf(payload, trustDomain);
    } catch (error) {
      if (error instanceof errors.JWTExpired) return { kind: 'refused', reason: expiredReason(error.payload.exp ?? 0) };
      if (error instanceof errors.JOSEError) return { kind: 'refused', reason: error.message };
      throw error;
    }
  }

  #key(): KeyObject | undefined {
    const pem = this.#options.key();
    if (pem === undefined) return undefined;
    if (this.#known?.pem !== pem) this.#known = { pem, key: createPublicKey(pem) };
    return this.#known.key;
  }
}

function callerOf(payload: unknown, trustDomain: string): Authentication {
  const reading = claims.safeParse(payload);
  const identity = reading.success ? parseSpiffeId(reading.data.sub) : undefined;
  if (!reading.success || identity?.trustDomain !== trustDomain) {
    return { kind: 'refused', reason: 'the claims are not those of a join token of this mesh' };
  }
  const { exp, instance } = reading.data;
  return { kind: 'caller', caller: { identity, by: 'join-token', instance, expiresAt: exp * 1000 } };
}

/** @param exp seconds since 1970 */
function expiredReason(exp: number): string {
  return `it ended at ${new Date(exp * 1000).toISOString()}; \`weir token\` makes another`;
}

/** A token for one mesh is of no use in another, even if their keys were the same. */
function audienceOf(trustDomain: string): string {
  return `weir:${trustDomain}`;
}

function isJoinToken(token: string): boolean {
  try {
    return decodeProtectedHeader(token).typ === type;
  } catch {
    return false;
  }
}
