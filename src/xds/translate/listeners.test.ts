import { messageOf } from '../fragment.ts';
import { describe, expect, it } from 'vitest';
import {
  aDestinationRule,
  aMesh,
  aMeshConfig,
  aProxy,
  aService,
  aServiceKey,
  aServiceEntry,
  aShard,
  aVirtualService,
  hostOf,
  put,
  remove,
  type ARow,
} from '../../../test/support/mesh-rows.ts';
import type { Engine } from '../../incremental/engine.ts';
import { proxyKey } from '../../model/keys.ts';
import type { Service } from '../../model/service.ts';
import { services } from '../../model/tables.ts';
import { scopesOf } from '../../policy/scope.ts';
import type * as envoy from '../envoy.ts';
import { decode } from '../proto.ts';
import { resource, resourceKey, resourceNames, resourceNamesKey } from '../resources.ts';

/** What one change does to the listeners of a proxy, and what it leaves alone. */

/** Name -> version of the listeners that the proxy has. */
function versionsOf(engine: Engine): ReadonlyMap<string, string | undefined> {
  const { listener: scopes } = engine.read(scopesOf, proxyKey('web'));
  const versions = scopes.flatMap((scope) =>
    engine
      .read(resourceNames, resourceNamesKey('listener', scope))
      .map((name) => [name, engine.read(resource, resourceKey('listener', scope, name))?.version] as const),
  );
  return new Map(versions);
}

function listenerNames(engine: Engine): readonly string[] {
  return [...versionsOf(engine).keys()];
}

function listener(engine: Engine, name: string): envoy.Listener | undefined {
  const { listener: scopes } = engine.read(scopesOf, proxyKey('web'));
  const found = scopes.map((scope) => engine.read(resource, resourceKey('listener', scope, name)));
  const [value] = found.flatMap((each) => (each === undefined ? [] : [messageOf(each)]));
  return value && decode('envoy.config.listener.v3.Listener', value);
}

/** Names of the listeners that the change alters, adds (`+`) or removes (`-`). */
function changedBy(engine: Engine, change: () => void): readonly string[] {
  const before = versionsOf(engine);
  change();
  const after = versionsOf(engine);
  const names = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  return names.flatMap((name) => {
    if (!before.has(name)) return [`+${name}`];
    if (!after.has(name)) return [`-${name}`];
    return before.get(name) === after.get(name) ? [] : [name];
  });
}

function aTcpEntry(name: string, address: string, createdAt = 0): ARow {
  const ports = [{ name: 'tcp', number: 9000, protocol: 'TCP' }];
  const spec = { hosts: [`${name}.example.com`], addresses: [address], ports, resolution: 'DNS' };
  return aServiceEntry(name, spec, { createdAt });
}

/** Of Kubernetes, with one TCP port. */
function aHeadlessService(name: string): Service {
  return {
    key: aServiceKey(name),
    hostname: hostOf(name),
    namespace: 'shop',
    name,
    registry: 'kubernetes',
    ports: [{ name: 'tcp', number: 5432, protocol: 'tcp', targetPort: 5432 }],
    addresses: [],
    headless: true,
    resolution: 'endpoints',
    meshExternal: false,
    exportTo: undefined,
    labels: {},
    selector: undefined,
    publishNotReady: false,
    createdAt: 0,
    declaredBy: { kind: 'Service', namespace: 'shop', name, origin: { source: 'files' } },
  };
}

const redirected = aProxy('web', { labels: { app: 'web' } });
const bound = aProxy('web', {
  labels: { app: 'web' },
  interception: 'none',
  httpProxyPort: 15080,
  boundAddresses: '127.1.0.0/16',
  addresses: ['127.2.0.1'],
});

describe('one change', () => {
  it('adds a listener for the first HTTP service of a port, and none for the next (istio-compat/I196)', () => {
    const engine = aMesh(redirected);
    expect(changedBy(engine, () => put(engine, aService('cart')))).toEqual(['+0.0.0.0_80']);
    expect(changedBy(engine, () => put(engine, aService('stock')))).toEqual([]);
    expect(changedBy(engine, () => remove(engine, aService('cart')))).toEqual([]);
    expect(changedBy(engine, () => remove(engine, aService('stock')))).toEqual(['-0.0.0.0_80']);
  });

  it('of HTTP routes alters no listener (istio-compat/I200)', () => {
    const engine = aMesh(redirected, aService('cart'));
    const routing = { hosts: ['cart'], http: [{ route: [{ destination: { host: 'cart' } }] }] };
    expect(changedBy(engine, () => put(engine, aVirtualService('cart', routing)))).toEqual([]);
  });

  it('of how connections are treated alters the listener of that address alone (istio-compat/I202)', () => {
    const engine = aMesh(redirected, aService('cart'), aTcpEntry('db', '10.0.0.1'), aTcpEntry('queue', '10.0.0.2'));
    const rule = { host: 'db.example.com', trafficPolicy: { connectionPool: { tcp: { idleTimeout: '60s' } } } };
    expect(changedBy(engine, () => put(engine, aDestinationRule('db', rule)))).toEqual(['10.0.0.1_9000']);
    const limits = { host: 'queue.example.com', trafficPolicy: { connectionPool: { tcp: { maxConnections: 1 } } } };
    expect(changedBy(engine, () => put(engine, aDestinationRule('queue', limits)))).toEqual([]);
  });

  it('of the services behind a workload alters what it accepts, and nothing of what it calls (istio-compat/I196)', () => {
    const engine = aMesh(redirected, aService('cart'));
    const own = aService('own', { selector: { app: 'web' }, ports: ['http:80>8080'] });
    expect(changedBy(engine, () => put(engine, own))).toEqual(['virtualInbound']);
  });

  it('of the members of a headless service alters only their own listeners (istio-compat/I194, policy/P314)', () => {
    const members = (...addresses: readonly string[]): ARow => aShard('db', addresses, { ports: { tcp: 5432 } });
    const engine = aMesh(redirected, aService('cart'), members('10.1.0.1', '10.1.0.2'));
    engine.batch({ source: 'test', at: 0 }, (write) => write.put(services, aHeadlessService('db')));
    expect(listenerNames(engine)).toContain('10.1.0.1_5432');
    expect(changedBy(engine, () => put(engine, members('10.1.0.2', '10.1.0.3')))).toEqual([
      '-10.1.0.1_5432',
      '+10.1.0.3_5432',
    ]);
  });

  it('of endpoints alters no listener (istio-compat/I190)', () => {
    const engine = aMesh(redirected, aService('cart'), aShard('cart', ['10.1.0.1']));
    expect(changedBy(engine, () => put(engine, aShard('cart', ['10.1.0.1', '10.1.0.2'])))).toEqual([]);
  });
});

