import { isDeepStrictEqual } from 'node:util';
import type { Query, Read } from '../incremental/definitions.ts';
import { compositeKey, partsOf, type ServiceKey } from '../model/keys.ts';
import type { Provenance } from '../model/provenance.ts';
import type { Service } from '../model/service.ts';
import type { EffectiveTrafficPolicy, Subset, TrafficPolicy } from '../model/traffic-policy.ts';
import { clientRules, mergedRule } from './destination-rules.ts';
import type { DecodedSubset } from './dialects/istio/decoded.ts';
import { withLocality } from './locality-preference.ts';
import { defaultLocality, defaultTrafficPolicy, meshSettingsSource } from './mesh.ts';
import { noPolicy, overlaid, speaksFor, withLayer } from './policy-layers.ts';
import { serviceOf } from './services.ts';
import { withAffinity } from './session-affinity.ts';

/** How a client treats a service: the rules that hold for it, put together. */

/** In the key of `trafficPolicyOf`: the whole service, no subset of it. */
export const noSubset = '-';

/** The subsets of a service that a client may name, in the order of their rules. The key is `scope service`, the scope a client's. */
export const subsetsOf: Query<string, readonly Subset[]> = {
  name: 'subsetsOf',
  compute(read, key) {
    const rules = read(clientRules, key);
    if (rules.length === 0) return noSubsets;
    return mergedRule(read, rules).subsets.map(({ name, labels, provenance }) => ({ name, labels, provenance }));
  },
  equal: isDeepStrictEqual,
};

const noSubsets: readonly Subset[] = [];

/**
 * What holds for a client's traffic to a port of a service, or of a subset of it: the rule's settings, over them the subset's,
 * over them those of the port where there are some, all block by block over the mesh's defaults (policy P121, P602); with the
 * locality preference in force (policy D6 to D9). The key is `scope service port subset`, subset `-` for the service as a whole;
 * the settings of a subset that nobody defines are those of the service.
 */
export const trafficPolicyOf: Query<string, EffectiveTrafficPolicy> = {
  name: 'trafficPolicyOf',
  compute(read, key) {
    const [scope = '', service = '', port = '', subsetName = noSubset] = partsOf(key);
    const rules = read(clientRules, compositeKey(scope, service));
    const wishes = read(wishesOf, service as ServiceKey);
    if (rules.length === 0 && wishes === noWishes) return read(policyWithoutRules, 'mesh');
    const { subsets, trafficPolicy, author } = mergedRule(read, rules);
    const subset = subsets.find(({ name }) => name === subsetName);
    const number = Number(port);
    const provenance: Provenance[] = [];
    if (author !== undefined && speaksFor(trafficPolicy, number)) {
      provenance.push({ ...author.reference, path: 'spec.trafficPolicy' });
    }
    if (subset !== undefined) provenance.push(subset.provenance);
    const policy = layered(trafficPolicy, subset, number);
    return inMesh(read, policy, wishes, provenance);
  },
  equal: isDeepStrictEqual,
};

function layered(
  ofRule: DecodedSubset['trafficPolicy'],
  subset: DecodedSubset | undefined,
  port: number,
): TrafficPolicy {
  const base = withLayer(noPolicy, ofRule, port);
  return subset === undefined ? base : withLayer(base, subset.trafficPolicy, port);
}

/** For every service without a rule: one result that all of them share. The key is always `mesh`. */
const policyWithoutRules: Query<'mesh', EffectiveTrafficPolicy> = {
  name: 'policyWithoutRules',
  compute: (read) => inMesh(read, noPolicy, noWishes, []),
  equal: isDeepStrictEqual,
};

/** What a service asks for by itself, while no rule says otherwise. */
type Wishes = Pick<Service, 'trafficDistribution' | 'sessionAffinity'>;

const noWishes: Wishes = {};

const wishesOf: Query<ServiceKey, Wishes> = {
  name: 'trafficWishesOf',
  compute(read, key) {
    const { trafficDistribution, sessionAffinity } = read(serviceOf, key) ?? noWishes;
    if (trafficDistribution === undefined && sessionAffinity === undefined) return noWishes;
    return {
      ...(trafficDistribution === undefined ? {} : { trafficDistribution }),
      ...(sessionAffinity === undefined ? {} : { sessionAffinity }),
    };
  },
  equal: isDeepStrictEqual,
};

function inMesh(
  read: Read,
  policy: TrafficPolicy,
  { trafficDistribution, sessionAffinity }: Wishes,
  provenance: readonly Provenance[],
): EffectiveTrafficPolicy {
  const mesh = read(defaultTrafficPolicy, 'mesh');
  const locality = read(defaultLocality, 'mesh');
  const own = withAffinity(policy, sessionAffinity);
  const complete = mesh === undefined ? own : overlaid(mesh, own);
  const source = mesh === undefined && locality === undefined ? undefined : read(meshSettingsSource, 'mesh');
  return {
    policy: withLocality(complete, trafficDistribution, locality),
    provenance: source === undefined ? provenance : [...provenance, source],
  };
}
