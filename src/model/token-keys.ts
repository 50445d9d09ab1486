import { createPublicKey } from 'node:crypto';

/** Members of keys that say which they are, and those that are the public key, by its kind. */
const description = ['kid', 'use', 'alg'];
const material: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
};

/** Of curves that proxies know. */
const curves: ReadonlySet<unknown> = new Set([undefined, 'P-256', 'P-384', 'P-521', 'Ed25519']);

/**
 * What of a JSON Web Key checks signatures, as JSON, with its members always in the same order. A proxy refuses a whole listener for a key set of
 * which it understands no key, so what is no key for sure is none here.
 *
 * @returns undefined: it is no public key, or not for signatures
 */
export function signatureKey(key: unknown): string | undefined {
  if (!isKey(key) || typeof key['kty'] !== 'string' || key['use'] === 'enc' || !curves.has(key['crv']))
    return undefined;
  const needed = material[key['kty']];
  if (needed === undefined || needed.some((name) => typeof key[name] !== 'string')) return undefined;
  const kept = [...description, ...needed].flatMap((name) =>
    typeof key[name] === 'string' ? [[name, key[name]] as const] : [],
  );
  const publicPart = Object.fromEntries([['kty', key['kty']], ...kept]);
  return isUsable(publicPart) ? JSON.stringify(publicPart) : undefined;
}

function isUsable(key: Readonly<Record<string, string>>): boolean {
  try {
    createPublicKey({ key: { ...key }, format: 'jwk' });
    return true;
  } catch {
    return false;
  }
}

function isKey(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
