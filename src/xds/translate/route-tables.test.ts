import { messageOf } from '../fragment.ts';
import { describe, expect, it } from 'vitest';
import {
  aDestinationRule,
  aMesh,
  aProxy,
  aService,
  aServiceEntry,
  aVirtualService,
  put,
  remove,
} from '../../../test/support/mesh-rows.ts';
import { ReadFailure } from '../../incremental/commit.ts';
import type { Read } from '../../incremental/definitions.ts';
import type { Engine } from '../../incremental/engine.ts';
import { proxyKey, type ScopeKey } from '../../model/keys.ts';
import { scopesOf } from '../../policy/scope.ts';
import type * as envoy from '../envoy.ts';
import { decode, encode } from '../proto.ts';
import { resource, resourceKey } from '../resources.ts';
import { joined } from './bytes.ts';
import { translateRoutes } from './route-tables.ts';
import { hostRoutesKey, httpRoutes } from './virtual-host-routes.ts';

const table = 'envoy.config.route.v3.RouteConfiguration';

function routeScope(engine: Engine): ScopeKey {
  const [scope] = engine.read(scopesOf, proxyKey('web')).routes;
  if (scope === undefined) throw new Error('the proxy has no scope');
  return scope;
}

function bytesOf(engine: Engine, name: string): Uint8Array | undefined {
  const found = engine.read(resource, resourceKey('routes', routeScope(engine), name));
  return found && messageOf(found);
}

function tableOf(engine: Engine, name: string): envoy.RouteConfiguration {
  const bytes = bytesOf(engine, name);
  if (bytes === undefined) throw new Error(`there is no table ${name}`);
  return decode(table, bytes);
}

function virtualHost(engine: Engine, name: string, host: string): envoy.VirtualHost | undefined {
  return tableOf(engine, name).virtualHosts?.find((each) => each.name === host);
}

function routingTo(host: string, subset: string): unknown {
  return { hosts: [host], http: [{ route: [{ destination: { host, subset } }] }] };
}

const twoServices = [aProxy('web'), aService('cart'), aService('stock', { ports: ['http:80', 'tcp:5432'] })];

describe('a route table', () => {
  it('is the bytes that encoding it as a whole would give', () => {
    const engine = aMesh(...twoServices, aVirtualService('cart', routingTo('cart', 'v1')));
    for (const name of ['80', 'http_proxy', 'cart.shop.svc.cluster.local:80']) {
      expect(Buffer.from(encode(table, tableOf(engine, name)))).toEqual(Buffer.from(bytesOf(engine, name) ?? []));
    }
  });

  it('costs the routes of one host when its routing changes, and no other table (istio-compat/I200)', () => {
    const engine = aMesh(...twoServices, aVirtualService('cart', routingTo('cart', 'v1')));
    const scope = routeScope(engine);
    const changed: string[] = [];
    for (const name of ['80', 'stock.shop.svc.cluster.local:80', '8080']) {
      engine.watch(resource, resourceKey('routes', scope, name), () => changed.push(name));
    }
    const { reran } = put(engine, aVirtualService('cart', routingTo('cart', 'v2'), { generation: 2 }));
    expect(changed).toEqual(['80']);
    expect(reran.get('httpRoutes')).toBe(1);
    expect(reran.get('tablePiece')).toBe(1);
    expect(reran.get('plainHost')).toBeUndefined();
    expect(reran.get('tableDomains')).toBeUndefined();
  });

  it('says which objects made it', () => {
    const engine = aMesh(...twoServices, aVirtualService('cart', routingTo('cart', 'v1')));
    const { provenance = [] } = engine.read(resource, resourceKey('routes', routeScope(engine), '80')) ?? {};
    expect(provenance.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'Service cart',
      'networking.istio.io/VirtualService cart',
      'Service stock',
    ]);
  });

  it('is there for every port, so that no request for one goes unanswered (istio-compat/I43)', () => {
    const engine = aMesh(aProxy('web'));
    expect(tableOf(engine, '8080').virtualHosts?.map(({ name }) => name)).toEqual(['allow_any']);
  });

  it('of one service is there while the service has the port, and takes every host (policy/P118)', () => {
    const engine = aMesh(...twoServices);
    expect(tableOf(engine, 'cart.shop.svc.cluster.local:80').virtualHosts?.map(({ domains }) => domains)).toEqual([
      ['*'],
    ]);
    expect(bytesOf(engine, 'cart.shop.svc.cluster.local:81')).toBeUndefined();
    expect(bytesOf(engine, 'stock.shop.svc.cluster.local:5432')).toBeUndefined();
    expect(bytesOf(engine, 'nobody.shop.svc.cluster.local:80')).toBeUndefined();
    expect(bytesOf(engine, 'nonsense')).toBeUndefined();
  });
});

it('gives a name that a VirtualService declares to that host, and back when it goes (policy/P114)', () => {
  const engine = aMesh(...twoServices);
  const outside = aVirtualService('outside', routingTo('cart.shop', ''));
  const domains = () => virtualHost(engine, '80', 'cart.shop.svc.cluster.local:80')?.domains;
  const watch = engine.watch(resource, resourceKey('routes', routeScope(engine), '80'), () => undefined);
  expect(domains()).toContain('cart.shop');
  put(engine, outside);
  expect(domains()).not.toContain('cart.shop');
  expect(virtualHost(engine, '80', 'cart.shop:80')?.domains).toEqual(['cart.shop', 'cart.shop.']);
  remove(engine, outside);
  expect(domains()).toContain('cart.shop');
  watch.stop();
});

