import { describe, expect, it } from 'vitest';
import { clientInShop, clusterIn, clusterJson } from '../../../test/support/clusters.ts';
import { aDestinationRule, aMesh, aMeshConfig, aService, hostOf } from '../../../test/support/mesh-rows.ts';
import type { Protocol } from '../../model/protocol.ts';
import type * as envoy from '../envoy.ts';
import { resourceNames, resourceNamesKey } from '../resources.ts';

/** How a DestinationRule shapes the clusters of its host. */

const reviews = hostOf('reviews');
const httpOptions = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

function httpOptionsOf(cluster: envoy.Cluster): unknown {
  const options = Object(clusterJson(cluster)['typedExtensionProtocolOptions'])[httpOptions];
  if (options === undefined) return undefined;
  const { '@type': _, ...rest } = options;
  return rest;
}

/** The cluster of reviews under a rule with this traffic policy. */
function clusterUnder(trafficPolicy: unknown): envoy.Cluster {
  const rule = aDestinationRule('reviews', { host: 'reviews', trafficPolicy });
  return clusterIn(aMesh(aService('reviews'), rule), `outbound|80||${reviews}`);
}

function withProtocol(protocol: Protocol): envoy.Cluster {
  return clusterIn(aMesh(aService('reviews', { ports: [`${protocol}:80`] })), `outbound|80||${reviews}`);
}

describe('load balancing', () => {
  it.each([
    ['LEAST_REQUEST', 'LEAST_REQUEST'],
    ['LEAST_CONN', 'LEAST_REQUEST'],
    ['ROUND_ROBIN', 'ROUND_ROBIN'],
    ['RANDOM', 'RANDOM'],
  ])('policy/D2 %s', (simple, lbPolicy) => {
    expect(clusterUnder({ loadBalancer: { simple } }).lbPolicy).toBe(lbPolicy);
  });

  it('policy/D4 consistent hashing on a ring or by Maglev', () => {
    const key = { httpHeaderName: 'x-user' };
    expect(clusterJson(clusterUnder({ loadBalancer: { consistentHash: key } }))).toMatchObject({
      lbPolicy: 'RING_HASH',
      ringHashLbConfig: { minimumRingSize: '1024' },
    });
    const maglev = { ...key, maglev: { tableSize: 65_537 } };
    expect(clusterJson(clusterUnder({ loadBalancer: { consistentHash: maglev } }))).toMatchObject({
      lbPolicy: 'MAGLEV',
      maglevLbConfig: { tableSize: '65537' },
    });
  });

  it('policy/D5 warm-up', () => {
    const warmup = { duration: '30s', minimumPercent: 20, aggression: 1.5 };
    expect(
      clusterJson(clusterUnder({ loadBalancer: { simple: 'ROUND_ROBIN', warmup } }))['roundRobinLbConfig'],
    ).toEqual({
      slowStartConfig: {
        slowStartWindow: '30s',
        aggression: { defaultValue: 1.5, runtimeKey: 'upstream.slow_start.aggression' },
        minWeightPercent: { value: 20 },
      },
    });
  });

  it('policy/D8 shares of traffic make localities count', () => {
    const distribute = [{ from: 'eu/*', to: { 'eu/*': 80, 'us/*': 20 } }];
    const cluster = clusterUnder({ loadBalancer: { localityLbSetting: { distribute } } });
    expect(cluster.commonLbConfig?.localityWeightedLbConfig).toEqual({});
  });
});

