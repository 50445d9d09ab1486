import type { Keep, Read } from '../../incremental/definitions.ts';
import { compositeKey, type ScopeKey } from '../../model/keys.ts';
import { outboundTraffic } from '../../policy/mesh.ts';
import { clientScope, scopeFactsOf } from '../../policy/scope.ts';
import { serviceForHost, serviceForHostKey } from '../../policy/services.ts';
import type * as envoy from '../envoy.ts';
import { milliseconds } from '../envoy.ts';
import { parseRouteName, routeName, type OwnRouteName, type RouteName, type SharedRouteName } from '../names.ts';
import { encode } from '../proto.ts';
import { otherHosts } from './other-hosts.ts';
import { servedPorts } from './route-hosts.ts';
import { pieceSteps, tablePieces } from './table-pieces.ts';
import { entryOfOwnHost, type EncodedParts } from './virtual-host.ts';
import { virtualHostsOfTable } from './virtual-hosts.ts';

/** A route configuration in parts: in a row they are its message. */
export interface RouteTable extends EncodedParts {
  /** Names of virtual hosts that are delivered by themselves. */
  readonly children: readonly string[];
}

const routeConfiguration = 'envoy.config.route.v3.RouteConfiguration';

/**
 * The route configuration of a name (policy P114 to P118): `80` for a port that services share, `host:80` for a service
 * with an address of its own, `http_proxy` for the HTTP proxy port.
 *
 * @param scope a client's for whole tables; an outbound one for tables whose virtual hosts are delivered one by one,
 * unless there is only one
 * @returns undefined: there is no such service
 */
export function translateRoutes(read: Read, scope: ScopeKey, name: string): RouteTable | undefined {
  const route = parseRouteName(name);
  if (route === undefined) return undefined;
  const client = clientScope(scope);
  if (route.kind === 'service') return ownTable(read, client, route);
  return client === scope ? sharedTable(read, client, route) : header(read, client, route);
}

/** Works out what takes long of a route configuration step by step, so that the rest is put together quickly. */
export function* routeSteps(read: Read, keep: Keep, scope: ScopeKey, name: string): Generator<void, void> {
  const route = parseRouteName(name);
  const client = clientScope(scope);
  if (route === undefined || route.kind === 'service' || client !== scope) return;
  yield* pieceSteps(read, keep, compositeKey(client, routeName(route)));
}

/** Its bytes stay as they are when hosts come, change and go. */
function header(read: Read, client: ScopeKey, route: SharedRouteName): RouteTable {
  const name = routeName(route);
  // Without its virtual hosts a listener would answer 404, so it waits for them for ever.
  const vhds: envoy.Vhds = {
    configSource: { ads: {}, resourceApiVersion: 'V3', initialFetchTimeout: milliseconds(0) },
  };
  return {
    parts: [encode(routeConfiguration, { name, vhds, ...tableSettings(route) })],
    provenance: [],
    children: read(virtualHostsOfTable, compositeKey(client, name)),
  };
}

function sharedTable(read: Read, client: ScopeKey, route: SharedRouteName): RouteTable {
  const name = routeName(route);
  const others = otherHosts(route, read(outboundTraffic, 'mesh'));
  return tableOf(route, tablePieces(read, compositeKey(client, name)), [others]);
}

/** The table of a service has one host, which is in it always. */
function ownTable(read: Read, client: ScopeKey, route: OwnRouteName): RouteTable | undefined {
  const { namespace } = scopeFactsOf(client, 'client');
  const service = read(serviceForHost, serviceForHostKey(namespace, route.hostname));
  const ports = service === undefined ? [] : read(servedPorts, service);
  const host = ports.find(({ port, http }) => port === route.port && http);
  return host === undefined ? undefined : tableOf(route, [entryOfOwnHost(read, client, host)], []);
}

/** @param others behind the hosts of the pieces */
function tableOf(route: RouteName, pieces: readonly EncodedParts[], others: readonly envoy.VirtualHost[]): RouteTable {
  return {
    parts: [
      encode(routeConfiguration, { name: routeName(route) }),
      ...pieces.flatMap(({ parts }) => parts),
      encode(routeConfiguration, { virtualHosts: others, ...tableSettings(route) }),
    ],
    provenance: pieces.flatMap(({ provenance }) => provenance),
    children: [],
  };
}

function tableSettings(route: RouteName): envoy.RouteConfiguration {
  return {
    // A cluster that is not there (yet) fails its own requests; it must not fail the table (policy P118).
    validateClusters: { value: false },
    // A direct response may be as long as an object that holds it (policy A6).
    maxDirectResponseBodySizeBytes: { value: 1_048_576 },
    // The table of the HTTP proxy tells one host's ports apart.
    ignorePortInHostMatching: route.kind !== 'http-proxy',
  };
}
