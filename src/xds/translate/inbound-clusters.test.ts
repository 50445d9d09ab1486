import { messageOf } from '../fragment.ts';
import { describe, expect, it } from 'vitest';
import { aDestinationRule, aMesh, aService, aServiceKey, hostOf, type ARow } from '../../../test/support/mesh-rows.ts';
import type { Interception } from '../../model/proxy.ts';
import { scopeOf } from '../../policy/scope.ts';
import { toJson } from '../json.ts';
import { resource, resourceKey, resourceNames, resourceNamesKey } from '../resources.ts';

/** The inbound clusters of a workload behind some services, as `weir translate` shows them. */
function inboundClusters(
  interception: Interception,
  services: readonly string[],
  ...rows: readonly ARow[]
): Readonly<Record<string, unknown>> {
  const engine = aMesh(...rows);
  const scope = scopeOf({
    kind: 'inbound',
    labels: {},
    namespace: 'shop',
    domain: 'cluster.local',
    services: services.map((name) => aServiceKey(name)),
    namedPorts: {},
    listedPorts: {},
    interception,
    secrets: 'none',
    bindAddresses: interception === 'none' ? ['127.1.0.1'] : [],
  });
  const names = engine.read(resourceNames, resourceNamesKey('cluster', scope));
  return Object.fromEntries(
    names.map((name) => {
      const found = engine.read(resource, resourceKey('cluster', scope, name));
      if (found === undefined) throw new Error(`no cluster ${name}`);
      return [name, toJson('envoy.config.cluster.v3.Cluster', messageOf(found))];
    }),
  );
}

const notCaptured = {
  sourceAddress: { address: '127.0.0.6', portValue: 0 },
  extraSourceAddresses: [{ address: { address: '::6', portValue: 0 } }],
};

describe('under interception', () => {
  it('policy/P324 connections go on to the dialled address, from an address that is not captured again', () => {
    const clusters = inboundClusters('redirect', ['reviews'], aService('reviews'));
    expect(Object.keys(clusters)).toEqual(['InboundPassthroughCluster', 'inbound|8080||']);
    expect(clusters['inbound|8080||']).toMatchObject({
      type: 'ORIGINAL_DST',
      lbPolicy: 'CLUSTER_PROVIDED',
      upstreamBindConfig: notCaptured,
      metadata: {
        filterMetadata: { istio: { services: [{ host: hostOf('reviews'), name: 'reviews', namespace: 'shop' }] } },
      },
    });
  });

  it('policy/P323 so do those for ports that no service has', () => {
    const clusters = inboundClusters('redirect', []);
    expect(clusters['InboundPassthroughCluster']).toMatchObject({
      type: 'ORIGINAL_DST',
      lbPolicy: 'CLUSTER_PROVIDED',
      upstreamBindConfig: notCaptured,
      typedExtensionProtocolOptions: expect.anything(),
    });
  });
});

describe('without interception', () => {
  it('policy/P361 the application listens on 127.0.0.1', () => {
    const clusters = inboundClusters('none', ['reviews'], aService('reviews'));
    expect(Object.keys(clusters)).toEqual(['inbound|8080||']);
    expect(clusters['inbound|8080||']).toMatchObject({
      type: 'STATIC',
      loadAssignment: {
        clusterName: 'inbound|8080||',
        endpoints: [
          { lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: 8080 } } } }] },
        ],
      },
    });
    expect(clusters['inbound|8080||']).not.toHaveProperty('upstreamBindConfig');
  });
});

it('policy/P322 one cluster per workload port, whatever services lead there', () => {
  const rows = [aService('a', { ports: ['http:80>8080', 'grpc:90>9090'] }), aService('b', { ports: ['http:81>8080'] })];
  expect(Object.keys(inboundClusters('none', ['a', 'b'], ...rows))).toEqual(['inbound|8080||', 'inbound|9090||']);
});

it('policy/D14 the connection pool of the rule holds on the server too', () => {
  const pool = { tcp: { maxConnections: 3 }, http: { http2MaxRequests: 4 } };
  const rule = aDestinationRule('reviews', { host: 'reviews', trafficPolicy: { connectionPool: pool } });
  const clusters = inboundClusters('redirect', ['reviews'], aService('reviews'), rule);
  expect(clusters['inbound|8080||']).toMatchObject({
    circuitBreakers: { thresholds: [{ maxConnections: 3, maxRequests: 4, maxRetries: 4_294_967_295 }] },
  });
});

it('a gRPC port is spoken to in HTTP/2, an undeclared one as the caller speaks', () => {
  const rows = [aService('a', { ports: ['grpc:90>9090', 'auto:91>9091'] })];
  const clusters = inboundClusters('none', ['a'], ...rows);
  const options = (name: string): unknown =>
    Object.values(Object(Object(clusters[name])['typedExtensionProtocolOptions']))[0];
  expect(options('inbound|9090||')).toMatchObject({ explicitHttpConfig: { http2ProtocolOptions: {} } });
  expect(options('inbound|9091||')).toMatchObject({ useDownstreamProtocolConfig: {} });
});
