import { expect, it } from 'vitest';
import { aResource } from '../../test/support/tiny-mesh.ts';
import { mentionsAny } from './mentions.ts';
import { encode } from './proto.ts';

function routesTo(...clusters: readonly string[]) {
  return aResource(
    'routes',
    '80',
    encode('envoy.config.route.v3.RouteConfiguration', {
      name: '80',
      virtualHosts: clusters.map((cluster) => ({
        name: `host of ${cluster.length}`,
        domains: ['*'],
        routes: [
          {
            match: { prefix: '/' },
            route: { weightedClusters: { clusters: [{ name: cluster, weight: { value: 1 } }] } },
          },
        ],
      })),
    }),
  );
}

it('finds the clusters that a route configuration names', () => {
  const routes = routesTo('outbound|80||a.shop', 'outbound|80|v1|ü.shop');
  expect(mentionsAny(routes, ['outbound|80||b.shop', 'outbound|80||a.shop'])).toBe(true);
  expect(mentionsAny(routes, ['outbound|80|v1|ü.shop'])).toBe(true);
  expect(mentionsAny(routes, ['outbound|80||b.shop', 'outbound|81||a.shop'])).toBe(false);
  expect(mentionsAny(routes, ['outbound|80||b.shop', 'outbound|81||a.shop'])).toBe(false);
  expect(mentionsAny(routes, [])).toBe(false);
});

it('supposes the worst where there is too much to look through', () => {
  const large = aResource('routes', '80', 'x'.repeat(1024 * 1024));
  const names = Array.from({ length: 33 }, (_, index) => `cluster-${index}`);
  expect([mentionsAny(large, names), mentionsAny(large, names.slice(0, 32))]).toEqual([true, false]);
});
