import { describe, expect, it } from 'vitest';
import { containsCidr, isAddress, parseCidr } from './cidr.ts';

describe('parseCidr', () => {
  it.each([
    ['10.1.2.3', 4, 32, 0x0a010203n],
    ['10.1.2.3/8', 4, 8, 0x0a000000n],
    ['0.0.0.0/0', 4, 0, 0n],
    ['fd00::/8', 6, 8, 0xfdn << 120n],
    ['::1', 6, 128, 1n],
    ['::', 6, 128, 0n],
    ['1::2:3', 6, 128, (1n << 112n) | (2n << 16n) | 3n],
    ['::ffff:10.0.0.1', 6, 128, 0xffff0a000001n],
    ['1:2:3:4:5:6:7:8', 6, 128, 0x00010002000300040005000600070008n],
  ])('reads %s', (text, family, prefixLength, network) => {
    expect(parseCidr(text)).toMatchObject({ family, prefixLength, network });
  });

  it.each(['', 'reviews', '10.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', 'fd00::/129', '/8', '10.0.0.0/8/8'])(
    'refuses %j',
    (text) => {
      expect(parseCidr(text)).toBeUndefined();
    },
  );
});

describe('containsCidr', () => {
  it.each([
    ['127.1.0.0/16', '127.1.0.7', true],
    ['127.1.0.0/16', '127.2.0.7', false],
    ['127.1.0.0/16', '127.0.0.0/8', false],
    ['0.0.0.0/0', '1.2.3.4', true],
    ['fd00::/8', 'fd12::1', true],
    ['fd00::/8', '10.0.0.1', false],
  ])('says of %s and %s: %s', (outer, inner, expected) => {
    const [a, b] = [parseCidr(outer), parseCidr(inner)];
    if (a === undefined || b === undefined) throw new Error('not a CIDR');
    expect(containsCidr(a, b)).toBe(expected);
  });
});

it('tells an address from a block, a path and a name', () => {
  expect(['10.0.0.1', '::1', '10.0.0.0/8', 'unix:///x', 'reviews'].map(isAddress)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});
