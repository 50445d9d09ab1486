import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { expect, it } from 'vitest';
import { signatureKey } from './token-keys.ts';

const rsa = (modulusLength: number) =>
  generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' });
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' });

it.each<[string, () => JsonWebKey]>([
  ['RSA', () => rsa(2048)],
  ['P-256', () => ec('P-256')],
  ['P-384', () => ec('P-384')],
  ['P-521', () => ec('P-521')],
  ['Ed25519', () => generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })],
])('takes a key of %s', (_, make) => {
  const key = { ...make(), kid: 'a' };
  expect(JSON.parse(signatureKey(key) ?? '')).toEqual(key);
});

it.each<[string, () => object]>([
  ['of another curve', () => ec('secp256k1')],
  ['beside its curve', () => ({ ...ec('P-256'), x: 'AAAA' })],
  ['of half a point', () => ({ ...ec('P-256'), y: undefined })],
  ['too short to be safe', () => rsa(512)],
  ['for encryption', () => ({ ...ec('P-256'), use: 'enc' })],
  ['that everybody would share', () => ({ kty: 'oct', k: 'AAAA' })],
])('takes no key %s', (_, make) => {
  expect(signatureKey(make())).toBeUndefined();
});
