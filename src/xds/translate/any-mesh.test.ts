import { messageOf } from '../fragment.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aProxy, aMesh, aPeerAuthentication, aShard, put, type ARow } from '../../../test/support/mesh-rows.ts';
import type { Engine } from '../../incremental/engine.ts';
import type { SecretOrigin } from '../../model/identity.ts';
import { proxyKey, serviceKey } from '../../model/keys.ts';
import type { Protocol } from '../../model/protocol.ts';
import type { Proxy } from '../../model/proxy.ts';
import type { Resolution, Service } from '../../model/service.ts';
import { services } from '../../model/tables.ts';
import { scopesOf } from '../../policy/scope.ts';
import { decode } from '../proto.ts';
import { resource, resourceKey, resourceNames, resourceNamesKey } from '../resources.ts';
import type * as envoy from '../envoy.ts';

/** What must hold whatever services there are: a listener or table that Envoy refuses takes traffic from every service in it. */

const protocols: readonly Protocol[] = ['http', 'grpc', 'https', 'tls', 'tcp', 'mysql', 'udp', 'auto'];
const resolutions: readonly Resolution[] = ['endpoints', 'dns', 'none', 'external-name'];
const addresses = ['10.0.0.1', '10.0.0.2', '127.1.0.1', '10.1.0.0/16', '10.1.2.3/16', 'fd00::1', '0.0.0.0'];
const hostnames = [
  'a.shop.svc.cluster.local',
  'b.shop.svc.cluster.local',
  'a.depot.svc.cluster.local',
  'a.shop',
  '*.shop.svc.cluster.local',
  'api.example.com',
  '*.example.com',
];

const anyService: fc.Arbitrary<Service> = fc
  .record({
    hostname: fc.constantFrom(...hostnames),
    registry: fc.constantFrom('kubernetes' as const, 'service-entry' as const),
    ports: fc.uniqueArray(
      fc.record({ number: fc.constantFrom(80, 443, 9000, 15001), protocol: fc.constantFrom(...protocols) }),
      { selector: ({ number }) => number, minLength: 1 },
    ),
    addresses: fc.subarray(addresses),
    headless: fc.boolean(),
    resolution: fc.constantFrom(...resolutions),
    createdAt: fc.nat(3),
  })
  .map(({ ports, ...rest }) => {
    const namespace = rest.hostname.includes('depot') ? 'depot' : 'shop';
    const name = rest.hostname.replaceAll(/[^a-z]/g, '-');
    return {
      ...rest,
      key: serviceKey(namespace, rest.hostname),
      namespace,
      name,
      ports: ports.map(({ number, protocol }) => ({
        name: `${protocol}-${number}`,
        number,
        protocol,
        targetPort: number,
      })),
      externalName: 'elsewhere.example.com',
      meshExternal: false,
      exportTo: undefined,
      labels: {},
      selector: { app: 'web' },
      publishNotReady: false,
      declaredBy: { kind: 'Service', namespace, name, origin: { source: 'files' } },
    };
  });

const anyMesh = fc.uniqueArray(anyService, { selector: ({ key }) => key, maxLength: 6 });
const anyProxy: fc.Arbitrary<Partial<Proxy>> = fc
  .tuple(
    fc.constantFrom<Partial<Proxy>>(
      { interception: 'redirect' },
      { interception: 'none', httpProxyPort: 9000, boundAddresses: '127.0.0.0/8', addresses: ['127.2.0.1'] },
    ),
    fc.constantFrom<SecretOrigin>('stream', 'agent', 'none'),
  )
  .map(([proxy, secrets]) => ({ ...proxy, secrets }));
const anyMode = fc.constantFrom('UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT');
/** For the namespace, and for single ports of the workload. */
const anyModes: fc.Arbitrary<readonly ARow[]> = fc
  .record({ ofNamespace: anyMode, ofPorts: fc.dictionary(fc.constantFrom('80', '443', '9000', '7'), anyMode) })
  .map(({ ofNamespace, ofPorts }) => [
    aPeerAuthentication('shop', { mtls: { mode: ofNamespace } }),
    aPeerAuthentication('web', {
      selector: { matchLabels: { app: 'web' } },
      portLevelMtls: Object.fromEntries(Object.entries(ofPorts).map(([port, mode]) => [port, { mode }])),
    }),
  ]);

interface Sent {
  readonly listeners: readonly envoy.Listener[];
  readonly routes: readonly envoy.RouteConfiguration[];
}

