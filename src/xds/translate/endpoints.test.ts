import { messageOf } from '../fragment.ts';
import { describe, expect, it } from 'vitest';
import {
  aDestinationRule,
  aMesh,
  aNode,
  aPod,
  aService,
  aServiceEntry,
  aShard,
  hostOf,
  put,
  remove,
} from '../../../test/support/mesh-rows.ts';
import type { Engine } from '../../incremental/engine.ts';
import { nodeKey, workloadKey, type NodeKey, type ScopeKey } from '../../model/keys.ts';
import { unknownLocality } from '../../model/workload.ts';
import { scopeOf } from '../../policy/scope.ts';
import { decode } from '../proto.ts';
import { resource, resourceKey, resourceNames, resourceNamesKey, type Resource } from '../resources.ts';

const reviews = hostOf('reviews');
const whole = `outbound|80||${reviews}`;

function aScope(namespace = 'shop', locality = unknownLocality, node?: NodeKey): ScopeKey {
  const place = node === undefined ? { locality } : { locality, node };
  return scopeOf({ kind: 'endpoints', namespace, domain: 'cluster.local', labels: {}, secrets: 'none', ...place });
}

function assignmentIn(engine: Engine, name: string, scope = aScope()): Resource {
  const found = engine.read(resource, resourceKey('endpoints', scope, name));
  if (found === undefined) throw new Error(`no assignment ${name}`);
  return found;
}

/** Addresses by priority. */
function addressesIn(engine: Engine, name: string, scope = aScope()): readonly string[] {
  const { endpoints = [] } = decode(
    'envoy.config.endpoint.v3.ClusterLoadAssignment',
    messageOf(assignmentIn(engine, name, scope)),
  );
  return endpoints.map(({ lbEndpoints = [], priority = 0 }) => {
    const addresses = lbEndpoints.map(({ endpoint }) => endpoint?.address?.socketAddress?.address);
    return `${priority}: ${addresses.join(' ')}`;
  });
}

const versions = aDestinationRule('reviews', {
  host: 'reviews',
  subsets: [
    { name: 'v1', labels: { version: 'v1' } },
    { name: 'v2', labels: { version: 'v2' } },
  ],
});

function aVersionedPod(version: string, address: string): ReturnType<typeof aPod> {
  return aPod(`reviews-${version}`, { labels: { app: 'reviews', version }, addresses: [address] });
}

