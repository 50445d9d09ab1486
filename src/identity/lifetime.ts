import type { Validity } from './certificate-form.ts';

/** For how long certificates hold. */

/** Milliseconds that a certificate begins before its time, for whoever's clock is behind (reliability R30). */
export const backdating = 5 * 60_000;

/** Seconds. More is refused, so that nobody believes to have got it (istio-compat I51). */
export const longestLifetime = 90 * 86_400;

/** Milliseconds for which a root holds that Weir makes. */
export const rootLifetime = 10 * 365 * 86_400_000;

export type LifetimeReading =
  | { readonly kind: 'valid'; readonly validity: Validity }
  /** As the end of a sentence that begins with "the request". */
  | { readonly kind: 'invalid'; readonly reason: string }
  | { readonly kind: 'unavailable'; readonly reason: string };

/**
 * @param now milliseconds since 1970
 * @param seconds wanted lifetime from now on
 * @param issuer in which what signs holds: no certificate outlives it (reliability S65, R29)
 */
export function validityFor(now: number, seconds: number, issuer: Validity): LifetimeReading {
  if (!Number.isFinite(seconds) || seconds > longestLifetime) {
    return { kind: 'invalid', reason: `asks for ${seconds} s of life: ${longestLifetime} s (90 days) are the most` };
  }
  if (now >= issuer.notAfter) return unavailable('ended', issuer.notAfter, now);
  if (now < issuer.notBefore) return unavailable('begins', issuer.notBefore, now);
  return {
    kind: 'valid',
    validity: { notBefore: now - backdating, notAfter: Math.min(now + seconds * 1000, issuer.notAfter) },
  };
}

/**
 * How long a certificate that Weir made the key of is kept before it is replaced: a third of its life, so that of 24 hours 16 are left for an
 * outage (reliability R50). An Istio agent decides for itself, and takes half.
 *
 * @param left milliseconds until it ends
 * @param random from 0 to below 1: certificates that were made together are not replaced together
 * @returns milliseconds
 */
export function untilRenewal(left: number, random: number): number {
  return left * (0.3 + 0.05 * random);
}

function unavailable(verb: string, at: number, now: number): LifetimeReading {
  const reason = `the authority ${verb} at ${iso(at)}, and the clock of this machine says ${iso(now)}`;
  return { kind: 'unavailable', reason };
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