function sentTo(engine: Engine): Sent {
  const { read } = engine;
  const scopes = read(scopesOf, proxyKey('web'));
  const resources = scopes.listener.flatMap((scope) =>
    read(resourceNames, resourceNamesKey('listener', scope)).map((name) =>
      read(resource, resourceKey('listener', scope, name)),
    ),
  );
  const tables = [...new Set(resources.flatMap((each) => each?.children ?? []))].flatMap((name) =>
    scopes.routes.map((scope) => read(resource, resourceKey('routes', scope, name))),
  );
  expect(resources).not.toContain(undefined);
  expect(tables).not.toContain(undefined);
  return {
    listeners: resources.flatMap((each) =>
      each === undefined ? [] : [decode('envoy.config.listener.v3.Listener', messageOf(each))],
    ),
    routes: tables.flatMap((each) =>
      each === undefined ? [] : [decode('envoy.config.route.v3.RouteConfiguration', messageOf(each))],
    ),
  };
}

/** Keeps everything that the proxy would be sent now up to date. */
function watchesOf(engine: Engine): readonly { stop(): void }[] {
  const types = ['cluster', 'endpoints', 'listener', 'routes'] as const;
  const scopes = engine.read(scopesOf, proxyKey('web'));
  return types.flatMap((type) =>
    scopes[type].flatMap((scope) => {
      const names = engine.read(resourceNames, resourceNamesKey(type, scope));
      return [
        engine.watch(resourceNames, resourceNamesKey(type, scope), () => undefined),
        ...names.map((name) => engine.watch(resource, resourceKey(type, scope, name), () => undefined)),
      ];
    }),
  );
}

function forAnyMesh(check: (sent: Sent) => void): void {
  fc.assert(
    fc.property(anyMesh, anyProxy, anyModes, (mesh, proxy, modes) => {
      const engine = aMesh(aProxy('web', { labels: { app: 'web' }, ...proxy }), ...modes);
      put(engine, aShard('a', ['10.2.0.1', '10.2.0.2'], { ports: {} }));
      engine.batch({ source: 'test', at: 0 }, (write) => {
        for (const service of mesh) write.put(services, service);
      });
      check(sentTo(engine));
    }),
  );
}

function repeated(values: readonly string[]): readonly string[] {
  return values.filter((value, index) => values.indexOf(value) !== index);
}

/** Every single combination of conditions that a chain names. */
function combinations({ filterChainMatch = {} }: envoy.FilterChain): readonly string[] {
  const {
    destinationPort,
    prefixRanges = [],
    serverNames = [],
    transportProtocol,
    applicationProtocols = [],
  } = filterChainMatch;
  const orAny = <Value>(values: readonly Value[]): readonly (Value | undefined)[] =>
    values.length === 0 ? [undefined] : values;
  return orAny(prefixRanges).flatMap((range) =>
    orAny(serverNames).flatMap((serverName) =>
      orAny(applicationProtocols).map((protocol) =>
        JSON.stringify([
          destinationPort,
          range && [range.prefixLen, range.addressPrefix?.split('.', 2)],
          serverName,
          transportProtocol,
          protocol,
        ]),
      ),
    ),
  );
}

describe('in any mesh', () => {
  it('hot-path/H408 what edits made is what the rows give', () => {
    fc.assert(
      fc.property(fc.array(anyMesh, { minLength: 2, maxLength: 4 }), anyProxy, (meshes, proxy) => {
        const engine = aMesh(aProxy('web', { labels: { app: 'web' }, ...proxy }));
        put(engine, aShard('a', ['10.2.0.1', '10.2.0.2'], { ports: {} }));
        const watches: { stop(): void }[] = [engine.watch(scopesOf, proxyKey('web'), () => undefined)];
        for (const mesh of meshes) {
          engine.batch({ source: 'test', at: 0 }, (write) => {
            for (const { key } of engine.rows(services)) write.remove(services, key);
            for (const service of mesh) write.put(services, service);
          });
          watches.push(...watchesOf(engine));
        }
        expect([...engine.audit(() => 0)].filter((difference) => difference !== undefined)).toEqual([]);
        for (const watch of watches) watch.stop();
      }),
    );
  });

  it('no two listeners have one name or socket', () => {
    forAnyMesh(({ listeners }) => {
      expect(repeated(listeners.map(({ name }) => name ?? ''))).toEqual([]);
      expect(repeated(listeners.map(({ address }) => JSON.stringify(address)))).toEqual([]);
    });
  });

  it('no two chains of a listener take one connection (policy/P336)', () => {
    forAnyMesh(({ listeners }) => {
      for (const { filterChains = [] } of listeners) expect(repeated(filterChains.flatMap(combinations))).toEqual([]);
    });
  });

  it('every table that a listener asks for is there, and names every domain once (policy/P114)', () => {
    forAnyMesh(({ routes }) => {
      for (const { virtualHosts = [] } of routes) {
        expect(
          repeated(virtualHosts.flatMap(({ domains = [] }) => domains.map((domain) => domain.toLowerCase()))),
        ).toEqual([]);
        expect(virtualHosts.filter(({ domains = [] }) => domains.length === 0)).toEqual([]);
      }
    });
  });
});