it('comes out the same after hosts came and went as from scratch, whatever pieces it is cut into', () => {
  const host = (number: number) => aService(`host-${number * 7919}`);
  const numbers = Array.from({ length: 400 }, (_, number) => number);
  const engine = aMesh(aProxy('web'), ...numbers.filter((number) => number % 3 > 0).map(host));
  engine.watch(resource, resourceKey('routes', routeScope(engine), '80'), () => undefined);
  for (const number of numbers.filter((each) => each % 5 === 1)) remove(engine, host(number));
  for (const number of numbers.filter((each) => each % 7 === 2)) put(engine, host(number));
  const left = numbers.filter((number) => (number % 3 > 0 && number % 5 !== 1) || number % 7 === 2);
  const fresh = aMesh(aProxy('web'), ...left.map(host));
  expect(bytesOf(engine, '80')).toEqual(bytesOf(fresh, '80'));
});

it('keeps a table when the routes of one host cannot be made: that host answers 503 (xds-protocol/X305)', () => {
  const engine = aMesh(...twoServices);
  const failing = hostRoutesKey(routeScope(engine), 80, 'cart.shop.svc.cluster.local');
  const read = ((source: typeof httpRoutes, key: string) => {
    if (source === httpRoutes && key === failing) throw new ReadFailure(source.name, key, new Error('a bug'));
    return 'compute' in source ? source.compute(read, key) : engine.read(source, key);
  }) as Read;
  const parts = translateRoutes(read, routeScope(engine), '80')?.parts ?? [];
  const hosts = decode(table, joined(parts)).virtualHosts ?? [];
  expect(hosts.map(({ name, routes }) => [name, routes?.[0]?.name])).toEqual([
    ['cart.shop.svc.cluster.local:80', 'unavailable'],
    ['stock.shop.svc.cluster.local:80', 'default'],
    ['allow_any', 'allow_any'],
  ]);
});

it('hashes by the rule of the destination, not of the host that was asked for (policy/A24)', () => {
  const hashed = { loadBalancer: { consistentHash: { httpHeaderName: 'x-user' } } };
  const engine = aMesh(
    ...twoServices,
    aDestinationRule('stock', { host: 'stock', trafficPolicy: hashed }),
    aVirtualService('cart', { hosts: ['cart'], http: [{ route: [{ destination: { host: 'stock' } }] }] }),
  );
  const hashPolicy = [{ header: { headerName: 'x-user' } }];
  expect(virtualHost(engine, '80', 'cart.shop.svc.cluster.local:80')?.routes?.[0]?.route).toMatchObject({ hashPolicy });
});

describe('calls of gRPC may bring a limit of their own (policy/A11)', () => {
  const limitOf = (engine: Engine, host: string) =>
    virtualHost(engine, '80', `${host}.shop.svc.cluster.local:80`)?.routes?.[0]?.route?.maxGrpcTimeout;
  const services = [aProxy('web'), aService('plain'), aService('rpc', { ports: ['grpc:80'] })];

  it('where the protocol of the port lets them come', () => {
    const engine = aMesh(...services);
    expect(limitOf(engine, 'plain')).toBeUndefined();
    expect(limitOf(engine, 'rpc')).toEqual({});
    put(engine, aService('rpc', { ports: ['http:80'] }));
    expect(limitOf(engine, 'rpc')).toBeUndefined();
  });

  it('where a rule makes the port speak HTTP/2', () => {
    const upgrade = { connectionPool: { http: { h2UpgradePolicy: 'UPGRADE' } } };
    const engine = aMesh(...services, aDestinationRule('plain', { host: 'plain', trafficPolicy: upgrade }));
    expect(limitOf(engine, 'plain')).toEqual({});
  });
});

describe('the table of the HTTP proxy port (policy/P351)', () => {
  const engine = aMesh(
    ...twoServices,
    aServiceEntry('api', {
      hosts: ['api.example.com'],
      ports: [{ name: 'http', number: 8080, protocol: 'HTTP' }],
      resolution: 'DNS',
    }),
    aVirtualService('stock', {
      hosts: ['stock'],
      tcp: [
        {
          route: [
            { destination: { host: 'stock', subset: 'v1' }, weight: 90 },
            { destination: { host: 'stock', subset: 'v2' }, weight: 10 },
          ],
        },
      ],
    }),
  );

  it('has bare names for port 80 alone', () => {
    expect(virtualHost(engine, 'http_proxy', 'cart.shop.svc.cluster.local:80')?.domains).toContain('cart');
    expect(virtualHost(engine, 'http_proxy', 'api.example.com:8080')?.domains).toEqual([
      'api.example.com:8080',
      'api.example.com.:8080',
    ]);
    expect(tableOf(engine, 'http_proxy').ignorePortInHostMatching).toBeUndefined();
  });

  it('opens tunnels to what does not speak HTTP, by its rules for connections', () => {
    const tunnel = virtualHost(engine, 'http_proxy', 'stock.shop.svc.cluster.local:5432')?.routes;
    expect(tunnel).toMatchObject([
      {
        match: { connectMatcher: {} },
        route: {
          weightedClusters: {
            clusters: [
              { name: 'outbound|5432|v1|stock.shop.svc.cluster.local', weight: { value: 90 } },
              { name: 'outbound|5432|v2|stock.shop.svc.cluster.local', weight: { value: 10 } },
            ],
          },
          upgradeConfigs: [{ upgradeType: 'CONNECT', connectConfig: {} }],
        },
      },
    ]);
  });

  it('answers for hosts that it does not know, since nobody dialled an address that could be passed on to', () => {
    expect(tableOf(engine, 'http_proxy').virtualHosts?.at(-1)).toMatchObject({
      name: 'block_all',
      domains: ['*'],
      routes: [{ directResponse: { status: 502 } }],
    });
  });
});
