import fc from 'fast-check';
import { expect, test } from 'vitest';
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
  aWorkloadEntry,
  hostOf,
  put,
  remove,
  type ARow,
} from '../../test/support/mesh-rows.ts';
import type { Query } from '../incremental/definitions.ts';
import type { Engine } from '../incremental/engine.ts';
import { compositeKey, proxyKey, serviceKey, type ProxyKey } from '../model/keys.ts';
import { serviceEndpoints } from './endpoints.ts';
import { findings } from './findings.ts';
import { inboundPorts } from './inbound.ts';
import { connectionRules, httpRouting, routedHosts } from './routing.ts';
import { scopesOf } from './scope.ts';
import { visibleServices } from './services.ts';
import { noSubset, subsetsOf, trafficPolicyOf } from './traffic-policy.ts';

/** Whatever is edited in whatever order, the watched answers are those of a mesh that was just read. */

const namespaces = ['shop', 'other'];
const names = ['a', 'b', 'c'];
const hosts = [
  ...names.map((name) => hostOf(name)),
  hostOf('a', 'other'),
  'api.example.com',
  '*.shop.svc.cluster.local',
];

const namespace = fc.constantFrom(...namespaces);
const name = fc.constantFrom(...names);
const createdAt = fc.integer({ min: 0, max: 2 });
const host = fc.constantFrom(...hosts);
const exportTo = fc.constantFrom(undefined, ['*'], ['.'], ['other'], ['~']);
const labels = fc.constantFrom({ app: 'a' }, { app: 'a', version: 'v1' }, { app: 'b' }, {});
const address = fc.constantFrom('10.0.0.1', '10.0.0.2');

function withoutAbsent(spec: object): object {
  return JSON.parse(JSON.stringify(spec)) as object;
}

const service = fc
  .record({ name, namespace, createdAt, exportTo, port: fc.constantFrom('http:80>8080', 'http:81>web', 'tcp:80') })
  .map(({ exportTo: targets, port, ...options }) =>
    aService(options.name, {
      ...options,
      ports: [port as 'http:80'],
      ...(targets === undefined ? {} : { exportTo: targets }),
    }),
  );

const shard = fc
  .record({ name, namespace, addresses: fc.uniqueArray(address) })
  .map((options) => aShard(options.name, options.addresses, { namespace: options.namespace }));

const pod = fc
  .record({ name, namespace, labels, address, ready: fc.boolean() })
  .map(({ address: own, ...options }) =>
    aPod(options.name, { ...options, addresses: [own], namedPorts: { web: 9000 } }),
  );

const destination = fc.record({
  host,
  subset: fc.constantFrom(undefined, 'v1', 'v2'),
});

const condition = fc.record({
  port: fc.constantFrom(undefined, 80, 81),
  sourceLabels: fc.constantFrom(undefined, { app: 'a' }),
  sourceNamespace: fc.constantFrom(undefined, 'other'),
  uri: fc.constantFrom(undefined, { prefix: '/x' }, { prefix: '/' }),
});

const virtualService = fc
  .record({ name, namespace, createdAt, exportTo, host, condition, destination })
  .map((options) => {
    const route = [{ destination: options.destination }];
    const http = [{ match: [options.condition], route }, { route }];
    const spec = withoutAbsent({ hosts: [options.host], exportTo: options.exportTo, http });
    return aVirtualService(options.name, spec, options);
  });

const destinationRule = fc
  .record({
    name,
    namespace,
    createdAt,
    exportTo,
    host,
    selector: fc.constantFrom(undefined, { app: 'a' }),
    limit: createdAt,
  })
  .map((options) => {
    const spec = withoutAbsent({
      host: options.host,
      exportTo: options.exportTo,
      workloadSelector: options.selector && { matchLabels: options.selector },
      trafficPolicy: { connectionPool: { tcp: { maxConnections: options.limit + 1 } } },
      subsets: [{ name: `v${options.limit}`, labels: { version: 'v1' } }],
    });
    return aDestinationRule(options.name, spec, options);
  });

