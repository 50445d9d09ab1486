import type { TrafficPolicy } from '../model/traffic-policy.ts';
import type { TrafficPolicyLayer } from './dialects/istio/decoded.ts';

/** How settings of a rule, of its subset, of a port and of the mesh become one (policy P121, P602). Blocks are taken whole: nothing merges inside. */

export const noPolicy: TrafficPolicy = {
  loadBalancer: undefined,
  connectionPool: undefined,
  outlierDetection: undefined,
  tls: undefined,
  retryBudget: undefined,
};

/** Blocks of `over` where it has them, else those of `under`. */
export function overlaid(under: TrafficPolicy, over: TrafficPolicy): TrafficPolicy {
  return {
    loadBalancer: over.loadBalancer ?? under.loadBalancer,
    connectionPool: over.connectionPool ?? under.connectionPool,
    outlierDetection: over.outlierDetection ?? under.outlierDetection,
    tls: over.tls ?? under.tls,
    retryBudget: over.retryBudget ?? under.retryBudget,
  };
}

/**
 * One layer over what is under it. A port's own settings replace balancing, pool, ejection and TLS wholesale: what they leave out
 * falls to the defaults, neither to the layer nor to what is under it (policy P121, P602). The retry budget is no part of a port's
 * settings, and stays.
 */
export function withLayer(under: TrafficPolicy, layer: TrafficPolicyLayer, port: number): TrafficPolicy {
  const merged = layer.policy === undefined ? under : overlaid(under, layer.policy);
  const ofPort = layer.ports.get(port);
  return ofPort === undefined ? merged : { ...ofPort, retryBudget: ofPort.retryBudget ?? merged.retryBudget };
}

/** Whether a layer says anything for a port. */
export function speaksFor(layer: TrafficPolicyLayer, port: number): boolean {
  return layer.policy !== undefined || layer.ports.has(port);
}