describe('limits', () => {
  const unlimited = {
    maxConnections: 4_294_967_295,
    maxPendingRequests: 4_294_967_295,
    maxRequests: 4_294_967_295,
    maxRetries: 4_294_967_295,
    trackRemaining: true,
  };

  it("policy/D12 there are none unless set, where Envoy's own would be 1024", () => {
    for (const name of [`outbound|80||${reviews}`, 'PassthroughCluster']) {
      expect(clusterJson(clusterIn(aMesh(aService('reviews')), name))['circuitBreakers']).toEqual({
        thresholds: [unlimited],
      });
    }
  });

  it('policy/D12 policy/D13 of connections, requests and retries', () => {
    const cluster = clusterUnder({
      connectionPool: {
        tcp: {
          maxConnections: 10,
          connectTimeout: '250ms',
          tcpKeepalive: { probes: 3, time: '7200s', interval: '75s' },
        },
        http: {
          http1MaxPendingRequests: 5,
          http2MaxRequests: 100,
          maxRetries: 2,
          maxRequestsPerConnection: 7,
          idleTimeout: '30s',
        },
      },
      retryBudget: { percent: 25, minRetryConcurrency: 4 },
    });
    expect(clusterJson(cluster)).toMatchObject({
      connectTimeout: '0.250s',
      circuitBreakers: {
        thresholds: [
          {
            maxConnections: 10,
            maxPendingRequests: 5,
            maxRequests: 100,
            maxRetries: 2,
            retryBudget: { budgetPercent: { value: 25 }, minRetryConcurrency: 4 },
          },
        ],
      },
      upstreamConnectionOptions: {
        tcpKeepalive: { keepaliveProbes: 3, keepaliveTime: 7200, keepaliveInterval: 75 },
      },
    });
    expect(httpOptionsOf(cluster)).toEqual({
      commonHttpProtocolOptions: { idleTimeout: '30s', maxRequestsPerConnection: 7 },
      explicitHttpConfig: { httpProtocolOptions: {} },
    });
  });

  it("policy/D12 the connect time-out is the mesh's unless the policy sets one", () => {
    const engine = aMesh(aService('reviews'), aMeshConfig({ connectTimeout: '3s' }));
    const names = engine.read(resourceNames, resourceNamesKey('cluster', clientInShop));
    for (const name of names) expect(clusterIn(engine, name).connectTimeout).toEqual({ seconds: 3 });
  });
});

describe('policy/D10 ejection', () => {
  it('has the defaults of Istio: no statistics, and no panic', () => {
    const cluster = clusterJson(clusterUnder({ outlierDetection: {} }));
    expect(cluster['outlierDetection']).toEqual({ enforcingSuccessRate: 0 });
    expect(cluster['commonLbConfig']).toEqual({ healthyPanicThreshold: {} });
  });

  it('counts what the policy says, and 0 switches a detector off', () => {
    const cluster = clusterJson(
      clusterUnder({
        outlierDetection: {
          consecutive5xxErrors: 0,
          consecutiveGatewayErrors: 3,
          interval: '1s',
          baseEjectionTime: '2s',
          maxEjectionPercent: 100,
          minHealthPercent: 40,
          splitExternalLocalOriginErrors: true,
          consecutiveLocalOriginFailures: 4,
        },
      }),
    );
    expect(cluster['outlierDetection']).toEqual({
      consecutive5xx: 0,
      enforcingConsecutive5xx: 0,
      consecutiveGatewayFailure: 3,
      enforcingConsecutiveGatewayFailure: 100,
      interval: '1s',
      baseEjectionTime: '2s',
      maxEjectionPercent: 100,
      enforcingSuccessRate: 0,
      splitExternalLocalOriginErrors: true,
      consecutiveLocalOriginFailure: 4,
      enforcingConsecutiveLocalOriginFailure: 100,
      enforcingLocalOriginSuccessRate: 0,
    });
    expect(cluster['commonLbConfig']).toEqual({ healthyPanicThreshold: { value: 40 } });
  });

  it('is off where nobody asked for it', () => {
    expect(clusterIn(aMesh(aService('reviews')), `outbound|80||${reviews}`)).not.toHaveProperty(
      'outlierDetection.interval',
    );
    expect(clusterUnder({}).outlierDetection).toBeUndefined();
  });
});

describe('policy/D13 what is spoken to the endpoints', () => {
  it.each<[Protocol, unknown]>([
    ['http', undefined],
    ['tcp', undefined],
    ['https', undefined],
    ['http2', { explicitHttpConfig: { http2ProtocolOptions: {} } }],
    ['grpc', { explicitHttpConfig: { http2ProtocolOptions: {} } }],
    ['auto', { useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions: {} } }],
  ])('%s', (protocol, options) => {
    expect(httpOptionsOf(withProtocol(protocol))).toEqual(options);
  });

  it('an upgrade makes it HTTP/2, the client protocol whatever the caller speaks', () => {
    const upgraded = clusterUnder({
      connectionPool: { http: { h2UpgradePolicy: 'UPGRADE', maxConcurrentStreams: 50 } },
    });
    expect(httpOptionsOf(upgraded)).toEqual({
      explicitHttpConfig: { http2ProtocolOptions: { maxConcurrentStreams: 50 } },
    });
    const followed = clusterUnder({ connectionPool: { http: { useClientProtocol: true } } });
    expect(httpOptionsOf(followed)).toEqual({
      useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
    });
  });

  it('what is no service is spoken to as the caller speaks', () => {
    expect(httpOptionsOf(clusterIn(aMesh(), 'PassthroughCluster'))).toEqual({
      useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
    });
  });
});

