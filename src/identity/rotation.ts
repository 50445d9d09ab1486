import type { OwnAuthority, Rotation } from './authority-state.ts';
import type { Validity } from './certificate-form.ts';

/**
 * The replacement of a root, step by step (istio-compat I56, reliability R29): the next root comes into the bundle; everybody gets to know it;
 * it signs; what the one before has signed runs out; that one goes. Each step is a state in the store, so that a restart loses
 * nothing, and any replica may take it.
 */

export interface RotationFacts {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Of the root that signs. */
  readonly root: Validity;
  /** Seconds. */
  readonly longestLifetime: number;
  /** Proxies of this replica that have not confirmed the bundle. */
  readonly unconfirmed: number;
}

export type RotationStep =
  | { readonly kind: 'none' }
  /** A new root is made and joins the bundle. */
  | { readonly kind: 'begin' }
  /** The others are told that a proxy here has not confirmed the bundle. */
  | { readonly kind: 'hold' }
  /** The new root signs. */
  | { readonly kind: 'switch' }
  /** The root before leaves the bundle. */
  | { readonly kind: 'drop' };

/** Share of a root's life that is left when its replacement begins by itself (istio-compat I51). */
const shareLeft = 0.2;
/** Milliseconds: how often a replica says that it holds, and how long that counts. The second leaves room for one that says it late. */
const holding = { repeat: 5 * 60_000, counts: 15 * 60_000 } as const;
/** Milliseconds on top of a certificate's life, for clocks that differ. */
const allowance = 10 * 60_000;

export function nextStep(rotation: Rotation, facts: RotationFacts): RotationStep {
  const { now, root } = facts;
  switch (rotation.kind) {
    case 'steady':
      return { kind: root.notAfter - now <= shareLeft * (root.notAfter - root.notBefore) ? 'begin' : 'none' };
    case 'requested':
      return { kind: 'begin' };
    case 'adding':
    case 'dropping': {
      const { heldAt = -Infinity } = rotation;
      if (facts.unconfirmed > 0) return { kind: now - heldAt >= holding.repeat ? 'hold' : 'none' };
      if (now < stepNotBefore(rotation, facts.longestLifetime)) return { kind: 'none' };
      return { kind: rotation.kind === 'adding' ? 'switch' : 'drop' };
    }
  }
}

/** When the next step may be taken at the earliest, in milliseconds since 1970. */
export function stepNotBefore(
  { since, heldAt = -Infinity }: Extract<Rotation, { readonly since: number }>,
  longestLifetime: number,
): number {
  return Math.max(since + longestLifetime * 1000 + allowance, heldAt + holding.counts);
}

/** @param next the new root, for `begin` */
export function begun(authority: OwnAuthority, next: OwnAuthority['signer'], now: number): OwnAuthority {
  return {
    ...authority,
    roots: [...authority.roots, next.certificate],
    rotation: { kind: 'adding', since: now, next },
  };
}

/** The authority after one of the steps that need nothing more. */
export function stepped(authority: OwnAuthority, step: 'hold' | 'switch' | 'drop', now: number): OwnAuthority {
  const { rotation } = authority;
  switch (step) {
    case 'hold':
      return 'since' in rotation ? { ...authority, rotation: { ...rotation, heldAt: now } } : authority;
    case 'switch': {
      if (rotation.kind !== 'adding') return authority;
      const { next } = rotation;
      const others = authority.roots.filter((root) => root !== next.certificate);
      return {
        ...authority,
        signer: next,
        roots: [next.certificate, ...others],
        rotation: { kind: 'dropping', since: now },
      };
    }
    case 'drop':
      return { ...authority, roots: [authority.signer.certificate], rotation: { kind: 'steady' } };
  }
}
