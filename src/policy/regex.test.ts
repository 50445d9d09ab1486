import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { longestRegex, readRegex } from './regex.ts';

describe('regular expressions', () => {
  it.each([
    ['/api/v[0-9]+/.*', 0],
    ['(GET|POST)', 1],
    ['(?i)/xxx/(?P<rest>.*)', 1],
    ['(?:a|b)+', 0],
    ['[\\w.-]{1,100}', 0],
    ['\\pL+\\P{Nd}', 0],
    ['\\Q[?=\\E', 0],
    ['\\\\pWhatever', 0],
    ['\\x{ff}', 0],
  ])('%s is accepted with %d groups', (pattern, groups) => {
    expect(readRegex(pattern)).toEqual({ kind: 'regex', groups, caution: undefined });
  });

  it.each([
    ['', 'is empty'],
    ['(?=a)b', 'look-around'],
    ['(?!a)b', 'look-around'],
    ['(?<=a)b', 'look-around'],
    ['(?<!a)b', 'look-around'],
    ['(a)\\1', 'back-reference'],
    ['*', 'is not RE2: missing argument'],
    ['[a', 'is not RE2: missing closing ]'],
    ['a{1001}', 'is not RE2: invalid repeat count'],
    ['(a{100}){100}', 'is not RE2: invalid repeat count'],
    ['a**', 'is not RE2'],
    ['\\', 'is not RE2'],
    // What Envoy's engine over bytes does not know, although other RE2 engines do.
    ['\\x{1F600}', 'uses \\x{1F600}, a code above FF'],
    ['\\p{LC}', 'uses the character class \\p{LC}'],
    ['\\p{greek}', 'uses the character class \\p{greek}'],
    ['[^\\p{Emoji}]', 'uses the character class \\p{Emoji}'],
  ])('%s is refused: it %s (policy/H3)', (pattern, reason) => {
    const read = readRegex(pattern);
    expect(read.kind === 'invalid' ? read.reason : read).toContain(reason);
  });

  it('refuses a pattern of more than 1024 characters unread (policy/H3)', () => {
    expect(readRegex('a'.repeat(longestRegex)).kind).toBe('regex');
    expect(readRegex('a'.repeat(longestRegex + 1))).toMatchObject({ reason: 'is 1025 characters long' });
    expect(readRegex('('.repeat(1_000_000))).toMatchObject({ reason: 'is 1000000 characters long' });
  });

  it('refuses a program that a proxy would not take, though its text is short (policy/H3)', () => {
    const everySecond = Array.from(
      { length: 40 },
      (_, index) => `\\x${(2 * index).toString(16).padStart(2, '0')}`,
    ).join('');
    expect(readRegex(`[${everySecond}]{100}`).kind).toBe('regex');
    expect(readRegex(`[${everySecond}]{1000}`)).toMatchObject({
      kind: 'invalid',
      reason: expect.stringContaining('instructions'),
    });
  });

  it('warns of letters that a proxy takes apart into bytes', () => {
    expect(readRegex('/straße')).toMatchObject({ kind: 'regex', caution: expect.stringContaining('byte by byte') });
  });

  it('reads anything without throwing', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 60, unit: fc.constantFrom(...'()[]{}|*+?.^$\\\\pPQEx<>:=!i0123aé日-,'.split('')) }),
        (pattern) => {
          expect(['regex', 'invalid']).toContain(readRegex(pattern).kind);
        },
      ),
    );
  });
});
