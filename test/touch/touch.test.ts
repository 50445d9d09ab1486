import { describe, expect, test } from 'vitest';
import type { Engine } from '../../src/incremental/engine.ts';
import {
  aDestinationRule,
  aMesh,
  aMeshConfig,
  aProxy,
  aRouteDelivery,
  aService,
  aShard,
  aVirtualService,
  put,
  remove,
  type ARow,
} from '../support/mesh-rows.ts';
import { compositeKey, proxyKey } from '../../src/model/keys.ts';
import { proxies } from '../../src/model/tables.ts';
import { scopesOf } from '../../src/policy/scope.ts';
import { resource } from '../../src/xds/resources.ts';
import { touchedBy, watchViews } from './views.ts';

/**
 * What one change sends again. The mesh: services `cart` and `stock` in `shop`, `audit` in `office`; two replicas of a client in `shop` and
 * one client in `office`. Whatever is not named in an expectation must not be sent.
 */

const cart = 'outbound|80||cart.shop.svc.cluster.local';
const stock = 'outbound|80||stock.shop.svc.cluster.local';

const cartRoutes = (timeout: string, options: Parameters<typeof aVirtualService>[2] = {}): ARow =>
  aVirtualService(
    'cart',
    { hosts: ['cart'], http: [{ timeout, route: [{ destination: { host: 'cart' } }] }] },
    options,
  );

function theMesh(...more: readonly ARow[]): Engine {
  return aMesh(
    aService('cart'),
    aShard('cart', ['10.1.0.1', '10.1.0.2']),
    aService('stock'),
    aShard('stock', ['10.2.0.1']),
    aService('audit', { namespace: 'office' }),
    aShard('audit', ['10.3.0.1'], { namespace: 'office' }),
    cartRoutes('1s'),
    aProxy('web-1', { addresses: ['10.9.0.1'] }),
    aProxy('web-2', { addresses: ['10.9.0.2'] }),
    aProxy('clerk', { addresses: ['10.9.0.3'], namespace: 'office' }),
    ...more,
  );
}

/** Every proxy of the mesh is touched alike. */
const everybody = (...resources: readonly string[]): Record<string, readonly string[]> => ({
  'web-1': resources.toSorted(),
  'web-2': resources.toSorted(),
  clerk: resources.toSorted(),
});

describe('endpoints', () => {
  test('one endpoint more: the load assignment of its service and nothing else (istio-compat/I190)', () => {
    const mesh = theMesh();
    const touched = touchedBy(mesh, () => put(mesh, aShard('cart', ['10.1.0.1', '10.1.0.2', '10.1.0.3'])));
    expect(touched).toEqual(everybody(`endpoints ${cart}`));
  });

  test('a service that only its namespace sees touches nobody outside (istio-compat/I190)', () => {
    const mesh = theMesh(aService('cart', { exportTo: ['.'] }));
    const touched = touchedBy(mesh, () => put(mesh, aShard('cart', ['10.1.0.1'])));
    expect(touched).toEqual({ 'web-1': [`endpoints ${cart}`], 'web-2': [`endpoints ${cart}`] });
  });

  test('the last endpoint goes and comes: assignments, never a cluster (istio-compat/I192)', () => {
    const mesh = theMesh();
    expect(touchedBy(mesh, () => put(mesh, aShard('cart', [])))).toEqual(everybody(`endpoints ${cart}`));
    expect(touchedBy(mesh, () => put(mesh, aShard('cart', ['10.1.0.7'])))).toEqual(everybody(`endpoints ${cart}`));
  });

  test('a subset that does not have the endpoint keeps its assignment (istio-compat/I190)', () => {
    const rule = aDestinationRule('cart', {
      host: 'cart',
      subsets: [
        { name: 'v1', labels: { version: 'v1' } },
        { name: 'v2', labels: { version: 'v2' } },
      ],
    });
    const mesh = theMesh(rule);
    const touched = touchedBy(mesh, () => put(mesh, aShard('cart', ['10.1.0.1'])));
    expect(touched).toEqual(everybody(`endpoints ${cart}`));
  });
});

