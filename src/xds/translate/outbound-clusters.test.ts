import { describe, expect, it } from 'vitest';
import { clientInShop, clusterIn, clusterJson, clusterOrNone } from '../../../test/support/clusters.ts';
import {
  aDestinationRule,
  aMesh,
  aService,
  aServiceEntry,
  hostOf,
  put,
  remove,
} from '../../../test/support/mesh-rows.ts';
import type { Engine } from '../../incremental/engine.ts';
import { services } from '../../model/tables.ts';
import { resource, resourceKey, resourceNames, resourceNamesKey } from '../resources.ts';

const reviews = hostOf('reviews');

function namesIn(engine: Engine): readonly string[] {
  return engine.read(resourceNames, resourceNamesKey('cluster', clientInShop));
}

describe('which clusters a client has', () => {
  it('policy/P316 one per service port and subset, and the two for what is no service', () => {
    const engine = aMesh(
      aService('reviews', { ports: ['http:80', 'grpc:9090', 'udp:53'] }),
      aDestinationRule('reviews', {
        host: 'reviews',
        subsets: [
          { name: 'v1', labels: { version: 'v1' } },
          { name: 'v2', labels: { version: 'v2' } },
        ],
      }),
      aService('hidden', { exportTo: ['.'], namespace: 'other' }),
    );
    expect(namesIn(engine)).toEqual([
      'BlackHoleCluster',
      'PassthroughCluster',
      `outbound|80|v1|${reviews}`,
      `outbound|80|v2|${reviews}`,
      `outbound|80||${reviews}`,
      `outbound|9090|v1|${reviews}`,
      `outbound|9090|v2|${reviews}`,
      `outbound|9090||${reviews}`,
    ]);
  });

  it('policy/P345 has a cluster behind each of its names, and none behind others', () => {
    const engine = aMesh(aService('reviews', { ports: ['http:80', 'udp:53'] }));
    for (const name of namesIn(engine)) expect(clusterIn(engine, name).name).toBe(name);
    const others = [
      `outbound|81||${reviews}`,
      `outbound|53||${reviews}`,
      `outbound|80|v1|${reviews}`,
      'inbound|80||',
      'x',
    ];
    expect(others.filter((name) => clusterOrNone(engine, name) !== undefined)).toEqual([]);
  });

  it('names follow the services', () => {
    const engine = aMesh();
    expect(namesIn(engine)).toHaveLength(2);
    put(engine, aService('reviews'));
    expect(namesIn(engine)).toHaveLength(3);
    remove(engine, aService('reviews'));
    expect(namesIn(engine)).toHaveLength(2);
  });
});

