import type { Read } from '../../incremental/definitions.ts';
import { compositeKey, type ScopeKey } from '../../model/keys.ts';
import type { MeshSettings } from '../../model/mesh-settings.ts';
import { meshSettings } from '../../policy/mesh.ts';
import { scopeFactsOf } from '../../policy/scope.ts';
import { serviceForHost, serviceForHostKey } from '../../policy/services.ts';
import type * as envoy from '../envoy.ts';
import { milliseconds } from '../envoy.ts';
import { parseRouteName, passthroughCluster, type RouteName } from '../names.ts';
import { encode } from '../proto.ts';
import { servedPorts } from './route-hosts.ts';
import { tablePieces } from './table-pieces.ts';
import { entryOfOwnHost, type EncodedParts } from './virtual-host.ts';

/** A route configuration in parts: in a row they are its message. */
export interface RouteTable extends EncodedParts {
  readonly children: readonly string[];
}

const routeConfiguration = 'envoy.config.route.v3.RouteConfiguration';

/**
 * The route configuration of a name (policy P114 to P118): `80` for a port that services share, `host:80` for a service
 * with an address of its own, `http_proxy` for the HTTP proxy port.
 *
 * @param scope a client's
 * @returns undefined: there is no such service
 */
export function translateRoutes(read: Read, scope: ScopeKey, name: string): RouteTable | undefined {
  const route = parseRouteName(name);
  if (route === undefined) return undefined;
  const pieces = route.kind === 'service' ? ownTable(read, scope, route) : tablePieces(read, compositeKey(scope, name));
  if (pieces === undefined) return undefined;
  const others = otherHosts(route, read(meshSettings, 'mesh').outboundTraffic);
  const parts = [
    encode(routeConfiguration, { name }),
    ...pieces.flatMap((piece) => piece.parts),
    encode(routeConfiguration, { virtualHosts: others === undefined ? [] : [others], ...tableSettings(route) }),
  ];
  return { parts, provenance: pieces.flatMap(({ provenance }) => provenance), children: [] };
}

/** The only host of the table of a service; undefined: there is no such service. */
function ownTable(
  read: Read,
  scope: ScopeKey,
  { hostname, port }: Extract<RouteName, { kind: 'service' }>,
): readonly EncodedParts[] | undefined {
  const { namespace } = scopeFactsOf(scope, 'client');
  const service = read(serviceForHost, serviceForHostKey(namespace, hostname));
  const ports = service === undefined ? [] : read(servedPorts, service);
  const host = ports.find((each) => each.port === port && each.http);
  return host === undefined ? undefined : [entryOfOwnHost(read, scope, host)];
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

/** What happens to requests for hosts that the table does not hold (policy P117); undefined: it takes every host. */
function otherHosts(route: RouteName, outboundTraffic: MeshSettings['outboundTraffic']): envoy.VirtualHost | undefined {
  switch (route.kind) {
    case 'service':
      return undefined;
    case 'http-proxy':
      // A client of an HTTP proxy dials the proxy: there is no address behind its connection to pass the request on to.
      return directVirtualHost('weir: no service of the mesh has this name and port\n');
    case 'port':
      return outboundTraffic === 'allow-any' ? passingVirtualHost() : directVirtualHost(undefined);
  }
}

function passingVirtualHost(): envoy.VirtualHost {
  const route = { cluster: passthroughCluster, timeout: milliseconds(0), maxGrpcTimeout: milliseconds(0) };
  return {
    name: 'allow_any',
    domains: ['*'],
    routes: [{ name: 'allow_any', match: { prefix: '/' }, route }],
    includeRequestAttemptCount: true,
  };
}

function directVirtualHost(body: string | undefined): envoy.VirtualHost {
  const directResponse = { status: 502, body: body === undefined ? undefined : { inlineString: body } };
  return {
    name: 'block_all',
    domains: ['*'],
    routes: [{ name: 'block_all', match: { prefix: '/' }, directResponse }],
    includeRequestAttemptCount: true,
  };
}