describe('routes', () => {
  test('a VirtualService: the route configurations that hold its host (istio-compat/I200)', () => {
    const mesh = theMesh(aService('admin', { ports: ['http:8081'] }));
    expect(touchedBy(mesh, () => put(mesh, cartRoutes('2s')))).toEqual(everybody('routes 80'));
  });

  test('a VirtualService for its own namespace touches no other (istio-compat/I200)', () => {
    const mesh = theMesh();
    const own = aVirtualService('stock', {
      hosts: ['stock'],
      exportTo: ['.'],
      http: [{ timeout: '1s', route: [{ destination: { host: 'stock' } }] }],
    });
    expect(touchedBy(mesh, () => put(mesh, own))).toEqual({ 'web-1': ['routes 80'], 'web-2': ['routes 80'] });
  });

  test('an edit of metadata sends nothing (istio-compat/I181)', () => {
    const mesh = theMesh();
    const edited = cartRoutes('1s', { generation: 7, labels: { team: 'cart' } });
    expect(touchedBy(mesh, () => put(mesh, edited))).toEqual({});
  });
});

describe('virtual hosts one by one', () => {
  const others = Array.from({ length: 2_000 }, (_, number) => aService(`other-${number}`));
  const cartHost = '80/cart.shop.svc.cluster.local:80';
  const oneByOne = (...more: readonly ARow[]): Engine =>
    aMesh(
      aRouteDelivery('virtual-hosts'),
      aService('cart'),
      aService('stock'),
      cartRoutes('1s'),
      aProxy('web-1', { takesVirtualHosts: true }),
      aProxy('old', { addresses: ['10.9.0.2'] }),
      ...more,
    );

  test('a VirtualService among 2,000 hosts of a port: one virtual host of less than 2 KB', () => {
    const mesh = oneByOne(...others);
    const touched = touchedBy(mesh, () => put(mesh, cartRoutes('2s')));
    expect(touched).toEqual({ 'web-1': [`virtualHosts ${cartHost}`], old: ['routes 80'] });
    const [scope = ''] = mesh.read(scopesOf, proxyKey('web-1')).virtualHosts;
    const { fragment } = mesh.read(resource, compositeKey('virtualHosts', scope, cartHost)) ?? {};
    expect(fragment?.length).toBeLessThan(2048);
  });

  test('a VirtualService among many runs as many queries as among few', () => {
    const runsAmong = (hosts: readonly ARow[]): number => {
      const mesh = oneByOne(...hosts);
      mesh.batch({ source: 'test', at: 0 }, (write) => write.remove(proxies, proxyKey('old')));
      watchViews(mesh);
      return [...put(mesh, cartRoutes('2s')).reran.values()].reduce((sum, runs) => sum + runs, 0);
    };
    expect(runsAmong(others)).toBe(runsAmong([]));
  });

  test('a service comes or goes: its virtual host, and not the route configuration', () => {
    const mesh = oneByOne();
    const bonus = '80/bonus.shop.svc.cluster.local:80';
    const cluster = 'outbound|80||bonus.shop.svc.cluster.local';
    const added = touchedBy(mesh, () => put(mesh, aService('bonus')));
    expect(added['web-1']).toEqual([`+ cluster ${cluster}`, `+ endpoints ${cluster}`, `+ virtualHosts ${bonus}`]);
    const removed = touchedBy(mesh, () => remove(mesh, aService('bonus')));
    expect(removed['web-1']).toEqual([`- cluster ${cluster}`, `- endpoints ${cluster}`, `- virtualHosts ${bonus}`]);
  });

  test('the route configuration stays when what happens to other hosts changes', () => {
    const mesh = oneByOne();
    const strict = aMeshConfig({ outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } });
    const { 'web-1': touched = [] } = touchedBy(mesh, () => put(mesh, strict));
    expect(touched.filter((name) => !name.startsWith('listener'))).toEqual(['virtualHosts 80/*']);
  });
});

