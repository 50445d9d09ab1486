import { beforeEach, describe, expect, test } from 'vitest';
import {
  aDestinationRule,
  aMesh,
  aMeshConfig,
  aPod,
  aProxy,
  aService,
  aServiceEntry,
  aServiceKey,
  aShard,
  aVirtualService,
  hostOf,
  put,
  remove,
  type ARow,
} from '../../test/support/mesh-rows.ts';
import type { Engine } from '../incremental/engine.ts';
import type { Query } from '../incremental/definitions.ts';
import { compositeKey, proxyKey } from '../model/keys.ts';
import { serviceEndpoints } from './endpoints.ts';
import { inboundPorts } from './inbound.ts';
import { connectionRules, httpRouting, routedHosts } from './routing.ts';
import { scopeOf, scopesOf } from './scope.ts';
import { visibleServices } from './services.ts';
import { noSubset, subsetsOf, trafficPolicyOf } from './traffic-policy.ts';

/**
 * What one edit may re-run. Everything that translators ask of policy is watched, for 30 services and the clients of three
 * namespaces; the tests name the results that change and the queries that run.
 */

const names = Array.from({ length: 30 }, (_, index) => `s${index}`);
const namespaces = ['shop', 'other', 'third'];

const scopeIn = (namespace: string) =>
  scopeOf({ kind: 'client', namespace, domain: 'cluster.local', labels: {}, secrets: 'none' });

let engine: Engine;
let changed: string[];

function watch<Key extends string, Value>(query: Query<Key, Value>, key: Key): void {
  engine.watch(query, key, () => changed.push(`${query.name} ${key}`));
}

function watchService(name: string): void {
  const service = aServiceKey(name);
  watch(serviceEndpoints, service);
  for (const scope of namespaces.map(scopeIn)) {
    watch(httpRouting, compositeKey(scope, 80, hostOf(name)));
    watch(connectionRules, compositeKey(scope, 80, hostOf(name)));
    watch(subsetsOf, compositeKey(scope, service));
    watch(trafficPolicyOf, compositeKey(scope, service, 80, noSubset));
  }
}

beforeEach(() => {
  changed = [];
  engine = aMesh(
    ...names.flatMap((name, index) => [
      aService(name),
      aShard(name, [`10.0.${index}.1`, `10.0.${index}.2`]),
      aPod(`${name}-1`, { addresses: [`10.0.${index}.1`], labels: { app: name } }),
      aProxy(`${name}-1`, { addresses: [`10.0.${index}.1`] }),
    ]),
    aVirtualService('s0', { hosts: ['s0'], http: [{ route: [{ destination: { host: 's0' } }] }] }),
    aDestinationRule('s0', { host: 's0', subsets: [{ name: 'v1', labels: { version: 'v1' } }] }),
  );
  names.forEach(watchService);
  for (const namespace of namespaces) {
    watch(visibleServices, namespace);
    watch(routedHosts, scopeIn(namespace));
  }
  for (const name of names) {
    watch(scopesOf, proxyKey(`${name}-1`));
    const inbound = engine.read(scopesOf, proxyKey(`${name}-1`)).cluster[1];
    if (inbound !== undefined) watch(inboundPorts, inbound);
  }
});

/** Puts rows and says what changed; and how often each query ran. */
function edit(...rows: readonly ARow[]) {
  const { reran } = put(engine, ...rows);
  return { changed: changed.toSorted(), reran: Object.fromEntries(reran) };
}

const everyClientOf = (query: string, ...rest: readonly (string | number)[]) =>
  namespaces.map((namespace) => `${query} ${compositeKey(scopeIn(namespace), ...rest)}`).toSorted();

test('istio-compat/I190: one endpoint concerns its service alone', () => {
  expect(edit(aShard('s3', ['10.0.3.1']))).toEqual({
    changed: [`serviceEndpoints ${aServiceKey('s3')}`],
    reran: { endpointsOfShard: 1, serviceEndpoints: 1, listedInShard: 1 },
  });
});

test('istio-compat/I200: the routes of a VirtualService concern its hosts on the ports and for the clients that see it', () => {
  const spec = { hosts: ['s0'], http: [{ timeout: '1s', route: [{ destination: { host: 's0' } }] }] };
  const { changed: results, reran } = edit(aVirtualService('s0', spec));
  expect(results).toEqual(everyClientOf('httpRouting', 80, hostOf('s0')));
  expect(reran).toEqual({ virtualServiceStanding: 1, virtualServiceHosts: 1, httpRouting: 3, connectionRules: 3 });
});

