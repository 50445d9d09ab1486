import { z } from 'zod';
import { AuthorityError } from './signer.ts';

/** What Weir keeps of an authority in its store. */

/** PEM of a key and of its certificate. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/**
 * How far the replacement of a root has come (istio-compat I56). Times are milliseconds since 1970; `heldAt` is when a replica last said
 * that a proxy had not confirmed the bundle.
 */
export type Rotation =
  | { readonly kind: 'steady' }
  /** Somebody wants it to begin. */
  | { readonly kind: 'requested' }
  /** The next root is in the bundle, and the one before signs. */
  | { readonly kind: 'adding'; readonly since: number; readonly heldAt?: number | undefined; readonly next: KeyPair }
  /** The new root signs, and the one before is in the bundle still. */
  | { readonly kind: 'dropping'; readonly since: number; readonly heldAt?: number | undefined };

/** In their order. */
export const rotationSteps: readonly Rotation['kind'][] = ['steady', 'requested', 'adding', 'dropping'];

/** The authority that Weir made. */
export interface OwnAuthority {
  readonly signer: KeyPair;
  /** PEM of each root that holds, the one that signs first. */
  readonly roots: readonly string[];
  readonly rotation: Rotation;
  /** Seconds of the longest life that a certificate was given: none of the root before is left when so much has passed since. */
  readonly longestLifetime: number;
}

export interface AuthorityState {
  /** undefined: the authority is plugged in. */
  readonly authority: OwnAuthority | undefined;
  /** PEM of the key that signs join tokens; undefined: there is none yet. */
  readonly tokenKey: string | undefined;
}

const keyPair = z.object({ certificate: z.string(), key: z.string() });
const since = { since: z.number(), heldAt: z.number().optional() };
const rotation = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('steady') }),
  z.object({ kind: z.literal('requested') }),
  z.object({ kind: z.literal('adding'), ...since, next: keyPair }),
  z.object({ kind: z.literal('dropping'), ...since }),
]);
const form = z.object({
  authority: z
    .object({
      signer: keyPair,
      roots: z.array(z.string()).min(1),
      rotation,
      longestLifetime: z.number().positive(),
    })
    .optional(),
  tokenKey: z.string().optional(),
});

/** @throws AuthorityError, which tells nothing of what the text holds */
export function readState(text: string): AuthorityState {
  try {
    const { authority, tokenKey } = form.parse(JSON.parse(text));
    return { authority, tokenKey };
  } catch (error) {
    const problem = error instanceof z.ZodError ? error.issues.map(({ path }) => path.join('.')).join(', ') : 'no JSON';
    throw new AuthorityError(`what Weir has written of it cannot be read (${problem}): bring back a copy`);
  }
}

export function writeState(state: AuthorityState): string {
  return `${JSON.stringify(state, null, 2)}\n`;
}
