import { Server, ServerCredentials } from '@grpc/grpc-js';
import type * as envoy from '../../src/xds/envoy.ts';
import { encode, pack } from '../../src/xds/proto.ts';

/** Resources that gRPC takes as a client without a proxy, and a service for it to call. */

const ads: envoy.ConfigSource = { ads: {}, resourceApiVersion: 'V3' };

/** The one method of the service: gives the name of the server. */
export const whoPath = '/test.Echo/Who';

/** What `xds:///name` begins with. */
export function anApiListener(name: string, routeConfigName: string): Uint8Array {
  const manager = pack('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    rds: { routeConfigName, configSource: ads },
    httpFilters: [{ name: 'router', typedConfig: pack('envoy.extensions.filters.http.router.v3.Router', {}) }],
  });
  return encode('envoy.config.listener.v3.Listener', { name, apiListener: { apiListener: manager } });
}

export function aGrpcRouteTable(name: string, cluster: string): Uint8Array {
  return encode('envoy.config.route.v3.RouteConfiguration', {
    name,
    virtualHosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '' }, route: { cluster } }] }],
  });
}

/** @param lbPolicy gRPC refuses those that it does not know */
export function aGrpcCluster(name: string, lbPolicy: 'ROUND_ROBIN' | 'MAGLEV' = 'ROUND_ROBIN'): Uint8Array {
  return encode('envoy.config.cluster.v3.Cluster', {
    name,
    type: 'EDS',
    lbPolicy,
    edsClusterConfig: { edsConfig: ads, serviceName: name },
  });
}

/** gRPC ignores localities without a name or a weight. */
export function aGrpcAssignment(clusterName: string, ...ports: readonly number[]): Uint8Array {
  const lbEndpoints = ports.map((portValue) => ({
    healthStatus: 'HEALTHY' as const,
    endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue } } },
  }));
  return encode('envoy.config.endpoint.v3.ClusterLoadAssignment', {
    clusterName,
    endpoints: [{ locality: { region: 'here' }, loadBalancingWeight: { value: 1 }, lbEndpoints }],
  });
}

/** A gRPC server that says its name. */
export class NamedGrpcServer {
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static start(name: string): Promise<NamedGrpcServer> {
    const server = new Server();
    const same = (bytes: Buffer): Buffer => bytes;
    const who = {
      path: whoPath,
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    } as const;
    server.addService(
      { who },
      {
        who: (_: unknown, callback: (error: null, answer: Buffer) => void) => callback(null, Buffer.from(name)),
      },
    );
    return new Promise((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(new NamedGrpcServer(server, port));
        else reject(error);
      });
    });
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}
