import { isIP } from 'node:net';
import type * as envoy from '../xds/envoy.ts';
import { milliseconds } from '../xds/envoy.ts';
import { pack } from '../xds/proto.ts';
import type { CarriedProbe, ProbeTarget } from './probes.ts';

/** How the status listener of an Envoy carries the health checks of an application on, with no process beside the Envoy. */

export interface ProbeResources {
  readonly routes: readonly envoy.Route[];
  /** Before the router. */
  readonly filters: readonly envoy.HttpFilter[];
  readonly clusters: readonly envoy.Cluster[];
}

/** Milliseconds between the Envoy's own checks of a port: while the application is well, and while it is not. */
const interval = { healthy: 5_000, unhealthy: 1_000 };

/** @param address of the application */
export function probeResources(probes: readonly CarriedProbe[], address: string): ProbeResources {
  const clusters = new Map(probes.map(({ target }) => [clusterName(target), cluster(target, address)]));
  return {
    routes: probes.flatMap(({ path, target }) =>
      target.kind === 'http' || target.kind === 'https' ? [carried(path, target)] : [],
    ),
    filters: probes.flatMap(({ path, target }) =>
      target.kind === 'tcp' || target.kind === 'grpc' ? [answered(path, clusterName(target))] : [],
    ),
    clusters: [...clusters.values()],
  };
}

type HttpTarget = Extract<ProbeTarget, { kind: 'http' | 'https' }>;

/** What the application answers is what the node hears. How long that may take the node knows. */
function carried(path: string, target: HttpTarget): envoy.Route {
  return {
    match: { path },
    route: { cluster: clusterName(target), prefixRewrite: target.path, timeout: milliseconds(0) },
  };
}

/** An HTTP answer to what is no HTTP: whether the Envoy's last check of the port went well. */
function answered(path: string, clusterToCheck: string): envoy.HttpFilter {
  return {
    name: `probe ${path}`,
    typedConfig: pack('envoy.extensions.filters.http.health_check.v3.HealthCheck', {
      passThroughMode: { value: false },
      headers: [{ name: ':path', stringMatch: { exact: path } }],
      clusterMinHealthyPercentages: { [clusterToCheck]: { value: 100 } },
    }),
  };
}

function clusterName(target: ProbeTarget): string {
  const service = target.kind === 'grpc' ? `|${target.service}` : '';
  return `probe|${target.kind}|${target.port}${service}`;
}

function cluster(target: ProbeTarget, address: string): envoy.Cluster {
  const name = clusterName(target);
  return {
    name,
    type: 'STATIC',
    connectTimeout: milliseconds(1_000),
    loadAssignment: {
      clusterName: name,
      endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address, portValue: target.port } } } }] }],
    },
    // From there an Envoy may dial its own pod without coming back to itself (`weir intercept`).
    ...(isIP(address) === 4 ? { upstreamBindConfig: { sourceAddress: { address: '127.0.0.6', portValue: 0 } } } : {}),
    ...protocol(target),
  };
}

function protocol(target: ProbeTarget): Partial<envoy.Cluster> {
  switch (target.kind) {
    case 'http':
      return {};
    case 'https':
      // As the node itself: whoever answers is the one to be asked.
      return {
        transportSocket: {
          name: 'envoy.transport_sockets.tls',
          typedConfig: pack('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {}),
        },
      };
    case 'tcp':
      return { healthChecks: [healthCheck({ tcpHealthCheck: {} })] };
    case 'grpc':
      return {
        healthChecks: [healthCheck({ grpcHealthCheck: target.service === '' ? {} : { serviceName: target.service } })],
        typedExtensionProtocolOptions: {
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': pack(
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
            { explicitHttpConfig: { http2ProtocolOptions: {} } },
          ),
        },
      };
  }
}

function healthCheck(what: Pick<envoy.HealthCheck, 'tcpHealthCheck' | 'grpcHealthCheck'>): envoy.HealthCheck {
  const [healthy, unhealthy] = [milliseconds(interval.healthy), milliseconds(interval.unhealthy)];
  return {
    timeout: milliseconds(1_000),
    interval: healthy,
    unhealthyInterval: unhealthy,
    // No request is ever sent to it.
    noTrafficInterval: unhealthy,
    noTrafficHealthyInterval: healthy,
    unhealthyThreshold: { value: 1 },
    healthyThreshold: { value: 1 },
    ...what,
  };
}
