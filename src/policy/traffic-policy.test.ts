import { describe, expect, test } from 'vitest';
import {
  aDestinationRule,
  aMesh,
  aMeshConfig,
  aService,
  aServiceKey,
  hostOf,
  put,
  remove,
} from '../../test/support/mesh-rows.ts';
import type { Engine } from '../incremental/engine.ts';
import { compositeKey } from '../model/keys.ts';
import { scopeOf } from './scope.ts';
import { noSubset, subsetsOf, trafficPolicyOf } from './traffic-policy.ts';

interface Asked {
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly port?: number;
  readonly subset?: string;
}

function aClient({ namespace = 'shop', labels = {} }: Asked = {}) {
  return scopeOf({ kind: 'client', namespace, domain: 'cluster.local', labels, secrets: 'none' });
}

const web = aServiceKey('web');

function effective(engine: Engine, asked: Asked = {}) {
  return engine.read(trafficPolicyOf, compositeKey(aClient(asked), web, asked.port ?? 80, asked.subset ?? noSubset));
}

function limit(engine: Engine, asked: Asked = {}) {
  return effective(engine, asked).policy.connectionPool?.maxConnections;
}

function subsets(engine: Engine, asked: Asked = {}) {
  return engine.read(subsetsOf, compositeKey(aClient(asked), web)).map(({ name }) => name);
}

const limited = (maxConnections: number) => ({ connectionPool: { tcp: { maxConnections } } });

interface RuleOptions {
  readonly namespace?: string;
  readonly host?: string;
  readonly createdAt?: number;
  readonly exportTo?: readonly string[];
  readonly selector?: Readonly<Record<string, string>>;
  readonly subsets?: readonly string[];
}

/** A rule that can be told by its limit. */
function aRule(name: string, maxConnections: number | undefined, options: RuleOptions = {}) {
  const { namespace, host = hostOf('web'), createdAt, exportTo, selector } = options;
  const spec = {
    host,
    ...(maxConnections === undefined ? {} : { trafficPolicy: limited(maxConnections) }),
    ...(exportTo === undefined ? {} : { exportTo }),
    ...(selector === undefined ? {} : { workloadSelector: { matchLabels: selector } }),
    subsets: options.subsets?.map((subset) => ({ name: subset, labels: { version: subset } })) ?? [],
  };
  return aDestinationRule(name, spec, {
    ...(namespace === undefined ? {} : { namespace }),
    ...(createdAt === undefined ? {} : { createdAt }),
  });
}

const mesh = aMeshConfig({ rootNamespace: 'root' });

