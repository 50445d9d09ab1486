import type { Query } from '../../incremental/definitions.ts';
import { compositeKey, partsOf, type ServiceKey } from '../../model/keys.ts';
import { serviceOf } from '../../policy/services.ts';
import { encode } from '../proto.ts';
import { equalBytes } from './bytes.ts';
import { domainsOfHost, domainsWithPort, namespaceOfName, type HostDomains } from './domains.ts';
import type { TableHost } from './route-hosts.ts';

/** Name and domains of a virtual host: the part that depends on the service alone. */
export interface VirtualHostHead extends HostDomains {
  /** Encoded, with all the domains. */
  readonly bytes: Uint8Array;
}

/** How a table compares host names: with the port that the client wrote behind them, or without. */
export type HostMatching = 'any-port' | 'exact-port';

/** Stands in the key for a host without a service, and for a host that is in another namespace than the client. */
const none = '-';

/**
 * The head before other hosts of its table have a say. Its key is shared by all clients for which it comes out equal.
 */
export const virtualHostHead: Query<string, VirtualHostHead> = {
  name: 'virtualHostHead',
  compute(read, key) {
    const [namespace = '', clusterDomain = '', matching = '', portText = '', hostname = '', serviceText = none] =
      partsOf(key);
    const service = serviceText === none ? undefined : read(serviceOf, serviceText as ServiceKey);
    const domains = domainsOfHost({
      hostname,
      namespace,
      clusterDomain,
      addresses: service?.addresses ?? [],
      membersHaveNames: service?.headless === true && service.registry === 'kubernetes',
    });
    const port = Number(portText);
    const { declared, derived } = matching === 'exact-port' ? domainsWithPort(domains, port) : domains;
    return { declared, derived, bytes: encodeHead(hostname, port, [...declared, ...derived]) };
  },
  equal: (a, b) => equalBytes(a.bytes, b.bytes),
};

/** @param client namespace and cluster domain of a client */
export function virtualHostHeadKey(
  client: { readonly namespace: string; readonly domain: string },
  { hostname, port, service }: TableHost,
  matching: HostMatching,
): string {
  const namespace = namespaceOfName(hostname, client.domain) === client.namespace ? client.namespace : none;
  return compositeKey(namespace, client.domain, matching, port, hostname, service ?? none);
}

export function encodeHead(hostname: string, port: number, domains: readonly string[]): Uint8Array {
  return encode('envoy.config.route.v3.VirtualHost', { name: `${hostname}:${port}`, domains });
}
