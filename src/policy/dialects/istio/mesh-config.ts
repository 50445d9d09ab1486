import { defaultMeshSettings, type MeshSettings } from '../../../model/mesh-settings.ts';
import type { TrafficPolicy } from '../../../model/traffic-policy.ts';
import { decodeAuthorizationProviders } from './authorization-providers.ts';
import { decodeConnectionPool } from './connection-pool.ts';
import type { DecodedMeshConfig, DecodedObject } from './decoded.ts';
import { decodeExportTo } from './export-to.ts';
import { quote } from './field-path.ts';
import { checkLogFormat } from './header-values.ts';
import { checkHost } from './hosts.ts';
import { decodeLocality } from './locality.ts';
import { decodeOutlierDetection } from './outlier-detection.ts';
import type { Reading } from './reading.ts';
import { decodeRetries } from './retries.ts';
import type { MeshConfigSpec } from './schemas/mesh-config.ts';
import { checkLine, checkName, decodeDuration, inRange, itemsOf } from './values.ts';

/** What a MeshConfig sets, apart from who wrote it (policy E15). */
export function decodeMeshConfigSpec(
  spec: MeshConfigSpec,
  reading: Reading,
): Omit<DecodedMeshConfig, keyof DecodedObject> {
  reportIdle(spec, reading);
  const settings: { readonly [Name in keyof MeshSettings]: MeshSettings[Name] | undefined } = {
    ...decodeNames(spec, reading),
    ...decodeTimes(spec, reading),
    ...decodeLogging(spec, reading),
    ...decodeTraffic(spec, reading),
    ...decodeExports(spec, reading),
    authorizationProviders: decodeAuthorizationProviders(spec.extensionProviders, reading),
  };
  checkPorts(settings, reading);
  const set = Object.entries(settings).filter(([, value]) => value !== undefined);
  return { kind: 'mesh-config', settings: Object.fromEntries(set) };
}

/** Fields that Weir knows and does not act on, with what holds instead. */
const idle: Readonly<Partial<Record<keyof MeshConfigSpec, string>>> = {
  proxyHttpPort: 'a proxy says itself on which port it takes proxy requests',
  hboneIdleTimeout: 'there are no HBONE tunnels',
  tcpKeepalive: 'only connectionPool.tcp.tcpKeepalive of rules is',
  ingressClass: 'Ingress objects are not read',
  ingressService: 'Ingress objects are not read',
  ingressControllerMode: 'Ingress objects are not read',
  ingressSelector: 'Ingress objects are not read',
  enableTracing: 'requests are not traced',
  enableEnvoyAccessLogService: 'only accessLogFile is',
  disableEnvoyListenerLog: 'listeners have no log of their own',
  defaultConfig: 'proxies follow their own bootstrap',
  inboundTrafficPolicy: 'requests for unknown ports are passed on to them',
  configSources: 'sources are options of the program',
  trustDomain: 'it is the setting --trust-domain',
  caCertificates: 'the roots are those of the authority, --ca-dir or --ca-secret',
  zoneAwareLbSetting: 'only localityLbSetting is',
  h2UpgradePolicy: 'only connectionPool.http.h2UpgradePolicy of rules is',
  inboundClusterStatName: 'statistics are named after the clusters',
  outboundClusterStatName: 'statistics are named after the clusters',
  certificates: 'no certificates for DNS names are made',
  serviceSettings: 'there is one cluster',
  serviceScopeConfigs: 'there is one cluster',
  enablePrometheusMerge: 'metrics are not merged',
  verifyCertificateAtClient: 'certificates are verified as each rule says',
  ca: 'there are no certificates of workloads',
  defaultProviders: 'no object refers to them',
  discoverySelectors: 'all namespaces are read',
  meshMTLS: 'connections inside the mesh are not encrypted',
  tlsDefaults: 'the defaults of the proxies hold',
  serviceEntryVisibility: 'only exportTo and the default exports are',
};

