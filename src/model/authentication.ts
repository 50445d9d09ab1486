import type { Provenance } from './provenance.ts';

/** Which tokens (JWT) callers may show (policy 1.8), in mesh words. A token that is shown must be sound; whether one is needed authorization says. */

/** Tokens of one issuer. */
export interface TokenRule {
  readonly issuer: string;
  /** Of which a token names one; none: any. */
  readonly audiences: readonly string[];
  readonly keys: KeyOrigin;
  readonly places: TokenPlaces;
  /** The request header in which the application gets the token's content; undefined: none. */
  readonly payloadHeader: string | undefined;
  readonly claimHeaders: readonly { readonly header: string; readonly claim: string }[];
  /** The application gets the token too. */
  readonly forwardsToken: boolean;
  /** Claims that hold several words with blanks between them. */
  readonly spaceDelimitedClaims: readonly string[];
  readonly provenance: Provenance;
}

/** Where a token is looked for. */
export interface TokenPlaces {
  /** The prefix stands before the token, a blank included. */
  readonly headers: readonly { readonly name: string; readonly prefix: string }[];
  readonly parameters: readonly string[];
  readonly cookies: readonly string[];
}

/** Where the public keys of an issuer come from. */
export type KeyOrigin =
  /** The key set itself, as JSON. */
  { readonly kind: 'inline'; readonly keys: string } | FetchedKeys;

/** `uri`: the key set is there. `issuer`: there it is said where, by OpenID Connect discovery. */
export type FetchedKeys =
  { readonly kind: 'uri'; readonly uri: string } | { readonly kind: 'issuer'; readonly issuer: string };

/** Key of a row of key sets. */
export function keySetKey(origin: FetchedKeys): string {
  return origin.kind === 'uri' ? `uri ${origin.uri}` : `issuer ${origin.issuer}`;
}

/** The public keys of an issuer, as they were fetched last. */
export interface KeySet {
  /** Of `keySetKey`. */
  readonly key: string;
  /** JSON of public keys and nothing else, the same text for the same keys. */
  readonly keys: string;
}
