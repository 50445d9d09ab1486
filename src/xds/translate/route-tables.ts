import { ReadFailure } from '../../incremental/commit.ts';
import type { Read } from '../../incremental/definitions.ts';
import type { ScopeKey } from '../../model/keys.ts';
import type { MeshSettings } from '../../model/mesh-settings.ts';
import type { Provenance } from '../../model/provenance.ts';
import { meshSettings } from '../../policy/mesh.ts';
import type * as envoy from '../envoy.ts';
import { milliseconds } from '../envoy.ts';
import { parseRouteName, passthroughCluster, type RouteName } from '../names.ts';
import { encode } from '../proto.ts';
import { splice } from './bytes.ts';
import type { TableHost } from './route-hosts.ts';
import { tableHeads } from './table-heads.ts';
import { httpRoutes, tunnelRoutes, unavailableRoutes, type VirtualHostRoutes } from './virtual-host-routes.ts';

/** A route configuration, ready to be sent. */
export interface RouteTable {
  /** To be copied before the next table is translated: they stand in shared memory. */
  readonly bytes: Uint8Array;
  readonly provenance: readonly Provenance[];
  readonly children: readonly string[];
}

/** Number of the field `virtual_hosts` of a route configuration. */
const virtualHosts = 2;

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
  const heads = tableHeads(read, scope, route);
  if (heads === undefined) return undefined;
  const values: (readonly Uint8Array[])[] = [];
  const provenance: Provenance[] = [];
  for (const { host, head, routesKey } of heads) {
    const parts = [head];
    for (const query of routesOf(route, host)) {
      const routes = readRoutes(read, query, routesKey);
      parts.push(routes.bytes);
      provenance.push(...routes.provenance);
    }
    values.push(parts);
  }
  const others = otherHosts(route, read(meshSettings, 'mesh').outboundTraffic);
  if (others !== undefined) values.push([encode('envoy.config.route.v3.VirtualHost', others)]);
  const bytes = splice(
    encode('envoy.config.route.v3.RouteConfiguration', { name }),
    { field: virtualHosts, values },
    encode('envoy.config.route.v3.RouteConfiguration', tableSettings(route)),
  );
  return { bytes, provenance, children: [] };
}

/** What is put together behind the head of a host. */
function routesOf(route: RouteName, { http, tunnel }: TableHost): readonly (typeof httpRoutes)[] {
  if (route.kind !== 'http-proxy' || !tunnel) return http ? justHttp : [];
  return http ? tunnelAndHttp : justTunnel;
}

const justHttp = [httpRoutes];
const justTunnel = [tunnelRoutes];
const tunnelAndHttp = [tunnelRoutes, httpRoutes];

/** A mistake in the routes of one host must not take the table from the others. */
function readRoutes(read: Read, routes: typeof httpRoutes, key: string): VirtualHostRoutes {
  try {
    return read(routes, key);
  } catch (error) {
    if (error instanceof ReadFailure) return unavailableRoutes;
    throw error;
  }
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
