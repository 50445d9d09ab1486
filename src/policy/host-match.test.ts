import { describe, expect, test } from 'vitest';
import { hostCovers, wildcardAbove } from './host-match.ts';

describe('hostCovers', () => {
  test.each([
    ['a.example.com', 'a.example.com', true],
    ['a.example.com', 'b.example.com', false],
    ['*.example.com', 'a.example.com', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', '.example.com', false],
    ['*.example.com', 'badexample.com', false],
    ['*.com', '*.example.com', true],
    ['*.example.com', '*.com', false],
    ['*', 'anything', true],
    ['*', '*.example.com', true],
    ['a.example.com', '*', false],
  ])('policy/G2: %s covers %s: %s', (pattern, host, covers) => {
    expect(hostCovers(pattern, host)).toBe(covers);
  });
});

describe('wildcardAbove', () => {
  test('leads from a host through ever wider wildcards to *', () => {
    const chain: string[] = [];
    for (let host: string | undefined = 'a.b.c'; host !== undefined; host = wildcardAbove(host)) chain.push(host);
    expect(chain).toEqual(['a.b.c', '*.b.c', '*.c', '*']);
  });

  test('a name without a dot is below * alone', () => {
    expect(wildcardAbove('db')).toBe('*');
  });
});
