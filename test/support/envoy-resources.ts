import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encode, pack } from '../../src/xds/proto.ts';
import type { Wire } from '../../src/xds/observer.ts';
import { aNodeId } from './stream-rig.ts';

/** Resources that a real Envoy takes, as small as they can be. */

const ads = { ads: {}, resourceApiVersion: 'V3' } as const;

/** @param seconds connect timeout: a way to change a cluster and nothing that it does */
export function aCluster(name: string, seconds = 1, serviceName = name): Uint8Array {
  return encode('envoy.config.cluster.v3.Cluster', {
    name,
    type: 'EDS',
    connectTimeout: { seconds },
    edsClusterConfig: { edsConfig: ads, serviceName },
  });
}

/** A cluster that breaks a rule of its type, so that Envoy drops the response that holds it. */
export function aBrokenCluster(name: string): Uint8Array {
  return encode('envoy.config.cluster.v3.Cluster', { name, type: 'STATIC', connectTimeout: { seconds: -1 } });
}

export function anAssignment(clusterName: string, ...ports: readonly number[]): Uint8Array {
  const lbEndpoints = ports.map((portValue) => ({
    endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue } } },
  }));
  return encode('envoy.config.endpoint.v3.ClusterLoadAssignment', { clusterName, endpoints: [{ lbEndpoints }] });
}

/** On a free port of 127.0.0.1, with the routes of that name. */
export function aListener(name: string, routeConfigName: string): Uint8Array {
  const manager = pack('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    statPrefix: name,
    rds: { routeConfigName, configSource: ads },
    httpFilters: [{ name: 'router', typedConfig: pack('envoy.extensions.filters.http.router.v3.Router', {}) }],
  });
  return encode('envoy.config.listener.v3.Listener', {
    name,
    address: { socketAddress: { address: '127.0.0.1', portValue: 0 } },
    filterChains: [{ filters: [{ name: 'http', typedConfig: manager }] }],
  });
}

/** A listener with a filter that no Envoy has: it alone is refused. */
export function aForeignListener(name: string): Uint8Array {
  const typedConfig = { typeUrl: 'type.googleapis.com/foo.Bar', value: new Uint8Array(0) };
  return encode('envoy.config.listener.v3.Listener', {
    name,
    address: { socketAddress: { address: '127.0.0.1', portValue: 0 } },
    filterChains: [{ filters: [{ name: 'foreign', typedConfig }] }],
  });
}

/** @param domains of its virtual hosts; the same one twice is refused */
export function aRouteTable(name: string, cluster: string, domains: readonly string[] = ['*']): Uint8Array {
  return encode('envoy.config.route.v3.RouteConfiguration', {
    name,
    virtualHosts: domains.map((domain, index) => ({
      name: `host-${index}`,
      domains: [domain],
      routes: [{ match: { prefix: '/' }, route: { cluster } }],
    })),
  });
}

/** Everything over ADS of one address; plain JSON, as a file would hold it. */
export function anAdsBootstrap(address: string, wire: Wire): unknown {
  const [host, port] = address.split(':');
  const endpoint = { address: { socket_address: { address: host, port_value: Number(port) } } };
  const http2 = {
    '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    explicit_http_config: { http2_protocol_options: {} },
  };
  const source = { ads: {}, resource_api_version: 'V3' };
  return {
    node: { id: aNodeId, cluster: 'test' },
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
    dynamic_resources: {
      cds_config: source,
      lds_config: source,
      ads_config: {
        api_type: wire === 'delta' ? 'DELTA_GRPC' : 'GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: 'xds' } }],
      },
    },
    static_resources: {
      clusters: [
        {
          name: 'xds',
          type: 'STATIC',
          connect_timeout: '1s',
          typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': http2 },
          load_assignment: { cluster_name: 'xds', endpoints: [{ lb_endpoints: [{ endpoint }] }] },
        },
      ],
    },
  };
}

/** An HTTP server that says its name. */
export class NamedUpstream {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static start(name: string): Promise<NamedUpstream> {
    return new Promise((resolve) => {
      const server = createServer((_, response) => response.end(name));
      server.listen(0, '127.0.0.1', () => resolve(new NamedUpstream(server)));
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
