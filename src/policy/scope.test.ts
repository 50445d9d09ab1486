import { describe, expect, test } from 'vitest';
import {
  aDestinationRule,
  aMesh,
  aMeshConfig,
  aNode,
  aPod,
  aProxy,
  aRouteDelivery,
  aService,
  aServiceEntry,
  aServiceKey,
  aShard,
  aVirtualService,
  aWorkloadEntry,
  hostOf,
  put,
  remove,
} from '../../test/support/mesh-rows.ts';
import type { Engine } from '../incremental/engine.ts';
import { nodeKey, proxyKey, serviceKey, workloadKey, type ScopeKey } from '../model/keys.ts';
import { clientScope, scopeFacts, scopeFactsOf, scopeOf, scopesOf, type ScopeFacts } from './scope.ts';

function scopesFor(engine: Engine, proxy: string) {
  return engine.read(scopesOf, proxyKey(proxy));
}

function factsOf<Kind extends ScopeFacts['kind']>(engine: Engine, proxy: string, kind: Kind) {
  const scopes = Object.values(scopesFor(engine, proxy)).flat();
  const scope = scopes.find((candidate) => scopeFacts(candidate).kind === kind);
  return scopeFactsOf(scope as ScopeKey, kind);
}

describe('text of scopes', () => {
  const cases: readonly ScopeFacts[] = [
    { kind: 'client', namespace: 'shop', domain: 'cluster.local', labels: {}, secrets: 'none' },
    {
      kind: 'client',
      namespace: 'shop',
      domain: 'cluster.local',
      labels: { 'a b;c': '=,%\t', version: 'v1' },
      secrets: 'none',
    },
    {
      kind: 'endpoints',
      namespace: 'shop',
      domain: 'cluster.local',
      labels: { version: 'v1' },
      secrets: 'none',
      locality: { region: 'eu', zone: '', subZone: 'rack 7' },
    },
    {
      kind: 'endpoints',
      namespace: 'shop',
      domain: 'cluster.local',
      labels: {},
      secrets: 'stream',
      locality: { region: '', zone: '', subZone: '' },
      node: nodeKey('kubernetes', 'node-a'),
    },
    {
      kind: 'outbound',
      namespace: 'shop',
      domain: 'cluster.local',
      labels: {},
      secrets: 'agent',
      interception: 'none',
      httpProxyPort: 15080,
      boundAddresses: '127.40.0.0/16',
    },
    {
      kind: 'inbound',
      namespace: 'shop',
      domain: 'cluster.local',
      labels: { app: 'web' },
      services: [aServiceKey('a'), aServiceKey('b')],
      namedPorts: { web: 8080 },
      listedPorts: { [aServiceKey('b')]: { 'tcp,x': 9, http: 1 } },
      interception: 'redirect',
      secrets: 'stream',
      bindAddresses: ['10.0.0.1', 'fd00::1'],
    },
  ];

  test.each(cases)('facts of kind $kind can be read back from it, and it holds no blank', (facts) => {
    const scope = scopeOf(facts);
    expect(scope).not.toMatch(/\s/);
    // A text that nobody has encoded here before is parsed, not remembered.
    const foreign = scope.replace('shop', 'shop2') as ScopeKey;
    expect(scopeFacts(scope)).toEqual(facts);
    expect(JSON.parse(JSON.stringify(scopeFacts(foreign)).replaceAll('shop2', 'shop'))).toEqual(
      JSON.parse(JSON.stringify(facts)),
    );
  });

  test('equal facts have equal text, whatever the order of their labels', () => {
    const common = { kind: 'client', namespace: 'shop', domain: 'cluster.local', secrets: 'none' } as const;
    expect(scopeOf({ ...common, labels: { a: '1', b: '2' } })).toBe(scopeOf({ ...common, labels: { b: '2', a: '1' } }));
  });
});