describe('policy/D15 transport security that the policy asks for', () => {
  function tlsOf(cluster: envoy.Cluster): unknown {
    return Object(clusterJson(cluster)['transportSocket'])['typedConfig'];
  }

  it('SIMPLE: the names come from the request, the authorities from the system', () => {
    const cluster = clusterUnder({ tls: { mode: 'SIMPLE' } });
    expect(tlsOf(cluster)).toMatchObject({
      commonTlsContext: { validationContext: { trustedCa: { filename: '/etc/ssl/certs/ca-certificates.crt' } } },
    });
    expect(httpOptionsOf(cluster)).toMatchObject({
      upstreamHttpProtocolOptions: { autoSni: true, autoSanValidation: true },
    });
  });

  it('MUTUAL: names, authorities and certificate of the policy', () => {
    const cluster = clusterUnder({
      tls: {
        mode: 'MUTUAL',
        sni: 'reviews.example',
        subjectAltNames: ['reviews.example', 'spiffe://td/ns/shop/sa/reviews'],
        caCertificates: '/ca.pem',
        clientCertificate: '/cert.pem',
        privateKey: '/key.pem',
      },
    });
    expect(tlsOf(cluster)).toEqual({
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      sni: 'reviews.example',
      commonTlsContext: {
        tlsCertificates: [{ certificateChain: { filename: '/cert.pem' }, privateKey: { filename: '/key.pem' } }],
        validationContext: {
          trustedCa: { filename: '/ca.pem' },
          matchTypedSubjectAltNames: [
            { sanType: 'DNS', matcher: { exact: 'reviews.example' } },
            { sanType: 'URI', matcher: { exact: 'spiffe://td/ns/shop/sa/reviews' } },
          ],
        },
      },
    });
    expect(httpOptionsOf(cluster)).toBeUndefined();
  });

  it('an unverified server is not verified, and DISABLE means in the clear', () => {
    const unverified = clusterUnder({ tls: { mode: 'SIMPLE', sni: 'x', insecureSkipVerify: true } });
    expect(tlsOf(unverified)).not.toHaveProperty('commonTlsContext.validationContext');
    expect(clusterUnder({ tls: { mode: 'DISABLE' } }).transportSocket).toBeUndefined();
  });

  it('HTTP/2 is offered in the handshake', () => {
    const cluster = clusterUnder({ tls: { mode: 'SIMPLE' }, connectionPool: { http: { h2UpgradePolicy: 'UPGRADE' } } });
    expect(tlsOf(cluster)).toMatchObject({ commonTlsContext: { alpnProtocols: ['h2'] } });
  });

  it('a workload without identity is turned away by a mutual peer instead of calling it in the clear', () => {
    const cluster = clusterUnder({ tls: { mode: 'ISTIO_MUTUAL' } });
    expect(tlsOf(cluster)).toMatchObject({
      sni: `outbound_.80_._.${reviews}`,
      commonTlsContext: { alpnProtocols: ['istio'] },
    });
    expect(tlsOf(cluster)).not.toHaveProperty('commonTlsContext.tlsCertificates');
  });
});

it('policy/P121 a port has its own policy', () => {
  const trafficPolicy = {
    connectionPool: { tcp: { maxConnections: 1 } },
    portLevelSettings: [{ port: { number: 9090 }, connectionPool: { tcp: { maxConnections: 2 } } }],
  };
  const engine = aMesh(
    aService('reviews', { ports: ['http:80', 'grpc:9090'] }),
    aDestinationRule('reviews', { host: 'reviews', trafficPolicy }),
  );
  const limitOf = (port: number): unknown =>
    clusterIn(engine, `outbound|${port}||${reviews}`).circuitBreakers?.thresholds?.[0]?.maxConnections;
  expect([limitOf(80), limitOf(9090)]).toEqual([{ value: 1 }, { value: 2 }]);
});
