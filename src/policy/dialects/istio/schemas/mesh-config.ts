import type { z } from 'zod';
import {
  clientTls,
  connectionPool,
  localityLbSetting,
  outlierDetection,
  tcpKeepalive,
  zoneAwareLbSetting,
} from './destination-rule.ts';
import { extensionProvider } from './extension-provider.ts';
import { duration, flag, int32, list, message, opaque, text, words } from './fields.ts';
import { httpRetry } from './virtual-service.ts';

const tlsDefaults = message({
  minProtocolVersion: words('TLS_AUTO', 'TLSV1_2', 'TLSV1_3'),
  ecdhCurves: list(text),
  cipherSuites: list(text),
});

/** `mesh.istio.io` MeshConfig, as Istio's users have it under the key `mesh` of the ConfigMap `istio`. */
export const meshConfigSchema = message({
  proxyListenPort: int32,
  proxyInboundListenPort: int32,
  proxyHttpPort: int32,
  connectTimeout: duration,
  hboneIdleTimeout: duration,
  protocolDetectionTimeout: duration,
  tcpKeepalive,
  ingressClass: text,
  ingressService: text,
  ingressControllerMode: words('UNSPECIFIED', 'OFF', 'DEFAULT', 'STRICT'),
  ingressSelector: text,
  enableTracing: flag,
  accessLogFile: text,
  accessLogFormat: text,
  accessLogEncoding: words('TEXT', 'JSON'),
  enableEnvoyAccessLogService: flag,
  disableEnvoyListenerLog: flag,
  defaultConfig: opaque,
  outboundTrafficPolicy: message({
    mode: words('REGISTRY_ONLY', 'ALLOW_ANY', 'ALLOW_ANY_DYNAMIC_DNS'),
    tls: clientTls,
  }),
  inboundTrafficPolicy: message({ mode: words('PASSTHROUGH', 'LOCALHOST') }),
  configSources: opaque,
  enableAutoMtls: flag,
  trustDomain: text,
  trustDomainAliases: list(text),
  caCertificates: opaque,
  defaultServiceExportTo: list(text),
  defaultVirtualServiceExportTo: list(text),
  defaultDestinationRuleExportTo: list(text),
  rootNamespace: text,
  localityLbSetting,
  zoneAwareLbSetting,
  dnsRefreshRate: duration,
  h2UpgradePolicy: words('DO_NOT_UPGRADE', 'UPGRADE'),
  inboundClusterStatName: text,
  outboundClusterStatName: text,
  certificates: opaque,
  serviceSettings: opaque,
  serviceScopeConfigs: opaque,
  enablePrometheusMerge: flag,
  verifyCertificateAtClient: flag,
  ca: opaque,
  extensionProviders: list(extensionProvider),
  defaultProviders: opaque,
  discoverySelectors: opaque,
  pathNormalization: message({
    normalization: words('DEFAULT', 'NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'),
  }),
  defaultHttpRetryPolicy: httpRetry,
  meshMTLS: tlsDefaults,
  tlsDefaults,
  defaultTrafficPolicy: message({ connectionPool, outlierDetection }),
  serviceEntryVisibility: opaque,
});

export type MeshConfigSpec = z.infer<typeof meshConfigSchema>;