describe('scopesOf', () => {
  test('replicas share every scope, whatever their names and addresses', () => {
    const engine = aMesh(
      aService('web'),
      ...[1, 2].flatMap((number) => [
        aPod(`web-${number}`, { addresses: [`10.0.0.${number}`], labels: { app: 'web', hash: `${number}` } }),
        aProxy(`web-${number}`, { addresses: [`10.0.0.${number}`] }),
      ]),
    );
    expect(scopesFor(engine, 'web-1')).toEqual(scopesFor(engine, 'web-2'));
  });

  test('without interception the addresses to bind tell them apart, on the inbound side only', () => {
    const options = { interception: 'none', httpProxyPort: 15080 } as const;
    const engine = aMesh(
      aProxy('web-1', { ...options, addresses: ['127.0.1.1'] }),
      aProxy('web-2', { ...options, addresses: ['127.0.1.2'] }),
    );
    const [one, two] = [scopesFor(engine, 'web-1'), scopesFor(engine, 'web-2')];
    expect(one.routes).toEqual(two.routes);
    expect(one.endpoints).toEqual(two.endpoints);
    expect(one.listener[0]).toBe(two.listener[0]);
    expect(one.listener[1]).not.toBe(two.listener[1]);
  });

  test('one that takes virtual hosts one by one finds routes through its listeners, where the mesh wants that', () => {
    const taking = { takesVirtualHosts: true, addresses: ['10.0.0.1'] };
    const engine = aMesh(aProxy('new', taking), aProxy('old', { addresses: ['10.0.0.2'] }));
    const [client = ''] = scopesFor(engine, 'old').routes;
    expect(scopesFor(engine, 'new')).toMatchObject({ routes: [client], virtualHosts: [] });
    put(engine, aRouteDelivery('virtual-hosts'));
    const { cluster, listener, routes, virtualHosts } = scopesFor(engine, 'new');
    expect(cluster[0]).toBe(client);
    expect([routes, virtualHosts]).toEqual([[listener[0]], [listener[0]]]);
    expect(scopesFor(engine, 'old')).toMatchObject({ routes: [client], virtualHosts: [] });
  });

  test('a proxy that is gone has none', () => {
    expect(scopesFor(aMesh(), 'web-1')).toEqual({
      cluster: [],
      endpoints: [],
      listener: [],
      routes: [],
      virtualHosts: [],
    });
  });

  test('clientScope is the same scope from wherever it is reached', () => {
    const engine = aMesh(aProxy('web-1', { labels: { version: 'v1' } }), routeForVersion('v1'));
    const scopes = scopesFor(engine, 'web-1');
    const [client] = scopes.routes;
    expect(scopes.cluster[0]).toBe(client);
    expect([scopes.listener[0], scopes.endpoints[0], client].map((scope) => clientScope(scope!))).toEqual([
      client,
      client,
      client,
    ]);
  });
});

function routeForVersion(version: string, options: { namespace?: string; exportTo?: string[] } = {}) {
  return aVirtualService(
    'lanes',
    {
      hosts: [hostOf('web')],
      ...(options.exportTo === undefined ? {} : { exportTo: options.exportTo }),
      http: [{ match: [{ sourceLabels: { version } }], route: [{ destination: { host: 'web' } }] }],
    },
    options,
  );
}

