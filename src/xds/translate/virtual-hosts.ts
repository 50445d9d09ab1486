import type { Query, Read } from '../../incremental/definitions.ts';
import { compositeKey, type ScopeKey } from '../../model/keys.ts';
import { equalLists } from '../../policy/equality.ts';
import { outboundTraffic } from '../../policy/mesh.ts';
import { clientScope, scopeFactsOf } from '../../policy/scope.ts';
import { serviceForHost, serviceForHostKey } from '../../policy/services.ts';
import { parseRouteName, parseVirtualHostName, routeName, virtualHostName, type SharedRouteName } from '../names.ts';
import { encode } from '../proto.ts';
import { otherHosts } from './other-hosts.ts';
import { claimedListeners, claimsOfListener, routesOfClaim } from './outbound-claims.ts';
import { hostsWithoutService, servedPorts, type TableHost } from './route-hosts.ts';
import { hostsOfTable, ownersFor } from './table-domains.ts';
import { tableOf } from './table-hosts.ts';
import { hostByItself, hostId, type EncodedParts } from './virtual-host.ts';

/**
 * Virtual hosts that are delivered one by one (xds-protocol X77, X310). Each table has one more that takes all other
 * hosts, `80/*`: so no table is without, and Envoy need not wait for one (X311).
 */

const others = '*';

/**
 * Names of the virtual hosts of one table. The key is `scope table`, the scope a client's. One list for all who have the
 * table, since it may be long.
 */
export const virtualHostsOfTable: Query<string, readonly string[]> = {
  name: 'virtualHostsOfTable',
  compute(read, key) {
    const { table } = tableOf(key);
    return [others, ...hostsOfTable(read, key).map(hostId)].map((host) => virtualHostName(table, host));
  },
  equal: equalLists,
};

/** The tables that the listeners of a scope refer to and several services share. The key is an outbound scope. */
const sharedTables: Query<ScopeKey, readonly string[]> = {
  name: 'sharedTables',
  compute(read, scope) {
    const { httpProxyPort } = scopeFactsOf(scope, 'outbound');
    const routes: SharedRouteName[] = httpProxyPort === undefined ? [] : [{ kind: 'http-proxy' }];
    for (const listener of read(claimedListeners, scope)) {
      const claims = read(claimsOfListener, compositeKey(scope, listener));
      for (const claim of claims) {
        const route = routesOfClaim(claim, claims);
        if (route !== undefined && route.kind !== 'service') routes.push(route);
      }
    }
    return [...new Set(routes.map(routeName))].toSorted();
  },
  equal: equalLists,
};

/** Names of all virtual hosts of a scope. @param scope an outbound one */
export function virtualHostNames(read: Read, scope: ScopeKey): readonly string[] {
  const client = clientScope(scope);
  return read(sharedTables, scope).flatMap((table) => read(virtualHostsOfTable, compositeKey(client, table)));
}

/** @returns undefined: there is no such virtual host */
export function translateVirtualHost(read: Read, scope: ScopeKey, name: string): EncodedParts | undefined {
  const { routeConfiguration = '', host: id = '' } = parseVirtualHostName(name) ?? {};
  const route = parseRouteName(routeConfiguration);
  if (route === undefined || route.kind === 'service') return undefined;
  if (id === others) {
    const virtualHost = { ...otherHosts(route, read(outboundTraffic, 'mesh')), name };
    return { parts: [encode('envoy.config.route.v3.VirtualHost', virtualHost)], provenance: [] };
  }
  const client = clientScope(scope);
  const table = tableOf(compositeKey(client, routeConfiguration));
  const host = hostOfTable(read, client, route, id);
  return host && hostByItself(read, table, host, { ownersOf: ownersFor(read, table), name });
}

/** One host of a shared table, found by its id so that no other host matters; undefined: the table does not have it. */
function hostOfTable(read: Read, client: ScopeKey, table: SharedRouteName, id: string): TableHost | undefined {
  const named = parseRouteName(id);
  if (named?.kind !== 'service' || (table.kind === 'port' && table.port !== named.port)) return undefined;
  const { hostname, port } = named;
  const { namespace } = scopeFactsOf(client, 'client');
  const service = read(serviceForHost, serviceForHostKey(namespace, hostname));
  if (service !== undefined) {
    return read(servedPorts, service).find((host) => host.port === port && (host.http || table.kind === 'http-proxy'));
  }
  if (port !== 80) return undefined;
  return read(hostsWithoutService, compositeKey(client, routeName(table))).find((host) => host.hostname === hostname);
}