describe('which rule holds', () => {
  test("policy/P120: the client's namespace, then the service's, then the root, and the first wins entirely", () => {
    const engine = aMesh(mesh, aService('web'));
    expect(limit(engine, { namespace: 'client' })).toBeUndefined();
    put(engine, aRule('r', 3, { namespace: 'root', subsets: ['v3'] }));
    expect([limit(engine, { namespace: 'client' }), subsets(engine, { namespace: 'client' })]).toEqual([3, ['v3']]);
    put(engine, aRule('s', undefined, { subsets: ['v2'] }));
    expect([limit(engine, { namespace: 'client' }), subsets(engine, { namespace: 'client' })]).toEqual([
      undefined,
      ['v2'],
    ]);
    put(engine, aRule('c', 1, { namespace: 'client' }));
    expect([limit(engine, { namespace: 'client' }), subsets(engine, { namespace: 'client' })]).toEqual([1, []]);
    expect(limit(engine, { namespace: 'elsewhere' })).toBeUndefined();
    expect(subsets(engine, { namespace: 'elsewhere' })).toEqual(['v2']);
  });

  test("policy/P120: rules of a client's own namespace hold whatever their exportTo, those of others if exported", () => {
    const engine = aMesh(mesh, aService('web'), aRule('s', 1, { exportTo: ['.'] }));
    expect(limit(engine)).toBe(1);
    expect(limit(engine, { namespace: 'client' })).toBeUndefined();
    put(engine, aRule('s', 1, { exportTo: ['client'] }));
    expect(limit(engine)).toBe(1);
    expect(limit(engine, { namespace: 'client' })).toBe(1);
    expect(limit(engine, { namespace: 'third' })).toBeUndefined();
  });

  test('policy/P120: a rule of a third namespace is nobody’s business', () => {
    const engine = aMesh(mesh, aService('web'), aRule('x', 1, { namespace: 'third' }));
    expect(limit(engine)).toBeUndefined();
    expect(limit(engine, { namespace: 'client' })).toBeUndefined();
  });

  test("policy/P120: for clients in the root namespace its rules come after the service's", () => {
    const engine = aMesh(mesh, aService('web'), aRule('r', 3, { namespace: 'root', exportTo: ['.'] }));
    expect(limit(engine, { namespace: 'root' })).toBe(3);
    put(engine, aRule('s', 2));
    expect(limit(engine, { namespace: 'root' })).toBe(2);
  });

  test('policy/P120: rules that select the client come first, and are private to their namespace', () => {
    const engine = aMesh(mesh, aService('web'), aRule('all', 1), aRule('some', 2, { selector: { version: 'v1' } }));
    expect(limit(engine)).toBe(1);
    expect(limit(engine, { labels: { version: 'v1' } })).toBe(2);
    expect(limit(engine, { labels: { version: 'v1' }, namespace: 'client' })).toBe(1);
    put(engine, aRule('wide', 3, { host: '*.svc.cluster.local', selector: { version: 'v1' } }));
    remove(engine, aRule('some', 2, { selector: { version: 'v1' } }));
    expect(limit(engine, { labels: { version: 'v1' } })).toBe(3);
  });

  test('policy/G2: the most specific host counts, then the oldest', () => {
    const engine = aMesh(mesh, aService('web'), aRule('a', 1, { host: '*.local' }));
    expect(limit(engine)).toBe(1);
    put(engine, aRule('b', 2, { host: '*.shop.svc.cluster.local' }));
    expect(limit(engine)).toBe(2);
    put(engine, aRule('c', 3, { createdAt: 2 }));
    expect(limit(engine)).toBe(3);
    put(engine, aRule('d', 4, { createdAt: 1 }));
    expect(limit(engine)).toBe(4);
  });

  test('policy/P120: rules for one host count as one: subsets of both, settings of the first that has any', () => {
    const engine = aMesh(
      mesh,
      aService('web'),
      aRule('a', undefined, { createdAt: 1, subsets: ['v1', 'v2'] }),
      aRule('b', 2, { createdAt: 2, subsets: ['v2', 'v3'] }),
      aRule('c', 3, { createdAt: 3 }),
      aRule('d', 4, { createdAt: 4, subsets: ['v4'], exportTo: ['.'] }),
    );
    expect(subsets(engine)).toEqual(['v1', 'v2', 'v3']);
    expect(limit(engine)).toBe(2);
  });
});