describe('labels in scopes', () => {
  const proxies = ['v1', 'v2', 'v3'].map((version) => aProxy(version, { labels: { app: 'web', version } }));

  test('are only those by which policies in sight select clients, and scopes follow an edit', () => {
    const engine = aMesh(...proxies);
    expect(factsOf(engine, 'v1', 'client').labels).toEqual({});
    let followed = 0;
    engine.watch(scopesOf, proxyKey('v1'), () => followed++);
    engine.watch(scopesOf, proxyKey('v2'), () => followed++);
    const route = routeForVersion('v1');
    put(engine, route);
    expect(factsOf(engine, 'v1', 'client').labels).toEqual({ version: 'v1' });
    expect(followed).toBe(1);
    expect(scopesFor(engine, 'v2')).toEqual(scopesFor(engine, 'v3'));
    remove(engine, route);
    expect(factsOf(engine, 'v1', 'client').labels).toEqual({});
  });

  test('leave out what policies of others select by', () => {
    const engine = aMesh(
      ...proxies,
      routeForVersion('v1', { namespace: 'other', exportTo: ['.'] }),
      aDestinationRule(
        'lanes',
        { host: hostOf('web'), workloadSelector: { matchLabels: { version: 'v1' } } },
        { namespace: 'other' },
      ),
    );
    expect(factsOf(engine, 'v1', 'client').labels).toEqual({});
    const own = { host: hostOf('web'), workloadSelector: { matchLabels: { version: 'v1' } } };
    put(engine, aDestinationRule('lanes', own));
    expect(factsOf(engine, 'v1', 'client').labels).toEqual({ version: 'v1' });
  });

  test('policy/D7: of load assignments hold what locality settings compare as well', () => {
    const engine = aMesh(...proxies, aMeshConfig({ localityLbSetting: { failoverPriority: ['app', 'rack=7'] } }));
    expect(factsOf(engine, 'v1', 'endpoints').labels).toEqual({ app: 'web' });
    expect(factsOf(engine, 'v1', 'client').labels).toEqual({});
    const loadBalancer = { localityLbSetting: { failoverPriority: ['version'] } };
    const trafficPolicy = { loadBalancer, outlierDetection: {} };
    put(engine, aDestinationRule('near', { host: hostOf('web'), trafficPolicy }));
    expect(factsOf(engine, 'v1', 'endpoints').labels).toEqual({ app: 'web', version: 'v1' });
  });

  test("istio-compat/I94: a registry's labels count, the proxy's own only where no registry knows it", () => {
    const proxy = aProxy('web-1', { labels: { version: 'v1' }, addresses: ['10.0.0.1'] });
    const engine = aMesh(proxy, routeForVersion('v1'), routeForVersion('v2', { namespace: 'other' }));
    expect(factsOf(engine, 'web-1', 'client').labels).toEqual({ version: 'v1' });
    put(engine, aWorkloadEntry('vm', { address: '10.0.0.1', labels: { version: 'v0' } }));
    expect(factsOf(engine, 'web-1', 'client').labels).toEqual({ version: 'v1' });
    put(engine, aProxy('web-1', { labels: {}, addresses: ['10.0.0.1'] }), routeForVersion('v0'));
    expect(factsOf(engine, 'web-1', 'client').labels).toEqual({ version: 'v0' });
    put(engine, aPod('web-1', { addresses: ['10.9.9.9'], labels: { version: 'v2' } }));
    expect(factsOf(engine, 'web-1', 'client').labels).toEqual({ version: 'v2' });
  });

  test('kubernetes/K117: of pods of one name in several clusters it is the one that has its address', () => {
    const east = { key: workloadKey('east', 'shop', 'web-1'), addresses: ['10.7.7.7'], labels: { version: 'v7' } };
    const own = { key: workloadKey('own', 'shop', 'web-1'), addresses: ['10.0.0.1'], labels: { version: 'v1' } };
    const engine = aMesh(
      aProxy('web-1', { labels: {} }),
      routeForVersion('v1'),
      aPod('web-1', east),
      aPod('web-1', own),
    );
    expect(factsOf(engine, 'web-1', 'client').labels).toEqual({ version: 'v1' });
  });

  test('istio-compat/I94: a pod of another name is known by its address, in its own namespace only', () => {
    const engine = aMesh(aProxy('node-name', { labels: { version: 'v1' } }), routeForVersion('v1'));
    put(engine, aPod('x', { addresses: ['10.0.0.1'], namespace: 'other', labels: {} }));
    expect(factsOf(engine, 'node-name', 'client').labels).toEqual({ version: 'v1' });
    put(engine, aPod('y', { addresses: ['10.0.0.1'], labels: {} }));
    expect(factsOf(engine, 'node-name', 'client').labels).toEqual({});
  });
});

test('kubernetes/K79: the node is a fact only while there is a service whose clients stay on theirs', () => {
  const pod = aPod('web-1', { addresses: ['10.0.0.1'], node: nodeKey('files', 'a') });
  const engine = aMesh(pod, aProxy('web-1', { addresses: ['10.0.0.1'] }), aService('web'));
  expect(factsOf(engine, 'web-1', 'endpoints').node).toBeUndefined();
  put(engine, aService('logs', { staysOnNode: true }));
  expect(factsOf(engine, 'web-1', 'endpoints').node).toBe('files/a');
  remove(engine, aService('logs'));
  expect(factsOf(engine, 'web-1', 'endpoints').node).toBeUndefined();
});

test("istio-compat/I91: the locality is the node's of the registry, else what the proxy says", () => {
  const engine = aMesh(aProxy('web-1', { locality: { region: 'said', zone: '', subZone: '' } }));
  expect(factsOf(engine, 'web-1', 'endpoints').locality.region).toBe('said');
  put(engine, aPod('web-1', { node: nodeKey('files', 'n1') }), aNode('n1', { region: 'eu', zone: 'eu-1' }));
  expect(factsOf(engine, 'web-1', 'endpoints').locality).toEqual({ region: 'eu', zone: 'eu-1', subZone: '' });
});

