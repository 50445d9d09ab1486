import { messageOf } from './fragment.ts';
import { describe, expect, it } from 'vitest';
import { aMesh, aProxy, aService, aShard, hostOf, put } from '../../test/support/mesh-rows.ts';
import type { QueryFailure } from '../incremental/commit.ts';
import { Engine } from '../incremental/engine.ts';
import { proxyKey, type ScopeKey } from '../model/keys.ts';
import type { ScopedType } from '../model/scope.ts';
import { services } from '../model/tables.ts';
import { scopeOf, scopesOf } from '../policy/scope.ts';
import { versionOf } from './content-version.ts';
import { decode } from './proto.ts';
import { RuleViolationError } from './publishable.ts';
import { resource, resourceKey, resourceNames, resourceNamesKey, type Resource } from './resources.ts';

const reviews = hostOf('reviews');
const clientScope = scopeOf({
  kind: 'client',
  namespace: 'shop',
  domain: 'cluster.local',
  labels: {},
  secrets: 'none',
});

/** Everything that a proxy that asks for all clusters and listeners, and for what these name, would be sent. */
function viewOf(engine: Engine, proxy: string): readonly Resource[] {
  const scopes = engine.read(scopesOf, proxyKey(proxy));
  const all = (type: ScopedType): readonly Resource[] =>
    scopes[type].flatMap((scope) =>
      engine.read(resourceNames, resourceNamesKey(type, scope)).map((name) => resourceIn(engine, type, scope, name)),
    );
  const named = (type: ScopedType, parents: readonly Resource[]): readonly Resource[] =>
    [...new Set(parents.flatMap(({ children }) => children))].flatMap((name) =>
      scopes[type].map((scope) => resourceIn(engine, type, scope, name)),
    );
  const [clusters, listeners] = [all('cluster'), all('listener')];
  return [...clusters, ...named('endpoints', clusters), ...listeners, ...named('routes', listeners)];
}

function resourceIn(engine: Engine, type: ScopedType, scope: ScopeKey, name: string): Resource {
  const found = engine.read(resource, resourceKey(type, scope, name));
  if (found === undefined) throw new Error(`no ${type} ${name}`);
  return found;
}

const mesh = [
  aService('reviews', { ports: ['http:80>8080', 'tcp:9090'] }),
  aShard('reviews', ['10.0.0.1', '10.0.0.2']),
  aService('ratings'),
  aShard('ratings', ['10.0.0.3']),
];

describe('a resource', () => {
  it.each(['redirect', 'none'] as const)(
    'policy/P345 is there for every name that a proxy is told (%s)',
    (interception) => {
      const httpProxyPort = interception === 'none' ? 15_001 : undefined;
      const view = viewOf(aMesh(...mesh, aProxy('client', { interception, httpProxyPort })), 'client');
      expect(view.map(({ type, name }) => `${type} ${name}`)).toEqual(
        expect.arrayContaining([
          'cluster PassthroughCluster',
          `cluster outbound|80||${reviews}`,
          `endpoints outbound|80||${reviews}`,
          interception === 'redirect' ? 'listener virtualOutbound' : 'listener 127.0.0.1_15001',
          interception === 'redirect' ? 'routes 80' : 'routes http_proxy',
        ]),
      );
    },
  );

  it('hot-path/H404 has the hash of its bytes for a version, and its bytes in a fragment', () => {
    for (const framed of viewOf(aMesh(...mesh, aProxy('client')), 'client')) {
      const { name, version, fragment } = framed;
      const value = messageOf(framed);
      expect(version).toBe(versionOf(value));
      const [entry] =
        decode('envoy.service.discovery.v3.DeltaDiscoveryResponse', Buffer.concat(fragment)).resources ?? [];
      expect({ name: entry?.name, version: entry?.version }).toEqual({ name, version });
      expect(Buffer.from(entry?.resource?.value ?? [])).toEqual(Buffer.from(value));
    }
  });

  it('hot-path/H401 is the same in every process that has the same mesh', () => {
    const view = (): readonly string[] =>
      viewOf(aMesh(...mesh, aProxy('client')), 'client').map(({ name, version }) => `${name} ${version}`);
    expect(view()).toEqual(view());
  });

  it('names the objects that made it', () => {
    const { provenance } = resourceIn(aMesh(...mesh), 'cluster', clientScope, `outbound|80||${reviews}`);
    expect(provenance.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['Service reviews']);
  });

  it('is undefined when there is none of its name', () => {
    const engine = aMesh(...mesh);
    const types = ['cluster', 'routes'] as const;
    expect(types.map((type) => engine.read(resource, resourceKey(type, clientScope, 'nobody')))).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('hot-path/H406 is not news when its bytes are the old ones', () => {
    const engine = aMesh(...mesh);
    const heard: string[] = [];
    const key = resourceKey('cluster', clientScope, `outbound|80||${reviews}`);
    engine.watch(resource, key, (value) => heard.push(value?.version ?? ''));
    put(engine, aService('reviews', { ports: ['http:80>8080', 'tcp:9090'], selector: { other: 'label' } }));
    expect(heard).toEqual([]);
    put(engine, aService('reviews', { ports: ['grpc:80>8080', 'tcp:9090'] }));
    expect(heard).toHaveLength(1);
  });

  it('xds-protocol/X305 xds-protocol/X54 that breaks a rule of Envoy is not published: the last good one stays, the others go out', () => {
    const failures: QueryFailure[] = [];
    const engine = new Engine({ onFailure: (failure) => failures.push(failure) });
    put(engine, ...mesh);
    const row = [...engine.rows(services)].find(({ name }) => name === 'reviews');
    if (row === undefined) throw new Error('no row');
    const writeAlias = (targetPort: number): void =>
      void engine.batch({ source: 'test', at: 0 }, (write) => {
        const ports = row.ports.map((port) => ({ ...port, targetPort }));
        write.put(services, { ...row, ports, resolution: 'external-name', externalName: 'real.example' });
      });
    const watch = engine.watch(
      resource,
      resourceKey('cluster', clientScope, `outbound|80||${reviews}`),
      () => undefined,
    );
    writeAlias(8080);
    const good = watch.value?.version;
    writeAlias(70_000);
    expect(watch.value?.version).toBe(good);
    expect(failures.map(({ error }) => error)).toEqual([expect.any(RuleViolationError)]);
    expect(failures[0]?.error.message).toMatch(/portValue .*at most 65535/);
    writeAlias(8081);
    expect(watch.value?.version).not.toBe(good);
  });
});