describe('where endpoints come from', () => {
  it('policy/D18 a registry: assignments of the cluster name, on the stream of the cluster', () => {
    const cluster = clusterIn(aMesh(aService('reviews')), `outbound|80||${reviews}`);
    expect(clusterJson(cluster)).toMatchObject({
      type: 'EDS',
      edsClusterConfig: {
        serviceName: `outbound|80||${reviews}`,
        // xds-protocol X302: a net under the server's duty.
        edsConfig: { ads: {}, initialFetchTimeout: '1s', resourceApiVersion: 'V3' },
      },
      lbPolicy: 'LEAST_REQUEST',
    });
    expect(cluster.loadAssignment).toBeUndefined();
  });

  it('policy/E2 DNS: every address of the entry, or the host itself', () => {
    const entry = aServiceEntry('db', {
      hosts: ['db.example.com'],
      ports: [{ number: 5432, name: 'tcp', protocol: 'TCP' }],
      resolution: 'DNS',
      endpoints: [{ address: 'a.example.com' }, { address: 'b.example.com', ports: { tcp: 15432 } }],
    });
    const cluster = clusterIn(aMesh(entry), 'outbound|5432||db.example.com');
    expect(clusterJson(cluster)).toMatchObject({ type: 'STRICT_DNS', respectDnsTtl: true, dnsRefreshRate: '60s' });
    expect(clusterJson(cluster)['loadAssignment']).toEqual({
      clusterName: 'outbound|5432||db.example.com',
      endpoints: [
        {
          lbEndpoints: [
            { endpoint: { address: { socketAddress: { address: 'a.example.com', portValue: 5432 } } } },
            { endpoint: { address: { socketAddress: { address: 'b.example.com', portValue: 15432 } } } },
          ],
        },
      ],
    });
  });

  it('policy/E2 DNS round robin: one address at a time, of one name', () => {
    const entry = aServiceEntry('api', {
      hosts: ['api.example.com'],
      ports: [{ number: 443, name: 'tls', protocol: 'TLS' }],
      resolution: 'DNS_ROUND_ROBIN',
    });
    const cluster = clusterIn(aMesh(entry), 'outbound|443||api.example.com');
    expect(cluster.type).toBe('LOGICAL_DNS');
    expect(cluster.loadAssignment?.endpoints?.[0]?.lbEndpoints).toHaveLength(1);
  });

  it('policy/E2 NONE: the address that the caller dialled', () => {
    const entry = aServiceEntry('any', {
      hosts: ['*.example.com'],
      ports: [{ number: 443, name: 'tls', protocol: 'TLS' }],
      resolution: 'NONE',
    });
    const cluster = clusterIn(aMesh(entry), 'outbound|443||*.example.com');
    expect(cluster).toMatchObject({ type: 'ORIGINAL_DST', lbPolicy: 'CLUSTER_PROVIDED' });
    expect(cluster.edsClusterConfig).toBeUndefined();
  });

  it('policy/D3 PASSTHROUGH does that to every service', () => {
    const cluster = clusterIn(
      aMesh(
        aService('reviews'),
        aDestinationRule('reviews', {
          host: 'reviews',
          trafficPolicy: { loadBalancer: { simple: 'PASSTHROUGH' } },
        }),
      ),
      `outbound|80||${reviews}`,
    );
    expect(cluster).toMatchObject({ type: 'ORIGINAL_DST', lbPolicy: 'CLUSTER_PROVIDED' });
    expect(cluster.loadAssignment).toBeUndefined();
  });

  it('headless: TCP goes where the caller dialled, HTTP to the members in turn', () => {
    const engine = aMesh(aService('db', { ports: ['tcp:5432', 'http:80'] }));
    const [row] = [...engine.rows(services)];
    if (row === undefined) throw new Error('no row');
    engine.batch({ source: 'test', at: 0 }, (write) => write.put(services, { ...row, headless: true }));
    expect(clusterIn(engine, `outbound|5432||${hostOf('db')}`)).toMatchObject({
      type: 'ORIGINAL_DST',
      lbPolicy: 'CLUSTER_PROVIDED',
    });
    expect(clusterIn(engine, `outbound|80||${hostOf('db')}`)).toMatchObject({ type: 'EDS', lbPolicy: 'ROUND_ROBIN' });
  });

  it('an external name is resolved as such', () => {
    const engine = aMesh(aService('alias', { ports: ['http:80'] }));
    const [row] = [...engine.rows(services)];
    if (row === undefined) throw new Error('no row');
    engine.batch({ source: 'test', at: 0 }, (write) =>
      write.put(services, { ...row, resolution: 'external-name', externalName: 'real.example.com' }),
    );
    const cluster = clusterIn(engine, `outbound|80||${hostOf('alias')}`);
    expect(cluster.type).toBe('STRICT_DNS');
    const [endpoint] = cluster.loadAssignment?.endpoints?.[0]?.lbEndpoints ?? [];
    expect(endpoint?.endpoint?.address?.socketAddress?.address).toBe('real.example.com');
  });
});

it('istio-compat/I139 metadata names the service, the subset and the object that shaped the cluster', () => {
  const rule = {
    host: 'reviews',
    trafficPolicy: { outlierDetection: {} },
    subsets: [{ name: 'v1', labels: { version: 'v1' } }],
  };
  const engine = aMesh(aService('reviews'), aDestinationRule('reviews-rule', rule));
  const cluster = clusterJson(clusterIn(engine, `outbound|80|v1|${reviews}`));
  expect(cluster['metadata']).toEqual({
    filterMetadata: {
      istio: {
        config: '/apis/networking.istio.io/v1/namespaces/shop/destination-rule/reviews-rule',
        services: [{ host: reviews, name: 'reviews', namespace: 'shop' }],
        subset: 'v1',
      },
    },
  });
  const provenance = engine.read(
    resource,
    resourceKey('cluster', clientInShop, `outbound|80|v1|${reviews}`),
  )?.provenance;
  expect(provenance?.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'Service reviews',
    'networking.istio.io/DestinationRule reviews-rule',
    'networking.istio.io/DestinationRule reviews-rule',
  ]);
});
