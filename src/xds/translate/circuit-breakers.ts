import type { ConnectionPool, TrafficPolicy } from '../../model/traffic-policy.ts';
import type * as envoy from '../envoy.ts';
import { milliseconds } from '../envoy.ts';

/** Limits of a cluster's connections (policy D12, D13). */

/** Istio's word for "no limit"; without it Envoy would stop at 1024. */
const unlimited: envoy.UInt32Value = { value: 4_294_967_295 };

export function circuitBreakers(
  pool: ConnectionPool | undefined,
  retryBudget?: TrafficPolicy['retryBudget'],
): envoy.CircuitBreakers {
  return {
    thresholds: [
      {
        maxConnections: limit(pool?.maxConnections),
        maxPendingRequests: limit(pool?.http1MaxPendingRequests),
        maxRequests: limit(pool?.http2MaxRequests),
        maxRetries: limit(pool?.maxRetries),
        retryBudget:
          retryBudget === undefined
            ? undefined
            : {
                budgetPercent: { value: retryBudget.percent },
                minRetryConcurrency: { value: retryBudget.minRetryConcurrency },
              },
        trackRemaining: true,
      },
    ],
  };
}

/** How connections are made and kept, as a spreadable part of a cluster. */
export function connectionSettings(
  pool: ConnectionPool | undefined,
  defaultConnectTimeoutMs: number,
): Pick<envoy.Cluster, 'connectTimeout' | 'upstreamConnectionOptions'> {
  const keepalive = pool?.tcpKeepalive;
  return {
    connectTimeout: milliseconds(pool?.connectTimeoutMs ?? defaultConnectTimeoutMs),
    upstreamConnectionOptions:
      keepalive === undefined
        ? undefined
        : {
            tcpKeepalive: {
              keepaliveProbes: keepalive.probes === undefined ? undefined : { value: keepalive.probes },
              keepaliveTime: wholeSeconds(keepalive.timeMs),
              keepaliveInterval: wholeSeconds(keepalive.intervalMs),
            },
          },
  };
}

function limit(value: number | undefined): envoy.UInt32Value {
  return value === undefined ? unlimited : { value };
}

/** The kernel counts in seconds; a part of one counts as one. */
function wholeSeconds(milliseconds: number | undefined): envoy.UInt32Value | undefined {
  return milliseconds === undefined ? undefined : { value: Math.ceil(milliseconds / 1000) };
}
