import type * as envoy from '../xds/envoy.ts';
import { milliseconds } from '../xds/envoy.ts';
import { pack } from '../xds/proto.ts';

/**
 * A listener for probes and scrapers, which cannot reach Envoy's admin server on 127.0.0.1: `/ready` and `/stats/prometheus`,
 * and nothing else of the admin server, since that can also stop the Envoy.
 */
export function statusListener(
  port: number,
  adminPort: number,
): { readonly listener: envoy.Listener; readonly cluster: envoy.Cluster } {
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
                connectionManager(),
              ),
            },
          ],
        },
      ],
    },
    cluster: {
      name: adminCluster,
      type: 'STATIC',
      connectTimeout: milliseconds(1_000),
      loadAssignment: {
        clusterName: adminCluster,
        endpoints: [
          {
            lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: adminPort } } } }],
          },
        ],
      },
    },
  };
}

/** Istio's name for it (istio-compat I68). */
const adminCluster = 'prometheus_stats';

function connectionManager(): envoy.HttpConnectionManager {
  return {
    statPrefix: 'status',
    routeConfig: {
      name: 'status',
      virtualHosts: [
        {
          name: 'status',
          domains: ['*'],
          routes: ['/ready', '/stats/prometheus'].map((path) => ({
            match: { path, headers: [{ name: ':method', stringMatch: { exact: 'GET' } }] },
            route: { cluster: adminCluster },
          })),
        },
      ],
    },
    httpFilters: [
      {
        name: 'envoy.filters.http.router',
        typedConfig: pack('envoy.extensions.filters.http.router.v3.Router', {}),
      },
    ],
  };
}
