import type { Service } from '../model/service.ts';
import type { LoadBalancer, TrafficPolicy } from '../model/traffic-policy.ts';

/** Entries of the ring at least, as where a rule asks for a hash and does not say how many (policy D4). */
const ringSize = 1024;

const bySourceAddress: LoadBalancer = {
  algorithm: {
    kind: 'consistent-hash',
    key: { kind: 'source-ip' },
    table: { kind: 'ring', minimumSize: ringSize },
  },
  warmup: undefined,
  locality: undefined,
};

/**
 * The policy with the affinity that the service asks for, unless a rule says how to balance (kubernetes K79). What a client sends comes from
 * one address, its own, so that it goes to one endpoint while that is there.
 */
export function withAffinity(policy: TrafficPolicy, affinity: Service['sessionAffinity']): TrafficPolicy {
  if (affinity === undefined || policy.loadBalancer !== undefined) return policy;
  return { ...policy, loadBalancer: bySourceAddress };
}
