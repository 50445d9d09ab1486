import { expect, it } from 'vitest';
import { keysAddressIn, publicKeysIn } from './public-keys.ts';

/** Examples of RFC 7517. */
const one = {
  kty: 'EC',
  kid: 'one',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
};
const two = { kty: 'RSA', kid: 'two', n: 'AQAB'.repeat(60), e: 'AQAB', use: 'sig' };
const setOf = (...keys: readonly unknown[]): string => JSON.stringify({ keys });

it('gives the same text for the same keys in any order', () => {
  expect(publicKeysIn(setOf(one, two))).toBe(publicKeysIn(setOf({ ...two, x5c: ['…'] }, one)));
});

it('passes on no secret, and no key that is one (reliability/S8)', () => {
  const keys = publicKeysIn(setOf({ ...one, d: 'secret' }, { kty: 'oct', k: 'secret' }, { ...two, use: 'enc' }));
  expect(JSON.parse(keys)).toEqual({ keys: [one] });
});

it.each([
  '',
  '[]',
  '{}',
  setOf(),
  setOf({ kty: 'oct', k: 'a' }),
  setOf({ kty: 'EC' }),
  setOf({ ...one, x: 'AAAA' }),
  setOf({ ...one, crv: 'secp256k1' }),
  setOf(null),
])('finds no key in %j', (text) => {
  expect(() => publicKeysIn(text)).toThrow(/./);
});

it('believes what an issuer says of itself, and of no other', () => {
  const text = JSON.stringify({ issuer: 'https://a.example', jwks_uri: 'https://a.example/keys' });
  expect(keysAddressIn(text, 'https://a.example')).toBe('https://a.example/keys');
  expect(() => keysAddressIn(text, 'https://b.example')).toThrow('another issuer');
  expect(() => keysAddressIn('{}', 'https://a.example')).toThrow('jwks_uri');
});
