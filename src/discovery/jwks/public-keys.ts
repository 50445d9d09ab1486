import { signatureKey } from '../../model/token-keys.ts';

/** More keys than an issuer has. */
const mostKeys = 100;

/**
 * The keys of a JSON Web Key Set by which signatures are checked, as JSON: the same text for the same keys. Secret keys, which an issuer may have
 * published by mistake, do not go on to proxies.
 *
 * @throws an Error when the text holds no such key
 */
export function publicKeysIn(text: string): string {
  const set: unknown = JSON.parse(text);
  const keys: unknown = isObject(set) ? set['keys'] : undefined;
  if (!Array.isArray(keys)) throw new Error('the answer is no JSON Web Key Set');
  const kept = keys.slice(0, mostKeys).flatMap((key: unknown) => signatureKey(key) ?? []);
  if (kept.length === 0) throw new Error('the key set holds no public key for signatures');
  return `{"keys":[${kept.toSorted().join(',')}]}`;
}

/** Where the keys of an issuer are, by what it says of itself. */
export function keysAddressIn(text: string, issuer: string): string {
  const said: unknown = JSON.parse(text);
  if (!isObject(said) || typeof said['jwks_uri'] !== 'string') throw new Error('the answer names no jwks_uri');
  if (said['issuer'] !== issuer) throw new Error('the answer is about another issuer');
  return said['jwks_uri'];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
