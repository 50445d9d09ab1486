import { describe, expect, it } from 'vitest';
import { proxyKey, scopeKey } from '../model/keys.ts';
import type { SourceProblem } from '../model/source.ts';
import type { ProxyStatus, SyncState, TypeStatus } from '../xds/status.ts';
import { proxyState, scopeCounts, statusReport, type StatusInput } from './status-report.ts';

function aType(type: string, state: SyncState = 'synced'): TypeStatus {
  return {
    type,
    typeUrl: '',
    state,
    wildcard: true,
    names: 0,
    resources: 3,
    version: 'v1',
    sent: { version: 'v1', nonce: '1', at: 1000 },
    acked: state === 'synced' ? { version: 'v1', at: 2000 } : undefined,
    pendingSince: state === 'pending' ? 1500 : undefined,
    nack:
      state === 'rejected'
        ? {
            message: 'no',
            at: 1800,
            names: ['a'],
            objects: [
              {
                kind: 'networking.istio.io/VirtualService',
                namespace: 'shop',
                name: 'web',
                path: 'spec.http[0]',
                origin: { source: 'files', file: 'mesh/a.yaml', document: 2, line: 1 },
              },
            ],
          }
        : undefined,
  };
}

function aProxy(name: string, facts: Partial<ProxyStatus> = {}): ProxyStatus {
  return {
    key: proxyKey(`${name}#1`),
    nodeId: `sidecar~10.0.0.1~${name}.shop~shop.svc.cluster.local`,
    address: '127.0.0.1:4711',
    connectedAt: 0,
    wire: 'delta',
    workload: { namespace: 'shop', name },
    version: '1.40.0',
    scopes: {
      cluster: [scopeKey('c')],
      endpoints: [],
      listener: [scopeKey('o'), scopeKey(`i-${name}`)],
      routes: [],
      virtualHosts: [],
    },
    types: [aType('cluster')],
    ...facts,
  };
}

function aProblem(file: string, line: number): SourceProblem {
  return {
    key: `${file}#${line}`,
    source: 'files',
    place: { kind: 'document', file, document: 1, line },
    code: 'WEIR1001',
    path: 'spec',
    message: 'is wrong',
    advice: 'make it right',
    keptLastGood: true,
  };
}

function aReport(input: Partial<StatusInput> = {}) {
  return statusReport({
    version: '1.2.3',
    startedAt: 0,
    readiness: { ready: true, reasons: [] },
    sources: [],
    problems: [],
    findings: [],
    statusesOf: () => [],
    placeOf: ({ origin: { file = '' } }, path) => ({ file, line: path === '' ? 1 : 12 }),
    authority: undefined,
    proxies: [],
    ...input,
  });
}

describe('report', () => {
  it('counts the problems of each source, and lists them by place', () => {
    const { sources, problems } = aReport({
      sources: [{ name: 'files', kind: 'files', target: 'mesh', freshness: 'synced', since: 0, objects: 7 }],
      problems: [aProblem('b.yaml', 1), aProblem('a.yaml', 20), aProblem('a.yaml', 3)],
    });
    expect(sources).toMatchObject([{ name: 'files', since: '1970-01-01T00:00:00.000Z', problems: 3 }]);
    expect(problems.map(({ file, line }) => `${file}:${line}`)).toEqual(['a.yaml:3', 'a.yaml:20', 'b.yaml:1']);
  });

  it('says what became of the objects that something is said of', () => {
    const origin = { source: 'kubernetes' };
    const web = { kind: 'networking.istio.io/VirtualService', namespace: 'shop', name: 'web', origin };
    const [api, cart] = [
      { ...web, name: 'api' },
      { ...web, name: 'cart' },
    ];
    const problem: SourceProblem = { ...aProblem('a.yaml', 1), place: { kind: 'object', object: api } };
    const finding = {
      severity: 'warning',
      code: 'IST0101',
      path: '',
      message: 'm',
      advice: 'a',
      object: cart,
    } as const;
    const named: string[] = [];
    const statusesOf: StatusInput['statusesOf'] = (objects) => {
      named.push(...objects.map(({ name }) => name));
      return [{ kind: web.kind, namespace: 'shop', name: 'web', conditions: [] }];
    };
    const proxies = [aProxy('web-1', { types: [aType('routes', 'rejected')] })];
    const { objects } = aReport({ problems: [problem], findings: [finding], proxies, statusesOf });
    expect([named.toSorted(), objects]).toEqual([
      ['api', 'cart', 'web'],
      [{ kind: web.kind, namespace: 'shop', name: 'web', conditions: [] }],
    ]);
  });

  it('names the object, or the kind of objects, that a problem without a file is about', () => {
    const origin = { source: 'kubernetes' };
    const object = { kind: 'Service', namespace: 'shop', name: 'web', origin };
    const { problems } = aReport({
      problems: [
        { ...aProblem('a.yaml', 1), place: { kind: 'resource', resource: 'pods' } },
        { ...aProblem('a.yaml', 2), place: { kind: 'object', object } },
      ],
    });
    expect(problems).toEqual([
      expect.objectContaining({ object: { kind: 'Service', namespace: 'shop', name: 'web' }, path: 'spec' }),
      expect.objectContaining({ resource: 'pods', path: 'spec' }),
    ]);
  });

  it('lists proxies by workload, whatever the order in which they connected', () => {
    const { proxies } = aReport({ proxies: [aProxy('web-2'), aProxy('web-1')] });
    expect(proxies.map(({ workload }) => workload)).toEqual(['web-1', 'web-2']);
  });

  it('names the objects behind a NACK with their place', () => {
    const { proxies } = aReport({ proxies: [aProxy('web-1', { types: [aType('routes', 'rejected')] })] });
    expect(proxies[0]?.types[0]?.nack).toEqual({
      message: 'no',
      at: '1970-01-01T00:00:01.800Z',
      resources: ['a'],
      objects: [
        {
          kind: 'networking.istio.io/VirtualService',
          namespace: 'shop',
          name: 'web',
          source: 'files',
          file: 'mesh/a.yaml',
          line: 12,
          path: 'spec.http[0]',
        },
      ],
    });
  });

  it('is plain JSON', () => {
    const report = aReport({ proxies: [aProxy('web-1')] });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});

it.each<[readonly SyncState[], SyncState]>([
  [[], 'synced'],
  [['synced', 'synced'], 'synced'],
  [['synced', 'pending'], 'pending'],
  [['pending', 'rejected'], 'rejected'],
])('a proxy with types that are %j is %s', (states, expected) => {
  expect(proxyState({ types: states.map((state) => aType('cluster', state)) })).toBe(expected);
});

it('counts scopes, which replicas share', () => {
  expect(scopeCounts([aProxy('web-1'), aProxy('web-2')])).toEqual({
    cluster: 1,
    endpoints: 0,
    listener: 3,
    routes: 0,
    virtualHosts: 0,
  });
});
