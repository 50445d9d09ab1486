import { describe, expect, test } from 'vitest';
import { editDistance, nearestHost } from './nearest-host.ts';

const hosts = [
  'catalogue.shop.svc.cluster.local',
  'checkout.shop.svc.cluster.local',
  'ratings.reviews.svc.cluster.local',
  'api.example.com',
];

describe('nearestHost', () => {
  test.each([
    ['a typo', 'catalouge.shop.svc.cluster.local', 'catalogue.shop.svc.cluster.local'],
    ['the wrong namespace', 'ratings.shop.svc.cluster.local', 'ratings.reviews.svc.cluster.local'],
    ['name.namespace, which is not expanded', 'checkout.shop', 'checkout.shop.svc.cluster.local'],
    ['a typo outside the cluster', 'apy.example.com', 'api.example.com'],
  ])('policy/P404: %s', (_, wrong, nearest) => {
    expect(nearestHost(wrong, hosts)).toBe(nearest);
  });

  test('names nothing where nothing is near', () => {
    expect(nearestHost('payment.shop.svc.cluster.local', hosts)).toBeUndefined();
    expect(nearestHost('api.other.org', hosts)).toBeUndefined();
  });
});

describe('editDistance', () => {
  test.each([
    ['', '', 0],
    ['abc', 'abc', 0],
    ['abc', 'abd', 1],
    ['abc', 'ab', 1],
    ['abc', 'xabc', 1],
    ['abcd', 'acbd', 1],
    ['kitten', 'sitting', 3],
  ])('%s to %s: %i', (a, b, distance) => {
    expect(editDistance(a, b, 3)).toBe(distance);
  });

  test('gives up beyond the limit', () => {
    expect(editDistance('kitten', 'sitting', 2)).toBe(Infinity);
    expect(editDistance('a', 'abcdef', 3)).toBe(Infinity);
  });
});