function reportIdle(spec: MeshConfigSpec, reading: Reading): void {
  for (const [field, consequence] of Object.entries(idle)) {
    if (spec[field as keyof MeshConfigSpec] !== undefined) reading.notInForce(`spec.${field}`, consequence);
  }
}

/** Envoy refuses a second listener on one address. */
function checkPorts(settings: Some<'proxyListenPort' | 'proxyInboundListenPort'>, reading: Reading): void {
  const outbound = settings.proxyListenPort ?? defaultMeshSettings.proxyListenPort;
  const inbound = settings.proxyInboundListenPort ?? defaultMeshSettings.proxyInboundListenPort;
  if (outbound !== inbound) return;
  const path = settings.proxyListenPort === undefined ? 'spec.proxyInboundListenPort' : 'spec.proxyListenPort';
  const message = `the port ${outbound} is the one for outbound and for inbound traffic`;
  reading.error('WEIR1006', path, message, 'give each direction a port of its own');
}

type Some<Names extends keyof MeshSettings> = { readonly [Name in Names]: MeshSettings[Name] | undefined };

function decodeNames(
  spec: MeshConfigSpec,
  reading: Reading,
): Some<'rootNamespace' | 'trustDomain' | 'trustDomainAliases'> {
  const rootNamespace = spec.rootNamespace === '' ? undefined : spec.rootNamespace;
  const trustDomain = spec.trustDomain === '' ? undefined : spec.trustDomain;
  if (rootNamespace !== undefined) checkName(rootNamespace, 'namespace', 'spec.rootNamespace', reading);
  if (trustDomain !== undefined) checkHost(trustDomain, 'spec.trustDomain', reading, {});
  const trustDomainAliases =
    spec.trustDomainAliases === undefined
      ? undefined
      : itemsOf(spec.trustDomainAliases, 'spec.trustDomainAliases').flatMap(({ item, at }) => {
          checkHost(item, at, reading, {});
          return [item];
        });
  return { rootNamespace, trustDomain, trustDomainAliases };
}

function decodeTimes(
  spec: MeshConfigSpec,
  reading: Reading,
): Some<'connectTimeoutMs' | 'protocolDetectionTimeoutMs' | 'dnsRefreshRateMs'> {
  return {
    connectTimeoutMs: decodeDuration(spec.connectTimeout, 'spec.connectTimeout', reading),
    protocolDetectionTimeoutMs: decodeDuration(
      spec.protocolDetectionTimeout,
      'spec.protocolDetectionTimeout',
      reading,
      0,
    ),
    dnsRefreshRateMs: decodeDuration(spec.dnsRefreshRate, 'spec.dnsRefreshRate', reading),
  };
}

function decodeLogging(
  spec: MeshConfigSpec,
  reading: Reading,
): Some<'accessLogFile' | 'accessLogFormat' | 'accessLogEncoding'> {
  const { accessLogFile, accessLogFormat, accessLogEncoding } = spec;
  if (accessLogFile !== undefined) checkLine(accessLogFile, 'spec.accessLogFile', reading);
  if (accessLogFormat !== undefined && accessLogFormat !== '') {
    checkLogFormat(accessLogFormat, 'spec.accessLogFormat', reading);
    if (accessLogEncoding === 'JSON') checkJsonFormat(accessLogFormat, reading);
  }
  const encoding = accessLogEncoding === undefined ? undefined : accessLogEncoding === 'JSON' ? 'json' : 'text';
  return { accessLogFile, accessLogFormat, accessLogEncoding: encoding };
}

function checkJsonFormat(format: string, reading: Reading): void {
  try {
    const value: unknown = JSON.parse(format);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
  } catch {
    // Said below.
  }
  const advice = 'write a JSON object of text, or use the encoding TEXT';
  reading.error('WEIR1002', 'spec.accessLogFormat', 'the format of a JSON log is no JSON object', advice);
}

