import { describe, expect, test } from 'vitest';
import { indexedPair, selects } from './label-match.ts';

describe('selects', () => {
  test.each([
    [{}, {}, true],
    [{}, { app: 'web' }, true],
    [{ app: 'web' }, { app: 'web', version: 'v1' }, true],
    [{ app: 'web', version: 'v1' }, { app: 'web' }, false],
    [{ app: 'web' }, { app: 'db' }, false],
    [{ constructor: 'x' }, {}, false],
  ])('%j selects %j: %s', (selector, labels, selected) => {
    expect(selects(selector, labels)).toBe(selected);
  });
});

test('selectors are indexed by the pair that tells most apart', () => {
  expect(indexedPair({ 'app.kubernetes.io/instance': 'prod', 'app.kubernetes.io/name': 'checkout' })).toBe(
    'app.kubernetes.io/name=checkout',
  );
  expect(indexedPair({ b: '1', a: '1' })).toBe('a=1');
  expect(indexedPair({})).toBeUndefined();
});
