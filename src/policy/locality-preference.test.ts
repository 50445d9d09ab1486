import { describe, expect, test } from 'vitest';
import type { LocalityPreference, OutlierDetection, TrafficPolicy } from '../model/traffic-policy.ts';
import { labelOrTopology, withLocality } from './locality-preference.ts';
import { noPolicy } from './policy-layers.ts';

const ejecting: TrafficPolicy = { ...noPolicy, outlierDetection: {} as OutlierDetection };

function aPreference(options: Partial<LocalityPreference>): LocalityPreference {
  return { enabled: true, distribute: [], failover: [], failoverPriority: [], ...options };
}

function localityOf(policy: TrafficPolicy, ...others: [distribution?: 'prefer-same-zone', mesh?: LocalityPreference]) {
  return withLocality(policy, others[0], others[1]).loadBalancer?.locality;
}

function preferring(policy: TrafficPolicy, locality: LocalityPreference): TrafficPolicy {
  return {
    ...policy,
    loadBalancer: { algorithm: { kind: 'round-robin' }, warmup: undefined, locality },
  };
}

describe('withLocality', () => {
  test('policy/D6: with ejection, endpoints are preferred by region, zone and sub-zone', () => {
    expect(localityOf(ejecting)).toEqual(aPreference({}));
  });

  test('policy/D6: without ejection nothing is preferred', () => {
    expect(withLocality(noPolicy, undefined, undefined)).toBe(noPolicy);
    const failover = aPreference({ failover: [{ from: 'eu', to: 'us' }] });
    expect(localityOf(preferring(noPolicy, failover))).toBeUndefined();
  });

  test('policy/D8: shares per locality hold without ejection', () => {
    const distribute = aPreference({ distribute: [{ from: 'eu/*', to: { 'eu/*': 100 } }] });
    expect(localityOf(preferring(noPolicy, distribute))).toEqual(distribute);
  });

  test("policy/D9: the rule's word counts before the service's, and that before the mesh's", () => {
    const own = aPreference({ distribute: [{ from: 'eu/*', to: { 'eu/*': 100 } }] });
    const mesh = aPreference({ distribute: [{ from: 'us/*', to: { 'us/*': 100 } }] });
    expect(localityOf(preferring(noPolicy, own), 'prefer-same-zone', mesh)).toEqual(own);
    expect(localityOf(noPolicy, 'prefer-same-zone', mesh)?.failoverPriority).toEqual([
      'topology.kubernetes.io/region',
      'topology.kubernetes.io/zone',
    ]);
    expect(localityOf(noPolicy, undefined, mesh)).toEqual(mesh);
  });

  test('policy/P607: trafficDistribution steps back where endpoints are ejected', () => {
    expect(localityOf(ejecting, 'prefer-same-zone')).toEqual(aPreference({}));
  });

  test('a rule switches the preference of the mesh off', () => {
    const off = aPreference({ enabled: false });
    const mesh = aPreference({ distribute: [{ from: 'us/*', to: { 'us/*': 100 } }] });
    const { loadBalancer } = withLocality(preferring(ejecting, off), undefined, mesh);
    expect(loadBalancer).toEqual({ algorithm: { kind: 'round-robin' }, warmup: undefined, locality: undefined });
  });
});

test('labels of the topology are read from the locality unless the workload carries them', () => {
  const locality = { region: 'eu', zone: 'eu-1', subZone: 'rack-7' };
  expect(labelOrTopology('topology.kubernetes.io/zone', {}, locality)).toBe('eu-1');
  expect(labelOrTopology('topology.kubernetes.io/zone', { 'topology.kubernetes.io/zone': 'x' }, locality)).toBe('x');
  expect(labelOrTopology('version', { version: 'v1' }, locality)).toBe('v1');
  expect(labelOrTopology('version', {}, locality)).toBeUndefined();
});