test('istio-compat/I200: a private one concerns the clients of its namespace', () => {
  const spec = { hosts: ['s5'], exportTo: ['.'], http: [{ route: [{ destination: { host: 's5' } }] }] };
  const { changed: results, reran } = edit(aVirtualService('private', spec));
  expect(results).toEqual([`httpRouting ${compositeKey(scopeIn('shop'), 80, hostOf('s5'))}`]);
  expect(reran).toMatchObject({ virtualServicesNaming: 1, effectiveVirtualService: 3, httpRouting: 1 });
});

test('a new wildcard concerns the hosts below it that have no rules of their own', () => {
  const spec = { hosts: ['*.shop.svc.cluster.local'], http: [{ route: [{ destination: { host: 's1' } }] }] };
  const { changed: results } = edit(aVirtualService('wide', spec));
  expect(results).toHaveLength((names.length - 1) * namespaces.length);
  expect(results).not.toContain(everyClientOf('httpRouting', 80, hostOf('s0'))[0]);
});

test('istio-compat/I202: a DestinationRule concerns its host, for the clients for whom it holds', () => {
  const trafficPolicy = { connectionPool: { tcp: { maxConnections: 1 } } };
  const rule = aDestinationRule('s7', { host: hostOf('s7'), trafficPolicy }, { namespace: 'other' });
  const key = compositeKey(scopeIn('other'), aServiceKey('s7'), 80, noSubset);
  const { changed: results, reran } = edit(rule);
  expect(results).toEqual([`trafficPolicyOf ${key}`]);
  expect(reran['trafficPolicyOf']).toBe(1);
  expect(reran['clientRules']).toBe(3);
});

test('istio-compat/I202: settings of a rule concern the traffic policy, not the subsets, and nobody’s routes', () => {
  const subsets = [{ name: 'v1', labels: { version: 'v1' } }];
  const trafficPolicy = { loadBalancer: { simple: 'ROUND_ROBIN' } };
  const { changed: results, reran } = edit(aDestinationRule('s0', { host: 's0', subsets, trafficPolicy }));
  expect(results).toEqual(everyClientOf('trafficPolicyOf', aServiceKey('s0'), 80, noSubset));
  expect(reran['httpRouting']).toBeUndefined();
  expect(reran['clientRules']).toBeUndefined();
});

test('istio-compat/I181: an edit that changes nothing that matters ends where it is seen', () => {
  const { changed: results, reran } = edit(aService('s4', { ports: ['http:80>8080', 'http-b:81>8080'] }));
  expect(results).toEqual([]);
  expect(reran['visibleServices']).toBeUndefined();
  expect(reran['httpRouting']).toBeUndefined();
});

describe('services', () => {
  test('istio-compat/I196: a new one concerns the lists of those who see it', () => {
    const { changed: results, reran } = edit(aService('new', { exportTo: ['other'] }));
    expect(results).toEqual(['visibleServices other']);
    expect(reran['serviceEndpoints']).toBeUndefined();
    expect(reran['trafficPolicyOf']).toBeUndefined();
  });

  test('istio-compat/I198: one that goes concerns its own results', () => {
    remove(engine, aService('s9'));
    const own = [aServiceKey('s9'), hostOf('s9')];
    const foreign = changed.filter(
      (entry) => !entry.startsWith('visibleServices') && !own.some((key) => entry.includes(key)),
    );
    expect(foreign).toEqual(['scopesOf s9-1']);
  });

  test('a service entry concerns its own hosts', () => {
    const ports = [{ number: 80, name: 'http', protocol: 'HTTP' }];
    const { changed: results } = edit(aServiceEntry('out', { hosts: ['api.example.com'], ports, resolution: 'DNS' }));
    expect(results).toEqual(namespaces.map((namespace) => `visibleServices ${namespace}`).toSorted());
  });
});

test('istio-compat/I222: of the mesh settings only what reads a changed field runs', () => {
  edit(aMeshConfig({ accessLogFile: '/dev/stdout' }));
  changed = [];
  const { reran } = edit(aMeshConfig({ accessLogFile: '/dev/stderr' }));
  expect(Object.keys(reran).filter((name) => !name.startsWith('meshSettings') && name !== 'meshConfig')).toEqual([]);
  expect(changed).toEqual([]);
});

test('istio-compat/I227: labels of a pod concern its own scopes and the endpoints behind its address', () => {
  const { changed: results } = edit(aPod('s6-1', { addresses: ['10.0.6.1'], labels: { app: 's6', version: 'v2' } }));
  expect(results).toEqual([`serviceEndpoints ${aServiceKey('s6')}`]);
});
