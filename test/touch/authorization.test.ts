import { expect, test } from 'vitest';
import type { Engine } from '../../src/incremental/engine.ts';
import { keySets } from '../../src/model/tables.ts';
import {
  aMesh,
  aMeshConfig,
  anAuthorizationPolicy,
  aPod,
  aProxy,
  aRequestAuthentication,
  aService,
  aWorkloadEntry,
  put,
  type ARow,
} from '../support/mesh-rows.ts';
import { TokenIssuer } from '../support/tokens.ts';
import { touchedBy } from './views.ts';

/** What policies about callers send again. Two replicas of `web` and a `db` in `shop`, a `web` in `office`. */

const inbound = ['listener virtualInbound'];

function aWorkload(name: string, app: string, address: string, namespace = 'shop'): readonly ARow[] {
  return [
    aPod(name, { addresses: [address], labels: { app }, namespace }),
    aProxy(name, { addresses: [address], namespace }),
  ];
}

function theMesh(...more: readonly ARow[]): Engine {
  return aMesh(
    aService('web', { selector: { app: 'web' } }),
    aService('db', { selector: { app: 'db' } }),
    aService('web', { namespace: 'office', selector: { app: 'web' } }),
    ...aWorkload('web-1', 'web', '10.9.0.1'),
    ...aWorkload('web-2', 'web', '10.9.0.2'),
    ...aWorkload('db-1', 'db', '10.9.0.3'),
    ...aWorkload('clerk', 'web', '10.9.0.4', 'office'),
    ...more,
  );
}

const deny = (path: string, app?: string) => ({
  ...(app === undefined ? {} : { selector: { matchLabels: { app } } }),
  action: 'DENY',
  rules: [{ to: [{ operation: { paths: [path] } }] }],
});

test('a policy: the inbound listeners of the workloads that it selects, and nothing else (istio-compat/I215)', () => {
  const mesh = theMesh(anAuthorizationPolicy('p', deny('/a', 'web')));
  const touched = touchedBy(mesh, () => put(mesh, anAuthorizationPolicy('p', deny('/b', 'web'))));
  expect(touched).toEqual({ 'web-1': inbound, 'web-2': inbound });
});

test('a policy without selector: those of its namespace; of the root namespace: everybody (istio-compat/I215, policy/G6)', () => {
  const mesh = theMesh();
  const shop = touchedBy(mesh, () => put(mesh, anAuthorizationPolicy('p', deny('/a'))));
  expect(shop).toEqual({ 'web-1': inbound, 'web-2': inbound, 'db-1': inbound });
  const rooted = anAuthorizationPolicy('p', deny('/a'), { namespace: 'weir-system' });
  expect(Object.keys(touchedBy(mesh, () => put(mesh, rooted))).toSorted()).toEqual(['clerk', 'db-1', 'web-1', 'web-2']);
});

test('a selector in the root namespace: such workloads of every namespace (policy/G7)', () => {
  const mesh = theMesh();
  const rooted = anAuthorizationPolicy('p', deny('/a', 'web'), { namespace: 'weir-system' });
  expect(Object.keys(touchedBy(mesh, () => put(mesh, rooted))).toSorted()).toEqual(['clerk', 'web-1', 'web-2']);
});

test('an edit of metadata sends nothing (istio-compat/I181)', () => {
  const mesh = theMesh(anAuthorizationPolicy('p', deny('/a', 'web')));
  const edited = anAuthorizationPolicy('p', deny('/a', 'web'), { generation: 7, labels: { team: 'a' } });
  expect(touchedBy(mesh, () => put(mesh, edited))).toEqual({});
});

test('other keys: the listeners of the workloads that use their issuer (istio-compat/I224)', () => {
  const of = (issuer: string, app: string): object => ({
    selector: { matchLabels: { app } },
    jwtRules: [{ issuer, jwksUri: `${issuer}/keys` }],
  });
  const mesh = theMesh(
    aRequestAuthentication('a', of('https://a.example', 'web')),
    aRequestAuthentication('b', of('https://b.example', 'db')),
  );
  const rotate = (issuer: string) =>
    touchedBy(mesh, () =>
      mesh.batch({ source: 'test', at: 0 }, (write) =>
        write.put(keySets, { key: `uri ${issuer}/keys`, keys: new TokenIssuer(issuer).keys }),
      ),
    );
  expect(rotate('https://a.example')).toEqual({ 'web-1': inbound, 'web-2': inbound });
  expect(rotate('https://b.example')).toEqual({ 'db-1': inbound });
  expect(rotate('https://nobody.example')).toEqual({});
});

test('a provider comes: the listeners that ask it (policy/P427)', () => {
  const asked = { ...deny('/a', 'db'), action: 'CUSTOM', provider: { name: 'judge' } };
  const mesh = theMesh(
    anAuthorizationPolicy('p', asked),
    aMeshConfig({
      extensionProviders: [
        { name: 'judge', envoyExtAuthzGrpc: { service: 'judge.shop.svc.cluster.local', port: 9000 } },
      ],
    }),
  );
  const touched = touchedBy(mesh, () => put(mesh, aService('judge', { ports: ['grpc:9000'] })));
  expect(touched['db-1']).toContain('listener virtualInbound');
  expect(touched['web-1']).not.toContain('listener virtualInbound');
});

test('a workload entry’s labels choose its policies as a pod’s do (policy/G7)', () => {
  const mesh = theMesh(
    aWorkloadEntry('vm', { address: '10.9.0.9', labels: { app: 'web' } }),
    aProxy('vm', { addresses: ['10.9.0.9'], workloadName: 'vm' }),
  );
  const touched = touchedBy(mesh, () => put(mesh, anAuthorizationPolicy('p', deny('/a', 'web'))));
  expect(Object.keys(touched).toSorted()).toEqual(['vm', 'web-1', 'web-2']);
});
