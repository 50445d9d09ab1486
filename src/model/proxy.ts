import type { SecretOrigin } from './identity.ts';
import type { ProxyKey } from './keys.ts';
import type { Locality } from './workload.ts';

/** How traffic reaches the proxy: `redirect` by iptables (TPROXY counts as it), `none` by dialling its ports. */
export type Interception = 'redirect' | 'none';

/** What a proxy says of itself in the first message of its stream. */
export interface Proxy {
  readonly key: ProxyKey;
  /** `sidecar~IP~POD.NAMESPACE~NAMESPACE.svc.DOMAIN`. */
  readonly nodeId: string;
  readonly addresses: readonly string[];
  readonly workloadName: string;
  readonly namespace: string;
  /** Cluster domain, for example `cluster.local`. */
  readonly domain: string;
  /** For workloads that no registry knows; a registry's labels win. */
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly clusterId: string;
  readonly locality: Locality;
  readonly interception: Interception;
  /** Port on 127.0.0.1 that takes HTTP proxy requests (policy P351); undefined: no such listener. */
  readonly httpProxyPort: number | undefined;
  /** CIDR of virtual addresses that this proxy binds itself (policy P353); undefined: none. */
  readonly boundAddresses: string | undefined;
  /** Ports of the workload's containers, where the node names them. */
  readonly podPorts: readonly { readonly name: string; readonly containerPort: number }[];
  readonly version: string;
  /** Names of Envoy extensions that the proxy announced; undefined when it announced none. */
  readonly extensions: ReadonlySet<string> | undefined;
  /** Virtual hosts can be sent to it one by one, and it uses those that it has not asked for (xds-protocol X310). */
  readonly takesVirtualHosts: boolean;
  /** Where it gets its certificate and key from. */
  readonly secrets: SecretOrigin;
}
