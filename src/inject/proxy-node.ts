import type { Interception } from '../model/proxy.ts';
import type { Locality } from '../model/workload.ts';
import type * as envoy from '../xds/envoy.ts';
import { struct } from '../xds/envoy.ts';

/** The workload that an Envoy is started beside. */
export interface WorkloadIdentity {
  readonly name: string;
  readonly namespace: string;
  readonly ip: string;
  /** Cluster domain, for example `cluster.local`. */
  readonly domain: string;
}

/** What the Envoy tells about its workload in the first message of its stream. */
export interface ProxyFacts {
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly clusterId: string;
  readonly locality: Locality;
  readonly interception: Interception;
  /** Port on 127.0.0.1 that takes HTTP proxy requests; undefined: none. */
  readonly httpProxyPort: number | undefined;
  /** CIDR of the virtual addresses that the Envoy binds itself; undefined: none. */
  readonly boundAddresses: string | undefined;
}

/** `sidecar~IP~POD.NAMESPACE~NAMESPACE.svc.DOMAIN` (istio-compat I90). */
export function nodeId({ name, namespace, ip, domain }: WorkloadIdentity): string {
  return `sidecar~${ip}~${name}.${namespace}~${namespace}.svc.${domain}`;
}

/** Takes a node id of a sidecar apart; undefined when it is none. */
export function parseNodeId(id: string): WorkloadIdentity | undefined {
  const match = /^sidecar~([^~\s]+)~([^~\s]+)\.([^~.\s]+)~([^~.\s]+)\.svc\.([^~\s]+)$/.exec(id);
  if (match === null) return undefined;
  const [, ip = '', name = '', namespace = '', domainNamespace, domain = ''] = match;
  return namespace === domainNamespace ? { name, namespace, ip, domain } : undefined;
}

/** The node of an Envoy, its metadata named and typed as Istio's agent sends it (istio-compat I93): numbers are text. */
export function proxyNode(workload: WorkloadIdentity, facts: ProxyFacts): envoy.Node {
  const { region, zone, subZone } = facts.locality;
  return {
    id: nodeId(workload),
    cluster: `${workload.name}.${workload.namespace}`,
    metadata: struct({
      NAME: workload.name,
      NAMESPACE: workload.namespace,
      INSTANCE_IPS: workload.ip,
      CLUSTER_ID: facts.clusterId,
      SERVICE_ACCOUNT: facts.serviceAccount,
      LABELS: facts.labels,
      INTERCEPTION_MODE: facts.interception === 'none' ? 'NONE' : 'REDIRECT',
      HTTP_PROXY_PORT: facts.httpProxyPort === undefined ? undefined : String(facts.httpProxyPort),
      WEIR_BOUND_ADDRESSES: facts.boundAddresses,
    }),
    ...(region === '' ? {} : { locality: { region, zone, subZone } }),
  };
}
