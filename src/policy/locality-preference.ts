import type { Service } from '../model/service.ts';
import type { LoadBalancer, LocalityPreference, TrafficPolicy } from '../model/traffic-policy.ts';
import type { Locality } from '../model/workload.ts';
import type { Labels } from './label-match.ts';

/**
 * Which preference for near endpoints is in force (policy D6 to D9): the rule's, else the service's own `trafficDistribution`,
 * else the mesh's, else region, zone and sub-zone in that order.
 */

const topologyDefault: LocalityPreference = { enabled: true, distribute: [], failover: [], failoverPriority: [] };

/**
 * The policy with the locality preference in force, undefined where there is none.
 * Failover needs ejection: without it no endpoint ever counts as lost, so traffic would never move on, and the preference would
 * only concentrate load (policy D6). Shares of traffic (`distribute`) and `trafficDistribution` hold without.
 */
export function withLocality(
  policy: TrafficPolicy,
  distribution: Service['trafficDistribution'],
  mesh: LocalityPreference | undefined,
): TrafficPolicy {
  const locality = preferenceInForce(policy, distribution, mesh);
  if (policy.loadBalancer === undefined && locality === undefined) return policy;
  return { ...policy, loadBalancer: { ...(policy.loadBalancer ?? plainLoadBalancer), locality } };
}

/** Balancing that nobody set (policy D2). */
const plainLoadBalancer: LoadBalancer = {
  algorithm: { kind: 'least-request' },
  warmup: undefined,
  locality: undefined,
};

function preferenceInForce(
  policy: TrafficPolicy,
  distribution: Service['trafficDistribution'],
  mesh: LocalityPreference | undefined,
): LocalityPreference | undefined {
  const own = policy.loadBalancer?.locality;
  const ejecting = policy.outlierDetection !== undefined;
  if (own === undefined && distribution !== undefined && !ejecting) return preferences[distribution];
  const preference = own ?? mesh ?? topologyDefault;
  if (!preference.enabled) return undefined;
  return preference.distribute.length > 0 || ejecting ? preference : undefined;
}

const region = 'topology.kubernetes.io/region';
const zone = 'topology.kubernetes.io/zone';
const subZone = 'topology.istio.io/subzone';

/**
 * In labels of the topology, which proxies and endpoints have from their nodes (policy P607). Nodes themselves are not compared:
 * scopes that hold the node would be as many as the nodes. What prefers its node gets its sub-zone.
 */
const preferences: Readonly<Record<NonNullable<Service['trafficDistribution']>, LocalityPreference>> = {
  'prefer-same-zone': { ...topologyDefault, failoverPriority: [region, zone] },
  'prefer-same-node': { ...topologyDefault, failoverPriority: [region, zone, subZone] },
};

/** Value of a label, or of the locality where the label is one of the topology's: what `failoverPriority` compares (policy D7). */
export function labelOrTopology(name: string, labels: Labels, locality: Locality): string | undefined {
  const own = labels[name];
  if (own !== undefined) return own;
  switch (name) {
    case region:
      return locality.region;
    case zone:
      return locality.zone;
    case subZone:
      return locality.subZone;
    default:
      return undefined;
  }
}
