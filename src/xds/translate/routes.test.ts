import { describe, expect, it } from 'vitest';
import { aDestination, aForward, aMatch, aRule, someRetries } from '../../../test/support/routing-builders.ts';
import type { HttpRule } from '../../model/routing.ts';
import { toJson } from '../json.ts';
import { translateRules } from './routes.ts';

function routesOf(rules: readonly Partial<HttpRule>[]): readonly unknown[] {
  const around = { dialect: 'istio' as const, port: 80, hashPolicyOf: () => [], mayCarryGrpc: () => false };
  const whole = rules.map((rule) => aRule({ retries: someRetries({ attempts: 0 }), ...rule }));
  return translateRules(whole, around).map((route) => toJson('envoy.config.route.v3.Route', route));
}

const a = aMatch({ name: 'a', path: { kind: 'prefix', value: '/a' } });
const b = aMatch({ path: { kind: 'exact', value: '/b' }, statPrefix: 'b' });

describe('routes', () => {
  it('are one per rule and match block, in order (policy/P101, policy/H16)', () => {
    const routes = routesOf([{ name: 'first', matches: [a, b] }, { name: '' }]);
    expect(routes).toMatchObject([
      { name: 'first.a', match: { prefix: '/a' } },
      { name: 'first', match: { path: '/b' }, statPrefix: 'b' },
      { match: { prefix: '/' } },
    ]);
    expect(routes[2]).not.toHaveProperty('name');
  });

  it('say which object they come from (istio-compat/I139)', () => {
    const config = '/apis/networking.istio.io/v1/namespaces/shop/virtual-service/reviews';
    expect(routesOf([{}])).toMatchObject([{ metadata: { filterMetadata: { istio: { config } } } }]);
  });

  it('are named after where they go, or after their object where that is several', () => {
    const split = aForward({ destinations: [aDestination('reviews:80/v1'), aDestination('reviews:80/v2')] });
    const regex = aMatch({ path: { kind: 'regex', value: '/r.*' } });
    expect(routesOf([{ matches: [a, b, regex] }, { matches: [a], action: split }])).toMatchObject([
      { decorator: { operation: 'reviews:80/a*' } },
      { decorator: { operation: 'reviews:80/b' } },
      { decorator: { operation: 'reviews:80/r.*' } },
      { decorator: { operation: 'reviews:80/a*' } },
    ]);
  });

  it('carry faults and cross-origin rules for their filters (policy/A15, policy/A18)', () => {
    const routes = routesOf([
      {
        fault: {
          delay: { fixedMs: 5000, percentage: 0.1 },
          abort: { kind: 'http', status: 503, percentage: 100 },
        },
        cors: {
          allowOrigins: [{ kind: 'exact', value: 'https://shop.example.com' }],
          allowMethods: ['GET', 'PUT'],
          allowHeaders: [],
          exposeHeaders: ['x-a'],
          maxAgeMs: 86_400_000,
          allowCredentials: true,
          forwardUnmatchedPreflights: false,
        },
      },
      { fault: { delay: undefined, abort: { kind: 'grpc', status: 14, percentage: 50 } } },
    ]);
    expect(routes).toMatchObject([
      {
        typedPerFilterConfig: {
          'envoy.filters.http.fault': {
            delay: { fixedDelay: '5s', percentage: { numerator: 1000, denominator: 'MILLION' } },
            abort: { httpStatus: 503, percentage: { numerator: 1_000_000, denominator: 'MILLION' } },
          },
          'envoy.filters.http.cors': {
            allowOriginStringMatch: [{ exact: 'https://shop.example.com' }],
            allowMethods: 'GET,PUT',
            exposeHeaders: 'x-a',
            maxAge: '86400',
            allowCredentials: true,
            filterEnabled: { defaultValue: { numerator: 1_000_000, denominator: 'MILLION' } },
            forwardNotMatchingPreflights: false,
          },
        },
      },
      { typedPerFilterConfig: { 'envoy.filters.http.fault': { abort: { grpcStatus: 14 } } } },
    ]);
  });
});
