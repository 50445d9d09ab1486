import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clusterName,
  inboundClusterName,
  listenerName,
  parseClusterName,
  parseRouteName,
  routeName,
  serverNameOfCluster,
  type RouteName,
} from './names.ts';

describe("policy/P11 names are Istio's", () => {
  const reviews = {
    direction: 'outbound',
    port: 80,
    subset: 'v1',
    hostname: 'reviews.shop.svc.cluster.local',
  } as const;

  it('of clusters', () => {
    expect(clusterName('outbound', 80, 'v1', reviews.hostname)).toBe('outbound|80|v1|reviews.shop.svc.cluster.local');
    expect(clusterName('outbound', 80, '', 'a.example')).toBe('outbound|80||a.example');
    expect(inboundClusterName(8080)).toBe('inbound|8080||');
  });

  it('of what a handshake says in the open', () => {
    expect(serverNameOfCluster(reviews)).toBe('outbound_.80_.v1_.reviews.shop.svc.cluster.local');
  });

  it('of route configurations and listeners', () => {
    expect(routeName({ kind: 'port', port: 80 })).toBe('80');
    expect(routeName({ kind: 'service', hostname: 'a.example', port: 443 })).toBe('a.example:443');
    expect(routeName({ kind: 'http-proxy' })).toBe('http_proxy');
    expect(listenerName('0.0.0.0', 80)).toBe('0.0.0.0_80');
  });

  it('can be taken apart again', () => {
    const port = fc.integer({ min: 1, max: 65_535 });
    const hostname = fc.oneof(fc.domain(), fc.constant('*.example.com'));
    fc.assert(
      fc.property(port, fc.stringMatching(/^[a-z0-9-]{0,9}$/), hostname, (number, subset, host) => {
        const parts = { direction: 'outbound', port: number, subset, hostname: host } as const;
        expect(parseClusterName(clusterName('outbound', number, subset, host))).toEqual(parts);
        const routes: readonly RouteName[] = [
          { kind: 'port', port: number },
          { kind: 'service', hostname: host, port: number },
        ];
        for (const route of routes) expect(parseRouteName(routeName(route))).toEqual(route);
      }),
    );
    expect(parseRouteName('http_proxy')).toEqual({ kind: 'http-proxy' });
  });

  it.each([
    'PassthroughCluster',
    'outbound|80|v1',
    'outbound|x||a',
    'outbound|80||a|b',
    'sideways|80||a',
    'outbound|0||a',
  ])('does not take %j for the name of a service', (name) => {
    expect(parseClusterName(name)).toBeUndefined();
  });

  it.each(['', 'a.example', ':80', 'a.example:0', 'a.example:65536', '065'])(
    'does not take %j for a route table',
    (name) => {
      expect(parseRouteName(name)).toBeUndefined();
    },
  );
});
