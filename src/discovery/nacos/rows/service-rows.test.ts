import { describe, expect, it } from 'vitest';
import { parseCidr } from '../../../model/cidr.ts';
import type { EndpointShard } from '../../../model/endpoint.ts';
import type { Service } from '../../../model/service.ts';
import type { JsonMessage } from '../client/json-message.ts';
import type { ServiceInfo } from '../client/service-info.ts';
import { hostOf } from './host-name.ts';
import { readService, type NamespaceContext } from './service-rows.ts';

const context: NamespaceContext = {
  source: 'nacos',
  namespace: 'public',
  meshNamespace: 'shop',
  allowed: undefined,
  hostOf: (name) => hostOf({ namespace: 'public', ...name }),
};

function anInfo(instances: readonly JsonMessage[], more: Partial<ServiceInfo> = {}): ServiceInfo {
  const name = { group: 'DEFAULT_GROUP', service: 'orders' };
  return { name, instances, refreshedAt: 1, isProtected: false, ...more };
}

function anInstance(more: JsonMessage = {}): JsonMessage {
  const usual = { ip: '10.0.0.1', port: 8080, weight: 1, healthy: true, enabled: true, clusterName: 'DEFAULT' };
  return { ...usual, metadata: {}, ...more };
}

function read(instances: readonly JsonMessage[], more: Partial<NamespaceContext> = {}, before?: Service['ports']) {
  const { rows, problems } = readService(anInfo(instances), { ...context, ...more }, before);
  const [service] = rows.flatMap((row): readonly Service[] => (row.kind === 'service' ? [row.row] : []));
  const shards = rows.flatMap((row): readonly EndpointShard[] => (row.kind === 'shard' ? [row.row] : []));
  return { service, shards, endpoints: shards.flatMap(({ endpoints }) => endpoints), problems };
}

describe('a service of Nacos', () => {
  it('is dialled by its name at port 80, and its own names stay beside it', () => {
    const { service, shards } = read([anInstance()]);
    expect(service).toMatchObject({
      hostname: 'orders.default-group.public.nacos',
      namespace: 'shop',
      registry: 'nacos',
      ports: [{ name: 'http', number: 80, protocol: 'http' }],
      declaredBy: { kind: 'nacos.io/Service', namespace: 'public', name: 'DEFAULT_GROUP@@orders' },
    });
    expect(shards).toMatchObject([{ ports: { http: 8080 }, endpoints: [{ address: '10.0.0.1', health: 'healthy' }] }]);
  });

  it('has a port for each protocol and a list for each port of its instances (registries/T33)', () => {
    const { service, shards } = read([
      anInstance({ port: 8080 }),
      anInstance({ port: 8081 }),
      anInstance({ port: 50_051, metadata: { protocol: 'tri' } }),
      anInstance({ port: 20_880, metadata: { protocol: 'dubbo' } }),
      anInstance({ port: 8443, metadata: { secure: 'true' } }),
    ]);
    expect(service?.ports.map(({ name, number }) => `${name} ${number}`)).toEqual([
      'http 80',
      'grpc 50051',
      'https 8443',
      'tcp 20880',
    ]);
    expect(shards.map(({ ports }) => JSON.stringify(ports)).toSorted()).toEqual([
      '{"grpc":50051}',
      '{"http":8080}',
      '{"http":8081}',
      '{"https":8443}',
      '{"tcp":20880}',
    ]);
  });

  it('keeps its ports while it has no instances', () => {
    const ports = read([anInstance({ port: 9000, metadata: { protocol: 'grpc' } })]).service?.ports;
    expect(read([], {}, ports).service?.ports).toEqual(ports);
    expect(read([]).service?.ports).toMatchObject([{ name: 'http', number: 80 }]);
  });

  it.each([
    [
      [1, 2, 3],
      [undefined, 2, 3],
    ],
    [
      [0.5, 1, 1.5],
      [50, 100, 150],
    ],
    [
      [0.001, 1],
      [undefined, 100],
    ],
    [[0, 1], [undefined]],
  ])('weights %j are %j to proxies (registries/N18)', (weights, expected) => {
    const { endpoints } = read(weights.map((weight, index) => anInstance({ weight, ip: `10.0.0.${index + 1}` })));
    expect(endpoints.map(({ weight }) => weight)).toEqual(expected);
  });

  it('what is not healthy is known, what is disabled is not served (registries/N19)', () => {
    const { endpoints } = read([
      anInstance({ ip: '10.0.0.1', healthy: false }),
      anInstance({ ip: '10.0.0.2', enabled: false }),
    ]);
    expect(endpoints).toMatchObject([{ address: '10.0.0.1', health: 'unhealthy' }]);
  });

  it('under its protect threshold says that nobody knows who is healthy (registries/N19)', () => {
    const { problems } = readService(anInfo([anInstance()], { isProtected: true }), context, undefined);
    expect(problems).toMatchObject([{ code: 'WEIR2202', place: { object: { name: 'DEFAULT_GROUP@@orders' } } }]);
  });

  it('gives an instance registered in two clusters once', () => {
    const { endpoints } = read([anInstance(), anInstance({ clusterName: 'B' })]);
    expect(endpoints).toHaveLength(1);
  });
});

