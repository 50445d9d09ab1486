import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type * as envoy from '../../src/xds/envoy.ts';
import { encode, pack } from '../../src/xds/proto.ts';
import { aNodeId } from './stream-rig.ts';
import type { Variant } from './trace-rig.ts';

/** Resources that a real Envoy takes, as small as they can be. */

/** Where a resource is to get what it refers to: over the stream of everything, or over a stream of its own. */
export function configSource({ wire, isAds }: Variant): envoy.ConfigSource {
  if (isAds) return { ads: {}, resourceApiVersion: 'V3' };
  return {
    resourceApiVersion: 'V3',
    apiConfigSource: {
      apiType: wire === 'delta' ? 'DELTA_GRPC' : 'GRPC',
      transportApiVersion: 'V3',
      setNodeOnFirstMessageOnly: true,
      grpcServices: [{ envoyGrpc: { clusterName: 'xds' } }],
    },
  };
}

const ads = configSource({ wire: 'delta', isAds: true });

interface ClusterOptions {
  /** Connect timeout: a way to change a cluster and nothing that it does. */
  readonly seconds?: number;
  readonly serviceName?: string;
  readonly source?: envoy.ConfigSource;
  readonly transportSocket?: envoy.TransportSocket;
}

export function aCluster(
  name: string,
  { seconds = 1, serviceName = name, source = ads, transportSocket }: ClusterOptions = {},
): Uint8Array {
  return encode('envoy.config.cluster.v3.Cluster', {
    name,
    type: 'EDS',
    connectTimeout: { seconds },
    edsClusterConfig: { edsConfig: source, serviceName },
    transportSocket,
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
export function aListener(
  name: string,
  routeConfigName: string,
  {
    source = ads,
    statPrefix = name,
    transportSocket,
  }: {
    readonly source?: envoy.ConfigSource;
    readonly statPrefix?: string;
    readonly transportSocket?: envoy.TransportSocket;
  } = {},
): Uint8Array {
  const manager = pack('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    statPrefix,
    rds: { routeConfigName, configSource: source },
    httpFilters: [{ name: 'router', typedConfig: pack('envoy.extensions.filters.http.router.v3.Router', {}) }],
  });
  return encode('envoy.config.listener.v3.Listener', {
    name,
    address: { socketAddress: { address: '127.0.0.1', portValue: 0 } },
    filterChains: [{ filters: [{ name: 'http', typedConfig: manager }], transportSocket }],
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

/** Everything from one address, in one of the ways in which Envoy can ask for it. */
export function aBootstrap(address: string, variant: Variant): envoy.Bootstrap {
  const [host = '', port] = address.split(':');
  const endpoint = { address: { socketAddress: { address: host, portValue: Number(port) } } };
  const source = configSource(variant);
  const { wire, isAds } = variant;
  const adsConfig: envoy.ApiConfigSource = {
    apiType: wire === 'delta' ? 'DELTA_GRPC' : 'GRPC',
    transportApiVersion: 'V3',
    setNodeOnFirstMessageOnly: true,
    grpcServices: [{ envoyGrpc: { clusterName: 'xds' } }],
  };
  return {
    node: { id: aNodeId, cluster: 'test' },
    admin: { address: { socketAddress: { address: '127.0.0.1', portValue: 0 } } },
    dynamicResources: { cdsConfig: source, ldsConfig: source, ...(isAds ? { adsConfig } : {}) },
    staticResources: {
      clusters: [
        {
          name: 'xds',
          type: 'STATIC',
          connectTimeout: { seconds: 1 },
          typedExtensionProtocolOptions: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': pack(
              'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
              { explicitHttpConfig: { http2ProtocolOptions: {} } },
            ),
          },
          loadAssignment: { clusterName: 'xds', endpoints: [{ lbEndpoints: [{ endpoint }] }] },
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