describe('services of a workload', () => {
  const servicesOf = (engine: Engine, proxy = 'web-1') => factsOf(engine, proxy, 'inbound').services;

  test('are those of its namespace that select it', () => {
    const engine = aMesh(
      aProxy('web-1', { labels: { app: 'web', version: 'v1' } }),
      aService('web'),
      aService('canary', { selector: { app: 'web', version: 'v1' } }),
      aService('stable', { selector: { app: 'web', version: 'v0' } }),
      aService('listed', { selector: undefined }),
      aService('web', { namespace: 'other' }),
    );
    expect(servicesOf(engine)).toEqual([aServiceKey('canary'), aServiceKey('web')]);
  });

  test('are those that select what the proxy says of itself, and those that select a WorkloadEntry with its address', () => {
    const engine = aMesh(
      aProxy('web-1', { labels: { app: 'web' } }),
      aService('web'),
      aService('vm'),
      aWorkloadEntry('vm', { address: '10.0.0.1', labels: { app: 'vm' } }),
    );
    expect(servicesOf(engine)).toEqual([aServiceKey('vm'), aServiceKey('web')]);
  });

  test('are those of its namespace that list its address', () => {
    const engine = aMesh(
      aProxy('web-1'),
      aService('listed', { selector: undefined }),
      aShard('listed', ['10.0.0.1', '10.0.0.2'], { ports: { http: 9090 } }),
      aService('foreign', { namespace: 'other', selector: undefined }),
      aShard('foreign', ['10.0.0.1'], { namespace: 'other' }),
    );
    expect(servicesOf(engine)).toEqual([aServiceKey('listed')]);
    expect(factsOf(engine, 'web-1', 'inbound').listedPorts).toEqual({ [aServiceKey('listed')]: { http: 9090 } });
  });

  test('are not those that list another workload at the same address', () => {
    const named = (name: string) => [{ address: '10.0.0.1', workload: workloadKey('files', 'shop', name) }];
    const engine = aMesh(
      aProxy('web-1'),
      aService('mine', { selector: undefined }),
      aShard('mine', named('web-1')),
      aService('theirs', { selector: undefined }),
      aShard('theirs', named('agent-7')),
    );
    expect(servicesOf(engine)).toEqual([aServiceKey('mine')]);
  });

  test('are service entries that list its address, and those that select the WorkloadEntry with it', () => {
    const ports = [{ number: 80, name: 'http', protocol: 'HTTP' }];
    const spec = { ports, resolution: 'STATIC' };
    const engine = aMesh(
      aProxy('web-1'),
      aServiceEntry('listing', {
        ...spec,
        hosts: ['a.example.com'],
        endpoints: [{ address: '10.0.0.1', ports: { http: 1 } }],
      }),
      aServiceEntry('selecting', { ...spec, hosts: ['b.example.com'], workloadSelector: { labels: { app: 'b' } } }),
      aWorkloadEntry('vm', { address: '10.0.0.1', labels: { app: 'b' }, ports: { http: 2 } }),
    );
    const [a, b] = [serviceKey('shop', 'a.example.com'), serviceKey('shop', 'b.example.com')];
    expect(servicesOf(engine)).toEqual([a, b]);
    expect(factsOf(engine, 'web-1', 'inbound').listedPorts).toEqual({ [a]: { http: 1 }, [b]: { http: 2 } });
  });

  test('keep replicas in one scope when a list says what the target ports say', () => {
    const engine = aMesh(
      aService('web', { ports: ['http:80>web'] }),
      aShard('web', ['10.0.0.1', '10.0.0.2'], { ports: { http: 8080 } }),
      aPod('web-1', { labels: { app: 'web' }, namedPorts: { web: 8080, debug: 1 } }),
      aProxy('web-1'),
    );
    expect(factsOf(engine, 'web-1', 'inbound')).toMatchObject({ namedPorts: { web: 8080 }, listedPorts: {} });
  });

  test('an endpoint that comes and goes elsewhere in the list leaves the scopes alone', () => {
    const engine = aMesh(aProxy('web-1'), aService('listed', { selector: undefined }), aShard('listed', ['10.0.0.1']));
    engine.watch(scopesOf, proxyKey('web-1'), () => undefined);
    const commit = put(engine, aShard('listed', ['10.0.0.1', '10.0.0.2']));
    expect(commit.reran.has('scopesOf')).toBe(false);
  });
});
