import type { LoadBalancer } from '../../model/traffic-policy.ts';
import type * as envoy from '../envoy.ts';
import { milliseconds } from '../envoy.ts';

/** Which endpoint the next request goes to (policy D2, D4, D5). */
type BalancingFields = Pick<
  envoy.Cluster,
  'lbPolicy' | 'leastRequestLbConfig' | 'roundRobinLbConfig' | 'ringHashLbConfig' | 'maglevLbConfig'
>;

/** @param fallback where nobody chose: least requests, for members of a headless service one after the other */
export function loadBalancing(
  loadBalancer: LoadBalancer | undefined,
  fallback: 'least-request' | 'round-robin',
): BalancingFields {
  const algorithm = loadBalancer?.algorithm ?? { kind: fallback };
  switch (algorithm.kind) {
    case 'least-request':
      return { lbPolicy: 'LEAST_REQUEST', leastRequestLbConfig: slowStart(loadBalancer) };
    case 'round-robin':
      return { lbPolicy: 'ROUND_ROBIN', roundRobinLbConfig: slowStart(loadBalancer) };
    case 'random':
      return { lbPolicy: 'RANDOM' };
    case 'passthrough':
      return { lbPolicy: 'CLUSTER_PROVIDED' };
    case 'consistent-hash':
      return algorithm.table.kind === 'ring'
        ? { lbPolicy: 'RING_HASH', ringHashLbConfig: { minimumRingSize: { value: algorithm.table.minimumSize } } }
        : { lbPolicy: 'MAGLEV', maglevLbConfig: { tableSize: { value: algorithm.table.tableSize } } };
  }
}

/** A new endpoint's share grows over a while (policy D5); only these two algorithms know how. */
function slowStart(
  loadBalancer: LoadBalancer | undefined,
): { readonly slowStartConfig: envoy.Cluster_SlowStartConfig } | undefined {
  const warmup = loadBalancer?.warmup;
  if (warmup === undefined) return undefined;
  return {
    slowStartConfig: {
      slowStartWindow: milliseconds(warmup.durationMs),
      // Envoy wants a name under which the value could be overridden at run time.
      aggression:
        warmup.aggression === 1
          ? undefined
          : { defaultValue: warmup.aggression, runtimeKey: 'upstream.slow_start.aggression' },
      minWeightPercent: { value: warmup.minimumPercent },
    },
  };
}