describe('inheritance', () => {
  const ejection = { outlierDetection: { consecutive5xxErrors: 9 } };
  const rule = (spec: object) => aDestinationRule('web', { host: 'web', ...spec });

  test('policy/P121: a subset takes what it does not set itself from the rule, block by block', () => {
    const subset = { name: 'v1', labels: { version: 'v1' }, trafficPolicy: limited(2) };
    const engine = aMesh(aService('web'), rule({ trafficPolicy: { ...limited(1), ...ejection }, subsets: [subset] }));
    expect(limit(engine)).toBe(1);
    expect(limit(engine, { subset: 'v1' })).toBe(2);
    expect(effective(engine, { subset: 'v1' }).policy.outlierDetection?.consecutive5xxErrors).toBe(9);
  });

  test('policy/P121: settings of a port replace those of the rule, with the gaps going to the mesh', () => {
    const portLevelSettings = [{ port: { number: 81 }, ...limited(3) }];
    const engine = aMesh(aService('web'), rule({ trafficPolicy: { ...limited(1), ...ejection, portLevelSettings } }));
    expect(effective(engine, { port: 81 }).policy).toMatchObject({
      connectionPool: { maxConnections: 3 },
      outlierDetection: undefined,
    });
    expect(limit(engine, { port: 80 })).toBe(1);
  });

  test('policy/P602: gaps in the port settings of a subset fall neither to the subset nor to the rule', () => {
    const portLevelSettings = [{ port: { number: 81 }, ...ejection }];
    const subset = { name: 'v1', labels: { v: '1' }, trafficPolicy: { ...limited(2), portLevelSettings } };
    const engine = aMesh(aService('web'), rule({ trafficPolicy: limited(1), subsets: [subset] }));
    expect(limit(engine, { subset: 'v1', port: 81 })).toBeUndefined();
    expect(limit(engine, { subset: 'v1', port: 80 })).toBe(2);
  });

  test('a subset that nobody defines has the settings of the service', () => {
    const engine = aMesh(aService('web'), rule({ trafficPolicy: limited(1) }));
    expect(limit(engine, { subset: 'v9' })).toBe(1);
  });

  test('policy/P217: the objects behind the settings are named', () => {
    const subset = { name: 'v1', labels: { version: 'v1' } };
    const engine = aMesh(aService('web'), rule({ trafficPolicy: limited(1), subsets: [subset] }));
    const paths = effective(engine, { subset: 'v1' }).provenance.map(({ name, path }) => `${name} ${path}`);
    expect(paths).toEqual(['web spec.trafficPolicy', 'web spec.subsets[0]']);
    expect(effective(aMesh(aService('web'))).provenance).toEqual([]);
  });
});

describe('session affinity', () => {
  const algorithm = (engine: Engine) => effective(engine).policy.loadBalancer?.algorithm;
  const byAddress = { kind: 'consistent-hash', key: { kind: 'source-ip' }, table: { kind: 'ring', minimumSize: 1024 } };

  test('kubernetes/K79: a service that asks for it keeps a client at one endpoint', () => {
    const engine = aMesh(aService('web', { sessionAffinity: 'client-ip' }));
    expect(algorithm(engine)).toEqual(byAddress);
    put(engine, aService('web'));
    expect(algorithm(engine)).toBeUndefined();
  });

  test('kubernetes/K79: a rule that says how to balance counts before the service, one that does not leaves it', () => {
    const engine = aMesh(
      aService('web', { sessionAffinity: 'client-ip' }),
      aDestinationRule('web', { host: 'web', trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' } } }),
    );
    expect(algorithm(engine)).toEqual({ kind: 'round-robin' });
    put(engine, aDestinationRule('web', { host: 'web', trafficPolicy: { outlierDetection: {} } }));
    expect(algorithm(engine)).toEqual(byAddress);
  });
});

describe('locality', () => {
  const preference = (engine: Engine) => effective(engine).policy.loadBalancer?.locality;

  test('policy/D9: a service says which endpoints its clients prefer', () => {
    const engine = aMesh(aService('web', { trafficDistribution: 'prefer-same-zone' }));
    expect(preference(engine)?.failoverPriority).toEqual([
      'topology.kubernetes.io/region',
      'topology.kubernetes.io/zone',
    ]);
  });

  test("policy/D6: the mesh's settings hold where endpoints are ejected", () => {
    const engine = aMesh(aService('web'), aMeshConfig({ localityLbSetting: { failover: [{ from: 'eu', to: 'us' }] } }));
    expect(preference(engine)).toBeUndefined();
    put(engine, aDestinationRule('web', { host: 'web', trafficPolicy: { outlierDetection: {} } }));
    expect(preference(engine)?.failover).toEqual([{ from: 'eu', to: 'us' }]);
  });
});
