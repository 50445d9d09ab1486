import { expect, it } from 'vitest';
import { keysAddressIn, publicKeysIn } from './public-keys.ts';

const one = { kty: 'EC', kid: 'one', crv: 'P-256', x: 'a', y: 'b' };
const two = { kty: 'RSA', kid: 'two', n: 'c', e: 'AQAB', use: 'sig' };
const setOf = (...keys: readonly unknown[]): string => JSON.stringify({ keys });

it('gives the same text for the same keys in any order', () => {
  expect(publicKeysIn(setOf(one, two))).toBe(publicKeysIn(setOf({ ...two, x5c: ['…'] }, one)));
});

it('passes on no secret, and no key that is one (reliability/S8)', () => {
  const keys = publicKeysIn(setOf({ ...one, d: 'secret' }, { kty: 'oct', k: 'secret' }, { ...two, use: 'enc' }));
  expect(JSON.parse(keys)).toEqual({ keys: [one] });
});

it.each(['', '[]', '{}', setOf(), setOf({ kty: 'oct', k: 'a' }), setOf({ kty: 'EC' }), setOf(null)])(
  'finds no key in %j',
  (text) => {
    expect(() => publicKeysIn(text)).toThrow();
  },
);

it('believes what an issuer says of itself, and of no other', () => {
  const text = JSON.stringify({ issuer: 'https://a.example', jwks_uri: 'https://a.example/keys' });
  expect(keysAddressIn(text, 'https://a.example')).toBe('https://a.example/keys');
  expect(() => keysAddressIn(text, 'https://b.example')).toThrow('another issuer');
  expect(() => keysAddressIn('{}', 'https://a.example')).toThrow('jwks_uri');
});
