import { createHash } from 'node:crypto';
import type { Authentication, Authenticator, Caller, Credentials } from './caller.ts';

/** Knows a caller by a token that the API server of its cluster has made (istio-compat I30 to I32, reliability S50, kubernetes K93, K94). */

/** What an API server says of a token. */
export type TokenReview =
  | {
      readonly kind: 'known';
      readonly namespace: string;
      readonly serviceAccount: string;
      /** Uid of the pod that the token is bound to; undefined: to none. */
      readonly pod: string | undefined;
    }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unavailable'; readonly reason: string };

export interface KubernetesTokensOptions {
  readonly trustDomain: string;
  /** A token must be for one of these. */
  readonly audiences: readonly string[];
  /** Asks the API server of a cluster; undefined: there is no such cluster. @param clusterId as the caller wrote it; empty: the local one */
  readonly reviewer: (
    clusterId: string,
  ) => ((token: string, audiences: readonly string[]) => Promise<TokenReview>) | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Milliseconds for which a good answer is believed. */
const believed = 60_000;
/** Tokens that are remembered, reviews at once, and tokens that wait for one: beyond that callers are told to come again. */
const limits = { remembered: 20_000, atOnce: 16, waiting: 2_000 };

interface Known {
  readonly caller: Caller;
  readonly until: number;
}

export class KubernetesTokens implements Authenticator {
  readonly name = 'kubernetes-token';
  readonly #options: KubernetesTokensOptions;
  /** By the hash of the token and its cluster, the oldest first. Refusals are not kept. */
  readonly #known = new Map<string, Known>();
  /** What is being asked: several calls with one token are one question. */
  readonly #asked = new Map<string, Promise<Authentication>>();
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor(options: KubernetesTokensOptions) {
    this.#options = options;
  }

  authenticate({ token, clusterId }: Credentials): Promise<Authentication> {
    if (token === undefined) return Promise.resolve({ kind: 'absent' });
    const claims = claimsOf(token);
    const fault = this.#faultOf(claims);
    if (fault !== undefined) return Promise.resolve({ kind: 'refused', reason: fault });
    const review = this.#options.reviewer(clusterId);
    if (review === undefined) return Promise.resolve({ kind: 'refused', reason: `there is no cluster ${clusterId}` });
    const key = createHash('sha256').update(`${clusterId}\n${token}`).digest('base64');
    const known = this.#known.get(key);
    if (known !== undefined && known.until > this.#options.now()) {
      return Promise.resolve({ kind: 'caller', caller: known.caller });
    }
    let asked = this.#asked.get(key);
    if (asked === undefined) {
      asked = this.#inTurn(() => review(token, this.#options.audiences)).then(
        (found) => this.#judge(key, found, claims.expiresAt),
        (error: unknown): Authentication => ({ kind: 'unavailable', reason: String(error) }),
      );
      this.#asked.set(key, asked);
      void asked.finally(() => this.#asked.delete(key));
    }
    return asked;
  }

  /** What can be seen without asking: it keeps the API server out of it. Nothing is believed because of what a token says of itself. */
  #faultOf({ audiences, expiresAt }: Claims): string | undefined {
    if (!audiences.some((audience) => this.#options.audiences.includes(audience))) {
      return `the token is not for ${this.#options.audiences.join(' or ')}`;
    }
    return expiresAt <= this.#options.now() ? 'the token has expired' : undefined;
  }

  async #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#running >= limits.atOnce) {
      if (this.#queue.length >= limits.waiting) throw new Error('too many tokens wait for their review');
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    }
    this.#running++;
    try {
      return await work();
    } finally {
      this.#running--;
      this.#queue.shift()?.();
    }
  }

  #judge(key: string, review: TokenReview, expiresAt: number): Authentication {
    if (review.kind !== 'known') return review;
    const { namespace, serviceAccount, pod } = review;
    const identity = { trustDomain: this.#options.trustDomain, namespace, serviceAccount };
    const caller: Caller = { identity, by: 'kubernetes-token', instance: pod, expiresAt };
    this.#known.delete(key);
    this.#known.set(key, { caller, until: Math.min(this.#options.now() + believed, expiresAt) });
    if (this.#known.size > limits.remembered) for (const [oldest] of this.#known) return this.#forget(oldest, caller);
    return { kind: 'caller', caller };
  }

  #forget(key: string, caller: Caller): Authentication {
    this.#known.delete(key);
    return { kind: 'caller', caller };
  }
}

interface Claims {
  readonly audiences: readonly string[];
  /** Milliseconds since 1970; 0: it says none. */
  readonly expiresAt: number;
}

/** What a token says of itself, unverified. */
function claimsOf(token: string): Claims {
  const [, payload = '', signature] = token.split('.');
  try {
    const claims: unknown =
      signature === undefined ? undefined : JSON.parse(Buffer.from(payload, 'base64url').toString());
    if (typeof claims !== 'object' || claims === null) return { audiences: [], expiresAt: 0 };
    const { aud, exp } = claims as { readonly aud?: unknown; readonly exp?: unknown };
    const audiences = (Array.isArray(aud) ? aud : [aud]).filter((each) => typeof each === 'string');
    return { audiences, expiresAt: typeof exp === 'number' ? exp * 1000 : 0 };
  } catch {
    return { audiences: [], expiresAt: 0 };
  }
}
