import type { z } from 'zod';
import { largestObject } from '../limits.ts';
import { double, duration, flag, int32, list, map, message, text, uint32, uint64, words } from './fields.ts';

const consistentHash = message({
  httpHeaderName: text,
  httpCookie: message(
    { name: text, path: text, ttl: duration, attributes: list(message({ name: text, value: text }, ['name'])) },
    ['name'],
  ),
  useSourceIp: flag,
  httpQueryParameterName: text,
  ringHash: message({ minimumRingSize: uint64 }),
  maglev: message({ tableSize: uint64 }),
  minimumRingSize: uint64,
});

const failover = list(message({ from: text, to: text }), largestObject.localities);

export const localityLbSetting = message({
  distribute: list(message({ from: text, to: map(uint32) }), largestObject.localities),
  failover,
  failoverPriority: list(text),
  enabled: flag,
});

export const zoneAwareLbSetting = message({
  enabled: flag,
  failover,
  failoverPriority: list(text),
  minClusterSize: uint32,
});

const loadBalancer = message({
  simple: words('UNSPECIFIED', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH', 'ROUND_ROBIN', 'LEAST_REQUEST'),
  consistentHash,
  localityLbSetting,
  zoneAwareLbSetting,
  warmup: message({ duration, minimumPercent: double, aggression: double }, ['duration']),
  warmupDurationSecs: duration,
});

export const tcpKeepalive = message({ probes: uint32, time: duration, interval: duration });

export const connectionPool = message({
  tcp: message({
    maxConnections: int32,
    connectTimeout: duration,
    tcpKeepalive,
    maxConnectionDuration: duration,
    idleTimeout: duration,
  }),
  http: message({
    http1MaxPendingRequests: int32,
    http2MaxRequests: int32,
    maxRequestsPerConnection: int32,
    maxRetries: int32,
    idleTimeout: duration,
    h2UpgradePolicy: words('DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE'),
    useClientProtocol: flag,
    maxConcurrentStreams: int32,
    http2KeepAlive: message({ interval: duration, timeout: duration }),
  }),
});

export const outlierDetection = message({
  consecutiveErrors: int32,
  splitExternalLocalOriginErrors: flag,
  consecutiveLocalOriginFailures: uint32,
  consecutiveGatewayErrors: uint32,
  consecutive5xxErrors: uint32,
  interval: duration,
  baseEjectionTime: duration,
  maxEjectionPercent: int32,
  minHealthPercent: int32,
  outlierDetectionHttpErrorCodes: list(uint32),
});

export const clientTls = message({
  mode: words('DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'),
  clientCertificate: text,
  privateKey: text,
  caCertificates: text,
  credentialName: text,
  subjectAltNames: list(text),
  sni: text,
  insecureSkipVerify: flag,
  caCrl: text,
});

const portTrafficPolicy = message({
  port: message({ number: uint32 }),
  loadBalancer,
  connectionPool,
  outlierDetection,
  tls: clientTls,
});

const trafficPolicy = message({
  loadBalancer: loadBalancer.describe('How an endpoint is chosen.'),
  connectionPool: connectionPool.describe('How many connections and requests there may be.'),
  outlierDetection: outlierDetection.describe('When an endpoint that fails is left out for a while.'),
  tls: clientTls,
  portLevelSettings: list(portTrafficPolicy).describe('For single ports, in place of the rest.'),
  tunnel: message({ protocol: text, targetHost: text, targetPort: uint32 }, ['targetHost', 'targetPort']),
  proxyProtocol: message({ version: words('V1', 'V2') }),
  retryBudget: message({ percent: double, minRetryConcurrency: uint32, budgetInterval: duration }),
});

/** `networking.istio.io` DestinationRule, versions v1, v1beta1 and v1alpha3 alike. */
export const destinationRuleSchema = message(
  {
    host: text.describe(
      'The service: its name, *.suffix, or *. A name without a dot is in the namespace of the object.',
    ),
    trafficPolicy: trafficPolicy.describe('For all subsets that do not say otherwise.'),
    subsets: list(message({ name: text, labels: map(text), trafficPolicy }, ['name'])),
    exportTo: list(text).describe('Namespaces that see the object: names, . for its own, * for all.'),
    workloadSelector: message({ matchLabels: map(text) }),
  },
  ['host'],
);

export type DestinationRuleSpec = z.infer<typeof destinationRuleSchema>;
export type TrafficPolicySpec = z.infer<typeof trafficPolicy>;
export type PortTrafficPolicySpec = z.infer<typeof portTrafficPolicy>;
export type LoadBalancerSpec = z.infer<typeof loadBalancer>;
export type ConsistentHashSpec = z.infer<typeof consistentHash>;
export type LocalitySpec = z.infer<typeof localityLbSetting>;
export type ConnectionPoolSpec = z.infer<typeof connectionPool>;
export type OutlierDetectionSpec = z.infer<typeof outlierDetection>;
export type ClientTlsSpec = z.infer<typeof clientTls>;