describe('the load assignment of a cluster', () => {
  it('policy/D1 holds the endpoints of the service, or of the subset', () => {
    const engine = aMesh(
      aService('reviews'),
      versions,
      aVersionedPod('v1', '10.0.0.1'),
      aVersionedPod('v2', '10.0.0.2'),
      aShard('reviews', [
        { address: '10.0.0.1', workload: workloadKey('files', 'shop', 'reviews-v1') },
        { address: '10.0.0.2', workload: workloadKey('files', 'shop', 'reviews-v2') },
      ]),
    );
    expect(addressesIn(engine, whole)).toEqual(['0: 10.0.0.1 10.0.0.2']);
    expect(addressesIn(engine, `outbound|80|v1|${reviews}`)).toEqual(['0: 10.0.0.1']);
    expect(addressesIn(engine, `outbound|80|v2|${reviews}`)).toEqual(['0: 10.0.0.2']);
  });

  it('kubernetes/K79: of a service whose clients stay on their node holds the endpoints of the node of each', () => {
    const node = (name: string) => nodeKey('files', name);
    const shard = aShard('reviews', [
      { address: '10.0.0.1', node: node('a') },
      { address: '10.0.0.2', node: node('b') },
      { address: '10.0.0.3', node: node('b'), health: 'unhealthy' },
      { address: '10.0.0.4' },
    ]);
    const engine = aMesh(aService('reviews', { staysOnNode: true }), shard);
    const on = (name: string) => addressesIn(engine, whole, aScope('shop', unknownLocality, node(name)));
    expect(on('a')).toEqual(['0: 10.0.0.1']);
    expect(on('b')).toEqual(['0: 10.0.0.2']);
    expect(on('c')).toEqual([]);
    // Who is on no node that is known could otherwise reach nobody.
    expect(addressesIn(engine, whole)).toEqual(['0: 10.0.0.1 10.0.0.2 10.0.0.4']);
    put(engine, aService('reviews'));
    expect(on('a')).toEqual(['0: 10.0.0.1 10.0.0.2 10.0.0.4']);
  });

  it('kubernetes/K79: of a long list holds the endpoints of the node, too', () => {
    const addresses = Array.from({ length: 600 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
    const shard = aShard(
      'reviews',
      addresses.map((address, index) => ({ address, node: nodeKey('files', `n${index % 300}`) })),
    );
    const engine = aMesh(aService('reviews', { staysOnNode: true }), shard);
    const scope = aScope('shop', unknownLocality, nodeKey('files', 'n7'));
    expect(addressesIn(engine, whole, scope)).toEqual(['0: 10.0.0.7 10.0.1.51']);
  });

  it('xds-protocol/X63 istio-compat/I192 is empty, not missing, while the service has no endpoint', () => {
    const shard = aShard('reviews', ['10.0.0.1']);
    const engine = aMesh(aService('reviews'), shard);
    const full = assignmentIn(engine, whole).version;
    remove(engine, shard);
    expect(decode('envoy.config.endpoint.v3.ClusterLoadAssignment', messageOf(assignmentIn(engine, whole)))).toEqual({
      clusterName: whole,
    });
    put(engine, shard);
    expect(assignmentIn(engine, whole).version).toBe(full);
  });

  it('is missing for clusters that the client does not have or whose endpoints come from elsewhere', () => {
    const entry = aServiceEntry('db', {
      hosts: ['db.example.com'],
      ports: [{ number: 5432, name: 'tcp', protocol: 'TCP' }],
      resolution: 'DNS',
    });
    const engine = aMesh(aService('reviews'), entry);
    const others = [
      'x',
      `outbound|81||${reviews}`,
      `outbound|80|v1|${reviews}`,
      'outbound|5432||db.example.com',
      'inbound|80||',
    ];
    const found = others.filter(
      (name) => engine.read(resource, resourceKey('endpoints', aScope(), name)) !== undefined,
    );
    expect(found).toEqual([]);
  });

  it('policy/E7 may hold a socket of the machine', () => {
    const entry = aServiceEntry('local', {
      hosts: ['local.example'],
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
      resolution: 'STATIC',
      endpoints: [{ address: 'unix:///run/local.sock' }],
    });
    const value = messageOf(assignmentIn(aMesh(entry), 'outbound|80||local.example'));
    const { endpoints } = decode('envoy.config.endpoint.v3.ClusterLoadAssignment', value);
    expect(endpoints?.[0]?.lbEndpoints?.[0]?.endpoint?.address).toEqual({ pipe: { path: '/run/local.sock' } });
  });

  it('is not asked for all together', () => {
    expect(aMesh(aService('reviews')).read(resourceNames, resourceNamesKey('endpoints', aScope()))).toEqual([]);
  });
});

describe('localities', () => {
  const eu = { region: 'eu', zone: 'a', subZone: '' };
  const us = { region: 'us', zone: 'a', subZone: '' };
  const rows = [
    aService('reviews'),
    aNode('eu-1', eu),
    aNode('us-1', us),
    aShard('reviews', [
      { address: '10.0.0.1', node: nodeKey('files', 'eu-1') },
      { address: '10.0.0.2', node: nodeKey('files', 'us-1') },
    ]),
  ];
  const ejecting = aDestinationRule('reviews', { host: 'reviews', trafficPolicy: { outlierDetection: {} } });

  it('policy/D6 order endpoints for each client, where failing ones are ejected', () => {
    const engine = aMesh(...rows, ejecting);
    expect(addressesIn(engine, whole, aScope('shop', eu))).toEqual(['0: 10.0.0.1', '1: 10.0.0.2']);
    expect(addressesIn(engine, whole, aScope('shop', us))).toEqual(['0: 10.0.0.2', '1: 10.0.0.1']);
  });

  it('policy/D6 do not matter without ejection, and hot-path/H208 all clients share one set of bytes', () => {
    const engine = aMesh(...rows);
    const [a, b, c] = [aScope('shop', eu), aScope('shop', us), aScope('other', us)].map((scope) =>
      assignmentIn(engine, whole, scope),
    );
    expect(addressesIn(engine, whole, aScope('shop', eu))).toEqual(['0: 10.0.0.1', '0: 10.0.0.2']);
    expect(b?.fragment).toBe(a?.fragment);
    expect(c?.fragment).toBe(a?.fragment);
  });

  it('hot-path/H208 are the same bytes for clients of one place, whatever their namespace', () => {
    const engine = aMesh(...rows, ejecting);
    const scopes = [aScope('shop', eu), aScope('other', eu), aScope('other', us)];
    // The rule of the service's namespace holds for clients of all.
    const [a, b, c] = scopes.map((scope) => assignmentIn(engine, whole, scope));
    expect(b?.fragment).toBe(a?.fragment);
    expect(c?.fragment).not.toBe(a?.fragment);
  });

  it('policy/D8 shares of traffic become weights', () => {
    const distribute = [{ from: 'eu/*', to: { 'eu/*': 80, 'us/*': 20 } }];
    const rule = aDestinationRule('reviews', {
      host: 'reviews',
      trafficPolicy: { loadBalancer: { localityLbSetting: { distribute } } },
    });
    const value = messageOf(assignmentIn(aMesh(...rows, rule), whole, aScope('shop', eu)));
    const { endpoints = [] } = decode('envoy.config.endpoint.v3.ClusterLoadAssignment', value);
    expect(endpoints.map(({ loadBalancingWeight }) => loadBalancingWeight?.value)).toEqual([80, 20]);
  });
});

it('istio-compat/I190 a change that alters no bytes of an assignment re-runs nobody who watches it', () => {
  const engine = aMesh(
    aService('reviews'),
    aShard('reviews', ['10.0.0.1']),
    aService('ratings'),
    aShard('ratings', ['10.0.0.9']),
  );
  const changed: string[] = [];
  for (const name of [whole, `outbound|80||${hostOf('ratings')}`])
    engine.watch(resource, resourceKey('endpoints', aScope(), name), () => changed.push(name));
  put(engine, aShard('reviews', ['10.0.0.1', '10.0.0.2']));
  expect(changed).toEqual([whole]);
  put(engine, aShard('reviews', ['10.0.0.1', '10.0.0.2', { address: '10.0.0.3', health: 'unhealthy' }]));
  expect(changed).toEqual([whole]);
});

describe('one list of 10,000 endpoints', () => {
  const addresses = Array.from({ length: 10_000 }, (_, index) => `10.1.${index >> 8}.${index & 255}`).toSorted();
  const endpoints = addresses.map((address) => ({ address, health: 'healthy' as const }));

  function watched(): Engine {
    const engine = aMesh(aService('reviews'), aShard('reviews', endpoints));
    engine.watch(resource, resourceKey('endpoints', aScope(), whole), () => undefined);
    return engine;
  }

  it('hot-path/H205 is encoded again for the 256 at most around the one that changes', () => {
    const engine = watched();
    const replaced = endpoints.with(5_000, { address: `${addresses[5_000]}0`, health: 'healthy' });
    expect(put(engine, aShard('reviews', replaced)).reran.get('packedChunk')).toBe(1);
    expect(addressesIn(engine, whole)).toEqual([`0: ${replaced.map(({ address }) => address).join(' ')}`]);
  });

  it('hot-path/H205 hot-path/H304 keeps its order and its chunks when endpoints come and go', () => {
    const engine = watched();
    const fewer = endpoints.toSpliced(5_000, 1);
    expect(put(engine, aShard('reviews', fewer)).reran.get('packedChunk')).toBeLessThanOrEqual(4);
    expect(addressesIn(engine, whole)).toEqual([`0: ${fewer.map(({ address }) => address).join(' ')}`]);
    expect(put(engine, aShard('reviews', endpoints)).reran.get('packedChunk')).toBeLessThanOrEqual(4);
    expect(addressesIn(engine, whole)).toEqual([`0: ${addresses.join(' ')}`]);
  });
});

it('looks at no workload and joins no endpoint where neither labels nor a missing node ask for it', () => {
  const engine = aMesh(
    aService('reviews'),
    aNode('eu-1', { region: 'eu' }),
    aPod('reviews-1', { addresses: ['10.0.0.1'] }),
    aShard('reviews', [
      { address: '10.0.0.1', node: nodeKey('files', 'eu-1'), workload: workloadKey('files', 'shop', 'reviews-1') },
    ]),
  );
  engine.watch(resource, resourceKey('endpoints', aScope(), whole), () => undefined);
  const { reran } = put(engine, aPod('reviews-1', { addresses: ['10.0.0.1'], labels: { app: 'other' } }));
  expect([...reran.keys()]).toEqual([]);
  expect([...engine.statistics().queries.keys()]).not.toContain('endpointsOfShard');
});