describe('instances are words of strangers', () => {
  it.each([
    ['ip', 'localhost'],
    ['ip', '10.0.0.0/8'],
    ['ip', 'fe80::1%eth0'],
    ['ip', ''],
    ['ip', 17],
    ['ip', '127.0.0.1'],
    ['ip', '169.254.169.254'],
    ['ip', '0.0.0.0'],
    ['ip', '224.0.0.1'],
    ['ip', '::1'],
    ['ip', '::ffff:127.0.0.1'],
    ['port', 0],
    ['port', 65_536],
    ['port', 80.5],
    ['port', '80'],
    ['weight', -1],
    ['weight', 1e9],
    ['weight', null],
  ])('with %s %j one gets no traffic, and the others do (registries/N50)', (field, value) => {
    const isUsual = field === 'weight' && value === null;
    const { endpoints, problems } = read([anInstance({ [field]: value }), anInstance({ ip: '10.0.0.2' })]);
    expect(endpoints.map(({ address }) => address)).toEqual(isUsual ? ['10.0.0.1', '10.0.0.2'] : ['10.0.0.2']);
    expect(problems.map(({ code, path }) => `${code} ${path}`)).toEqual(isUsual ? [] : [`WEIR2201 ${field}`]);
  });

  it('may have addresses of their own machine where the operator says so', () => {
    const loopback = parseCidr('127.0.0.0/8');
    const allowed = loopback === undefined ? [] : [loopback];
    const { endpoints } = read([anInstance({ ip: '127.0.0.1' }), anInstance({ ip: '10.0.0.1' })], { allowed });
    expect(endpoints.map(({ address }) => address)).toEqual(['127.0.0.1']);
  });

  it('metadata gives labels and a place, and never identity or policy (registries/N50, reliability/S31)', () => {
    const metadata = {
      version: 'v1',
      region: 'eu',
      zone: 'eu-1',
      cluster: 'another',
      'security.istio.io/tlsMode': 'istio',
      'service.istio.io/canonical-name': 'bank',
      serviceAccount: 'spiffe://cluster.local/ns/bank/sa/admin',
      url: 'http://10.0.0.1:8080/health?deep=true',
      __proto__: 'x',
      long: 'x'.repeat(64),
      number: 17,
    };
    const { endpoints, shards } = read([anInstance({ metadata })]);
    expect(endpoints).toEqual([
      {
        address: '10.0.0.1',
        health: 'healthy',
        labels: { cluster: 'DEFAULT', region: 'eu', version: 'v1', zone: 'eu-1' },
        locality: { region: 'eu', zone: 'eu-1', subZone: '' },
      },
    ]);
    expect(Object.keys(shards[0] ?? {})).not.toContain('serviceAccount');
  });
});