describe('connections that several services claim (policy/P315)', () => {
  const clusterOf = (engine: Engine) => {
    const chain = listener(engine, '10.0.0.1_9000')?.filterChains?.[0]?.filters?.[0]?.typedConfig?.value;
    return chain && decode('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', chain).cluster;
  };

  it('go to the oldest, in whatever order they appear', () => {
    const engine = aMesh(redirected, aTcpEntry('young', '10.0.0.1', 2));
    put(engine, aTcpEntry('old', '10.0.0.1', 1));
    expect(clusterOf(engine)).toBe('outbound|9000||old.example.com');
    remove(engine, aTcpEntry('old', '10.0.0.1', 1));
    expect(clusterOf(engine)).toBe('outbound|9000||young.example.com');
  });
});

describe('the ports that the proxy itself listens on', () => {
  it('are left out under interception, where they are set in the mesh', () => {
    const services = [aService('a', { ports: ['http:15001'] }), aService('b', { ports: ['http:15106'] })];
    const engine = aMesh(redirected, ...services);
    expect(listenerNames(engine)).toEqual(['0.0.0.0_15106', 'virtualOutbound', 'virtualInbound']);
    put(engine, aMeshConfig({ proxyListenPort: 15101, proxyInboundListenPort: 15106 }));
    expect(listenerNames(engine)).toEqual(['0.0.0.0_15001', 'virtualOutbound', 'virtualInbound']);
    expect(listener(engine, 'virtualOutbound')?.address?.socketAddress?.portValue).toBe(15101);
  });

  it('are left out without interception', () => {
    const ports = [{ name: 'http', number: 15080, protocol: 'HTTP' }];
    const addresses = ['127.0.0.1', '127.1.0.9'];
    const spec = { hosts: ['a.example.com'], addresses, ports, resolution: 'DNS' };
    const wide = aProxy('web', { interception: 'none', httpProxyPort: 15080, boundAddresses: '127.0.0.0/8' });
    expect(listenerNames(aMesh(wide, aServiceEntry('a', spec)))).toEqual(['127.0.0.1_15080', '127.1.0.9_15080']);
  });
});

describe('without interception (policy/P353, policy/P361, istio-compat/I97)', () => {
  const entry = (name: string, address: string, protocol: string) =>
    aServiceEntry(name, {
      hosts: [`${name}.example.com`],
      addresses: [address],
      ports: [{ name: 'main', number: 9000, protocol }],
      resolution: 'DNS',
    });

  it('there are listeners for the proxy port, own addresses and the addresses of its block alone', () => {
    const own = aService('own', { selector: { app: 'web' }, ports: ['http:80>8080'] });
    const engine = aMesh(bound, own, entry('in', '127.1.0.1', 'TCP'), entry('out', '127.3.0.1', 'TCP'));
    expect(listenerNames(engine)).toEqual(['127.0.0.1_15080', '127.1.0.1_9000', '127.2.0.1_8080']);
    expect(listenerNames(aMesh(aProxy('web', { interception: 'none' }), own))).toEqual([]);
  });

  it('services of one address are told apart by host name', () => {
    const engine = aMesh(bound, entry('a', '127.1.0.1', 'HTTP'), entry('b', '127.1.0.1', 'HTTP'));
    const [scope] = engine.read(scopesOf, proxyKey('web')).listener;
    const children = (name: string) => scope && engine.read(resource, resourceKey('listener', scope, name))?.children;
    expect(children('127.1.0.1_9000')).toEqual(['9000']);
    remove(engine, entry('b', '127.1.0.1', 'HTTP'));
    expect(children('127.1.0.1_9000')).toEqual(['a.example.com:9000']);
  });
});

it('a TCP service without an address takes every connection to its port (policy/E3)', () => {
  const ports = [{ name: 'tcp', number: 9000, protocol: 'TCP' }];
  const engine = aMesh(redirected, aServiceEntry('grabber', { hosts: ['a.example.com'], ports, resolution: 'NONE' }));
  const [chain] = listener(engine, '0.0.0.0_9000')?.filterChains ?? [];
  expect(chain?.filterChainMatch).toBeUndefined();
});