const serviceEntry = fc
  .record({ name, namespace, createdAt, exportTo, selected: fc.boolean(), address })
  .map((options) => {
    const members = options.selected
      ? { workloadSelector: { labels: { app: 'a' } } }
      : { endpoints: [{ address: options.address }] };
    const ports = [{ number: 80, name: 'http', protocol: 'HTTP' }];
    const spec = { hosts: ['api.example.com'], exportTo: options.exportTo, ports, resolution: 'STATIC', ...members };
    return aServiceEntry(options.name, withoutAbsent(spec), options);
  });

const workloadEntry = fc
  .record({ name, namespace, labels, address })
  .map((options) =>
    aWorkloadEntry(
      options.name,
      { address: options.address, labels: options.labels },
      { namespace: options.namespace },
    ),
  );

const meshConfig = fc
  .record({ exportTo: fc.constantFrom(['*'], ['.']), rootNamespace: fc.constantFrom('root', 'other') })
  .map((options) =>
    aMeshConfig({
      rootNamespace: options.rootNamespace,
      defaultServiceExportTo: options.exportTo,
      defaultVirtualServiceExportTo: options.exportTo,
      defaultDestinationRuleExportTo: options.exportTo,
    }),
  );

const row = fc.oneof(service, shard, pod, virtualService, destinationRule, serviceEntry, workloadEntry, meshConfig);
const edits = fc.array(fc.tuple(fc.constantFrom<'put' | 'remove'>('put', 'put', 'put', 'remove'), row), {
  maxLength: 25,
});

const proxies = [aProxy('a', { labels: { app: 'a' } }), aProxy('z', { namespace: 'other', addresses: ['10.0.0.2'] })];

interface Asked {
  readonly text: string;
  read(engine: Engine): unknown;
  watch(engine: Engine): void;
}

function ask<Key extends string, Value>(query: Query<Key, Value>, key: Key): Asked {
  return {
    text: `${query.name}(${key})`,
    read: (engine) => engine.read(query, key),
    watch: (engine) => engine.watch(query, key, () => undefined),
  };
}

const services = [
  ...namespaces.flatMap((owner) => names.map((each) => aServiceKey(each, owner))),
  serviceKey('shop', 'api.example.com'),
];

/** Everything that translators ask about the proxies that there are now. */
function questions(engine: Engine): readonly Asked[] {
  return [
    ask(findings, 'all'),
    ...services.map((key) => ask(serviceEndpoints, key)),
    ...namespaces.map((each) => ask(visibleServices, each)),
    ...['a', 'z'].flatMap((proxy) => questionsAbout(engine, proxyKey(proxy))),
  ];
}

function questionsAbout(engine: Engine, proxy: ProxyKey): readonly Asked[] {
  const [client, inbound] = engine.read(scopesOf, proxy).cluster;
  if (client === undefined || inbound === undefined) return [];
  return [
    ask(scopesOf, proxy),
    ask(inboundPorts, inbound),
    ask(routedHosts, client),
    ...[80, 81].flatMap((port) => [
      ...hosts.map((each) => ask(httpRouting, compositeKey(client, port, each))),
      ...hosts.map((each) => ask(connectionRules, compositeKey(client, port, each))),
      ...services.flatMap((each) =>
        [noSubset, 'v1'].map((subset) => ask(trafficPolicyOf, compositeKey(client, each, port, subset))),
      ),
    ]),
    ...services.map((each) => ask(subsetsOf, compositeKey(client, each))),
  ];
}

function answers(engine: Engine, asked: readonly Asked[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(asked.map((question) => [question.text, question.read(engine)]));
}

test('any sequence of edits ends in the answers of a fresh mesh', () => {
  fc.assert(
    fc.property(edits, (sequence) => {
      const engine = aMesh(...proxies);
      const fresh = new Map<string, ARow>();
      const watched = new Set<string>();
      for (const [kind, edited] of sequence) {
        for (const question of questions(engine)) {
          if (!watched.has(question.text)) question.watch(engine);
          watched.add(question.text);
        }
        if (kind === 'put') put(engine, edited);
        else remove(engine, edited);
        if (kind === 'put') fresh.set(edited.key, edited);
        else fresh.delete(edited.key);
      }
      const expected = aMesh(...proxies, ...fresh.values());
      expect(answers(engine, questions(engine))).toEqual(answers(expected, questions(engine)));
    }),
    { numRuns: 60 },
  );
});