type TrafficFields =
  | 'autoMutualTls'
  | 'outboundTraffic'
  | 'defaultRetries'
  | 'defaultTrafficPolicy'
  | 'locality'
  | 'proxyListenPort'
  | 'proxyInboundListenPort'
  | 'pathNormalization';

function decodeTraffic(spec: MeshConfigSpec, reading: Reading): Some<TrafficFields> {
  return {
    autoMutualTls: spec.enableAutoMtls,
    outboundTraffic: decodeOutbound(spec.outboundTrafficPolicy, reading),
    defaultRetries: decodeRetries(spec.defaultHttpRetryPolicy, 'spec.defaultHttpRetryPolicy', reading),
    defaultTrafficPolicy: decodeDefaults(spec.defaultTrafficPolicy, reading),
    locality: decodeLocality(spec.localityLbSetting, 'spec.localityLbSetting', reading, undefined),
    proxyListenPort: inRange(spec.proxyListenPort, [1, 65_535], 'spec.proxyListenPort', reading),
    proxyInboundListenPort: inRange(spec.proxyInboundListenPort, [1, 65_535], 'spec.proxyInboundListenPort', reading),
    pathNormalization: normalizations[spec.pathNormalization?.normalization ?? 'DEFAULT'],
  };
}

/** Istio's wire format makes REGISTRY_ONLY of a policy that does not say its mode. */
function decodeOutbound(
  spec: MeshConfigSpec['outboundTrafficPolicy'],
  reading: Reading,
): MeshSettings['outboundTraffic'] | undefined {
  if (spec === undefined) return undefined;
  if (spec.tls !== undefined)
    reading.notInForce('spec.outboundTrafficPolicy.tls', 'unknown destinations are passed on to as they are');
  switch (spec.mode) {
    case 'ALLOW_ANY':
      return 'allow-any';
    case 'ALLOW_ANY_DYNAMIC_DNS': {
      const message = `${quote('ALLOW_ANY_DYNAMIC_DNS')} acts as ALLOW_ANY: names are not resolved by proxies`;
      reading.warn('WEIR1009', 'spec.outboundTrafficPolicy.mode', message, 'use ALLOW_ANY');
      return 'allow-any';
    }
    case 'REGISTRY_ONLY':
    case undefined:
      return 'registry-only';
  }
}

function decodeDefaults(spec: MeshConfigSpec['defaultTrafficPolicy'], reading: Reading): TrafficPolicy | undefined {
  const { connectionPool, outlierDetection } = spec ?? {};
  if (connectionPool === undefined && outlierDetection === undefined) return undefined;
  const path = 'spec.defaultTrafficPolicy';
  return {
    loadBalancer: undefined,
    connectionPool: connectionPool && decodeConnectionPool(connectionPool, `${path}.connectionPool`, reading),
    outlierDetection: outlierDetection && decodeOutlierDetection(outlierDetection, `${path}.outlierDetection`, reading),
    tls: undefined,
    retryBudget: undefined,
  };
}

type Normalization = NonNullable<NonNullable<MeshConfigSpec['pathNormalization']>['normalization']>;

const normalizations: Readonly<Record<Normalization, MeshSettings['pathNormalization'] | undefined>> = {
  DEFAULT: undefined,
  NONE: 'none',
  BASE: 'base',
  MERGE_SLASHES: 'merge-slashes',
  DECODE_AND_MERGE_SLASHES: 'decode-and-merge-slashes',
};

type ExportFields = 'defaultServiceExportTo' | 'defaultVirtualServiceExportTo' | 'defaultDestinationRuleExportTo';

function decodeExports(spec: MeshConfigSpec, reading: Reading): Some<ExportFields> {
  const decoded = (field: ExportFields): readonly string[] | undefined =>
    decodeExportTo(spec[field], `spec.${field}`, reading);
  return {
    defaultServiceExportTo: decoded('defaultServiceExportTo'),
    defaultVirtualServiceExportTo: decoded('defaultVirtualServiceExportTo'),
    defaultDestinationRuleExportTo: decoded('defaultDestinationRuleExportTo'),
  };
}
