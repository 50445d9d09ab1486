import type { AuthorizationProvider } from './authorization-provider.ts';
import type { LocalityPreference, TrafficPolicy } from './traffic-policy.ts';
import type { Retries } from './routing.ts';

/** Mesh-wide settings, with the defaults that hold when nobody set them (policy E15). */
export interface MeshSettings {
  /** Objects without selector in this namespace hold for the whole mesh (policy G6). */
  readonly rootNamespace: string;
  readonly trustDomain: string;
  /** Workloads of the mesh call each other with mutual TLS where no rule says otherwise. */
  readonly autoMutualTls: boolean;
  /** Other trust domains whose identities are the same as the mesh's own. */
  readonly trustDomainAliases: readonly string[];
  readonly outboundTraffic: 'allow-any' | 'registry-only';
  readonly defaultServiceExportTo: readonly string[];
  readonly defaultVirtualServiceExportTo: readonly string[];
  readonly defaultDestinationRuleExportTo: readonly string[];
  readonly connectTimeoutMs: number;
  /** 0: wait for the first bytes as long as it takes. */
  readonly protocolDetectionTimeoutMs: number;
  readonly dnsRefreshRateMs: number;
  readonly defaultRetries: Retries | undefined;
  readonly defaultTrafficPolicy: TrafficPolicy | undefined;
  readonly locality: LocalityPreference | undefined;
  /** Empty: no access log. `/dev/stdout` is usual. */
  readonly accessLogFile: string;
  readonly accessLogFormat: string;
  readonly accessLogEncoding: 'text' | 'json';
  readonly proxyListenPort: number;
  readonly proxyInboundListenPort: number;
  /** Who may be asked by policies that consult. */
  readonly authorizationProviders: readonly AuthorizationProvider[];
  readonly pathNormalization: 'none' | 'base' | 'merge-slashes' | 'decode-and-merge-slashes';
}

export const defaultMeshSettings: MeshSettings = {
  rootNamespace: 'weir-system',
  trustDomain: 'cluster.local',
  autoMutualTls: true,
  trustDomainAliases: [],
  outboundTraffic: 'allow-any',
  defaultServiceExportTo: ['*'],
  defaultVirtualServiceExportTo: ['*'],
  defaultDestinationRuleExportTo: ['*'],
  connectTimeoutMs: 10_000,
  protocolDetectionTimeoutMs: 0,
  dnsRefreshRateMs: 60_000,
  defaultRetries: undefined,
  defaultTrafficPolicy: undefined,
  locality: undefined,
  accessLogFile: '',
  accessLogFormat: '',
  accessLogEncoding: 'text',
  proxyListenPort: 15001,
  proxyInboundListenPort: 15006,
  authorizationProviders: [],
  pathNormalization: 'base',
};
