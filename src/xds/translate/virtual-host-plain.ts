import type { Query, Read } from '../../incremental/definitions.ts';
import { compositeKey, partsOf, type ServiceKey } from '../../model/keys.ts';
import type { Provenance } from '../../model/provenance.ts';
import { virtualServicesByHost } from '../../policy/config-indexes.ts';
import { equalLists } from '../../policy/equality.ts';
import { serviceOf } from '../../policy/services.ts';
import { encode } from '../proto.ts';
import { equalBytes, fieldStart, joined, lengthOf } from './bytes.ts';
import { domainsOfHost, domainsWithPort, namespaceOfName, type HostDomains } from './domains.ts';
import type { TableHost } from './route-hosts.ts';
import { plainRoutes } from './virtual-host-routes.ts';

/** A virtual host as it is while neither policy nor another host of its table has a say. */
export interface PlainHost {
  readonly domains: HostDomains;
  /** A complete `virtual_hosts` entry of a route configuration: its start, then name, domains and routes of the host. */
  readonly entry: Uint8Array;
  /** Where the domains begin in the entry. */
  readonly domainsAt: number;
  /** Where the routes begin in the entry. */
  readonly routesAt: number;
  readonly provenance: readonly Provenance[];
  /** Policy speaks of one of its shorter names or addresses: it may not keep that one. */
  readonly mayYield: boolean;
}

/** How a table compares host names: with the port that the client wrote behind them, or without. */
export type HostMatching = 'any-port' | 'exact-port';

/** Number of the field `virtual_hosts` of a route configuration. */
const virtualHosts = 2;

/** Stands in the key for a host without a service, and for a host that is in another namespace than the client. */
const none = '-';

/** The key is shared by all clients for which the host comes out equal. */
export const plainHost: Query<string, PlainHost> = {
  name: 'plainHost',
  compute(read, key) {
    const [namespace = '', clusterDomain = '', matching = '', portText = '', hostname = '', serviceText = none] =
      partsOf(key);
    const service = serviceText === none ? undefined : read(serviceOf, serviceText as ServiceKey);
    const port = Number(portText);
    const names = domainsOfHost({
      hostname,
      namespace,
      clusterDomain,
      addresses: service?.addresses ?? [],
      membersHaveNames: service?.headless === true && service.registry === 'kubernetes',
    });
    const domains = matching === 'exact-port' ? domainsWithPort(names, port) : names;
    const head = [encodeName(`${hostname}:${port}`), encodeDomains([...domains.declared, ...domains.derived])] as const;
    const routes = plainRoutes(read, service, hostname, port);
    const start = entryStart([...head, routes]);
    const domainsAt = start.length + head[0].length;
    return {
      domains,
      entry: joined([start, ...head, routes]),
      domainsAt,
      routesAt: domainsAt + head[1].length,
      provenance: service === undefined ? [] : [service.declaredBy],
      mayYield: [...names.declared, ...names.derived].some((name) => name !== hostname && isRouted(read, name)),
    };
  },
  equal: (a, b) => a.mayYield === b.mayYield && equalBytes(a.entry, b.entry) && equalLists(a.provenance, b.provenance),
};

/** Whether a VirtualService has a name as its host. Those of others are full, so that a name without a dot is none. */
function isRouted(read: Read, name: string): boolean {
  return /[.:]/.test(name) && read(virtualServicesByHost, name.replaceAll(/[[\]]/g, '')).length > 0;
}

/** @param client namespace and cluster domain of a client */
export function plainHostKey(
  client: { readonly namespace: string; readonly domain: string },
  { hostname, port, service }: TableHost,
  matching: HostMatching,
): string {
  const namespace = namespaceOfName(hostname, client.domain) === client.namespace ? client.namespace : none;
  return compositeKey(namespace, client.domain, matching, port, hostname, service ?? none);
}

/** What stands before a virtual host, given in parts, in a route configuration. */
export function entryStart(parts: readonly Uint8Array[]): Uint8Array {
  return fieldStart(virtualHosts, lengthOf(parts));
}

export function encodeName(name: string): Uint8Array {
  return encode('envoy.config.route.v3.VirtualHost', { name });
}

export function encodeDomains(domains: readonly string[]): Uint8Array {
  return encode('envoy.config.route.v3.VirtualHost', { domains });
}
