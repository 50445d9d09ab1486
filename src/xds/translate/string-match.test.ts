import { describe, expect, test } from 'vitest';
import { regexMatcher } from './string-match.ts';

describe('regular expressions', () => {
  test('an ordinary one stands alone', () => {
    expect(regexMatcher('/items/[a-z]+')).toEqual({ regex: '/items/[a-z]+' });
  });

  test('one whose program is above Envoy’s default limit brings a limit along, so that no Envoy refuses it (policy/H3)', () => {
    const regex = '/items/[a-z0-9-]{1,200}';
    expect(regexMatcher(regex)).toEqual({ regex, googleRe2: { maxProgramSize: { value: 32_768 } } });
  });
});
