import type * as envoy from '../xds/envoy.ts';
import { milliseconds } from '../xds/envoy.ts';
import { pack } from '../xds/proto.ts';
import { probeResources } from './probe-resources.ts';
import type { CarriedProbe } from './probes.ts';

export interface StatusListenerOptions {
  readonly port: number;
  readonly adminPort: number;
  /** Health checks of the application that are carried on. */
  readonly probes: readonly CarriedProbe[];
  /** Where the application listens. */
  readonly applicationAddress: string;
}

/**
 * A listener for probes and scrapers, which cannot reach Envoy's admin server on 127.0.0.1: `/ready`, also as
 * `/healthz/ready`, and `/stats/prometheus`, and nothing else of the admin server, since that can also stop the Envoy; and the health checks
 * of the application.
 */
export function statusListener(options: StatusListenerOptions): {
  readonly listener: envoy.Listener;
  readonly clusters: readonly envoy.Cluster[];
} {
  const { port, adminPort } = options;
  const probes = probeResources(options.probes, options.applicationAddress);
  return {
    listener: {
      name: 'status',
      address: { socketAddress: { address: '0.0.0.0', portValue: port } },
      // Probes are answered even when the limit of connections is reached.
      ignoreGlobalConnLimit: true,
      filterChains: [
        {
          filters: [
            {
              name: 'envoy.filters.network.http_connection_manager',
              typedConfig: pack(
                'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
                connectionManager(probes.routes, probes.filters),
              ),
            },
          ],
        },
      ],
    },
    clusters: [adminServer(adminPort), ...probes.clusters],
  };
}

function adminServer(adminPort: number): envoy.Cluster {
  const endpoint = { address: { socketAddress: { address: '127.0.0.1', portValue: adminPort } } };
  return {
    name: adminCluster,
    type: 'STATIC',
    connectTimeout: milliseconds(1_000),
    loadAssignment: { clusterName: adminCluster, endpoints: [{ lbEndpoints: [{ endpoint }] }] },
  };
}

/** Istio's name for it (istio-compat I68). */
const adminCluster = 'prometheus_stats';

/** Paths here, and what of the admin server they are. */
const adminPaths = { '/ready': '/ready', '/healthz/ready': '/ready', '/stats/prometheus': '/stats/prometheus' };

function connectionManager(
  probeRoutes: readonly envoy.Route[],
  probeFilters: readonly envoy.HttpFilter[],
): envoy.HttpConnectionManager {
  const adminRoutes = Object.entries(adminPaths).map(([path, prefixRewrite]): envoy.Route => ({
    match: { path, headers: [{ name: ':method', stringMatch: { exact: 'GET' } }] },
    route: { cluster: adminCluster, ...(path === prefixRewrite ? {} : { prefixRewrite }) },
  }));
  return {
    statPrefix: 'status',
    routeConfig: {
      name: 'status',
      virtualHosts: [
        {
          name: 'status',
          domains: ['*'],
          routes: [...adminRoutes, ...probeRoutes],
        },
      ],
    },
    httpFilters: [
      ...probeFilters,
      {
        name: 'envoy.filters.http.router',
        typedConfig: pack('envoy.extensions.filters.http.router.v3.Router', {}),
      },
    ],
  };
}