describe('traffic policy', () => {
  const rule = (trafficPolicy: unknown): ARow => aDestinationRule('stock', { host: 'stock', trafficPolicy });

  test('a DestinationRule: the clusters of its host (istio-compat/I202)', () => {
    const mesh = theMesh();
    const outlier = rule({ outlierDetection: { consecutive5xxErrors: 3 } });
    expect(touchedBy(mesh, () => put(mesh, outlier))).toEqual(everybody(`cluster ${stock}`));
  });

  test('consistent hashing also lives in the routes (istio-compat/I202)', () => {
    const mesh = theMesh();
    const sticky = rule({ loadBalancer: { consistentHash: { httpHeaderName: 'user' } } });
    expect(touchedBy(mesh, () => put(mesh, sticky))).toEqual(everybody(`cluster ${stock}`, 'routes 80'));
  });
});

describe('services', () => {
  test('a service on a known port: its cluster, its assignment, the port’s routes, no listener (istio-compat/I196)', () => {
    const mesh = theMesh();
    const added = 'outbound|80||bonus.shop.svc.cluster.local';
    const touched = touchedBy(mesh, () => put(mesh, aService('bonus'), aShard('bonus', ['10.4.0.1'])));
    expect(touched).toEqual(everybody(`+ cluster ${added}`, `+ endpoints ${added}`, 'routes 80'));
  });

  test('a service on a new port brings that listener too (istio-compat/I196)', () => {
    const mesh = theMesh();
    const added = 'outbound|7777||bonus.shop.svc.cluster.local';
    const touched = touchedBy(mesh, () => put(mesh, aService('bonus', { ports: ['http:7777'] })));
    expect(touched).toEqual(
      everybody(`+ cluster ${added}`, `+ endpoints ${added}`, '+ listener 0.0.0.0_7777', '+ routes 7777'),
    );
  });

  test('a service goes: its cluster and its virtual host (istio-compat/I198)', () => {
    const mesh = theMesh();
    const touched = touchedBy(mesh, () => remove(mesh, aService('stock')));
    expect(touched).toEqual(everybody(`- cluster ${stock}`, `- endpoints ${stock}`, 'routes 80'));
  });
});

describe('the mesh', () => {
  test('a setting that listeners alone read touches listeners alone (istio-compat/I222)', () => {
    const mesh = theMesh();
    const touched = touchedBy(mesh, () => put(mesh, aMeshConfig({ accessLogFile: '/dev/stdout' })));
    const types = new Set(Object.values(touched).flatMap((names) => names.map((name) => name.split(' ')[0])));
    expect(types).toEqual(new Set(['listener']));
  });

  test('a setting that nobody’s bytes depend on sends nothing (istio-compat/I222)', () => {
    const mesh = theMesh();
    expect(touchedBy(mesh, () => put(mesh, aMeshConfig({ outboundTrafficPolicy: { mode: 'ALLOW_ANY' } })))).toEqual({});
  });
});

describe('work', () => {
  /** Runs of queries that one more endpoint costs in a mesh with so many other services. */
  function runsOfOneEndpoint(others: number): number {
    const rows = Array.from({ length: others }, (_, number) => [
      aService(`other-${number}`),
      aShard(`other-${number}`, [`10.50.0.${number}`]),
    ]).flat();
    const mesh = theMesh(...rows);
    watchViews(mesh);
    const { reran } = put(mesh, aShard('cart', ['10.1.0.1', '10.1.0.2', '10.1.0.3']));
    return [...reran.values()].reduce((sum, runs) => sum + runs, 0);
  }

  test('one endpoint costs as many runs among 200 services as among 3 (hot-path/H116)', () => {
    const few = runsOfOneEndpoint(0);
    expect(few).toBeGreaterThan(0);
    expect(runsOfOneEndpoint(200)).toBe(few);
  });
});
