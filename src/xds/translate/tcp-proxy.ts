import type { ConnectionPool } from '../../model/traffic-policy.ts';
import type * as envoy from '../envoy.ts';
import { milliseconds } from '../envoy.ts';
import { pack } from '../proto.ts';
import { accessLogs, type AccessLogSettings } from './access-log.ts';

/** Where the connections of a chain go. */
export interface ConnectionTarget {
  /** Name of the statistics: the cluster, or what splits connections between several. */
  readonly statPrefix: string;
  /** At least one, each with a weight of at least 1. */
  readonly clusters: readonly { readonly name: string; readonly weight: number }[];
  readonly connectionPool: ConnectionPool | undefined;
  readonly hashPolicy: readonly envoy.HashPolicy[];
}

/** All connections to one cluster, without further settings. */
export function toCluster(name: string): ConnectionTarget {
  return { statPrefix: name, clusters: [{ name, weight: 1 }], connectionPool: undefined, hashPolicy: [] };
}

/** The network filter that forwards bytes as they come (policy T2, T4, D4). */
export function tcpProxy(target: ConnectionTarget, settings: AccessLogSettings): envoy.Filter {
  const proxy: envoy.TcpProxy = {
    statPrefix: target.statPrefix,
    ...clusterSpecifier(target),
    idleTimeout:
      target.connectionPool?.tcpIdleTimeoutMs === undefined
        ? undefined
        : milliseconds(target.connectionPool?.tcpIdleTimeoutMs),
    maxDownstreamConnectionDuration:
      target.connectionPool?.maxConnectionDurationMs === undefined
        ? undefined
        : milliseconds(target.connectionPool?.maxConnectionDurationMs),
    hashPolicy: target.hashPolicy,
    accessLog: accessLogs(settings),
  };
  return {
    name: 'envoy.filters.network.tcp_proxy',
    typedConfig: pack('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', proxy),
  };
}

function clusterSpecifier({ clusters }: ConnectionTarget): Pick<envoy.TcpProxy, 'cluster' | 'weightedClusters'> {
  const [only] = clusters;
  return clusters.length === 1 && only !== undefined ? { cluster: only.name } : { weightedClusters: { clusters } };
}
