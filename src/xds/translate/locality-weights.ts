import type { LocalityPreference } from '../../model/traffic-policy.ts';
import type { Locality } from '../../model/workload.ts';
import type { LocalityGroup } from './locality-groups.ts';

/** Envoy adds weights up in 32 bits, and refuses an assignment in which they do not fit (hot-path H305). */
const largestSum = 4_294_967_295;

/** What makes each of so many weights fit when their sum does not, in proportion and at least 1; undefined: the sum fits. */
export function fittingWeight(sum: number, count: number): ((weight: number) => number) | undefined {
  if (sum <= largestSum) return undefined;
  // The part of the room that is left when every one has at least 1.
  const factor = (largestSum - count) / sum;
  return (weight) => Math.max(1, Math.floor(weight * factor));
}

/**
 * Shares of traffic per locality (policy D8): those of the first entry that is for the client's locality; localities without a
 * share get nothing. A client that no entry is for spreads its requests over all endpoints alike.
 */
export function distributedWeights(
  groups: readonly LocalityGroup[],
  distribute: LocalityPreference['distribute'],
  client: Locality,
): readonly LocalityGroup[] {
  const shares = distribute.find(({ from }) => matches(client, from))?.to;
  if (shares === undefined) return withEndpointWeights(groups);
  const patterns = Object.keys(shares).toSorted(bySpecificity);
  const byPattern = Map.groupBy(groups, ({ locality }) => patterns.find((pattern) => matches(locality, pattern)));
  return groups.flatMap((group) => {
    const pattern = patterns.find((each) => matches(group.locality, each));
    const share = pattern === undefined ? 0 : (shares[pattern] ?? 0);
    if (share === 0) return [];
    const total = (byPattern.get(pattern) ?? []).reduce((sum, each) => sum + each.endpointWeight, 0);
    return [{ ...group, weight: Math.ceil((share * group.endpointWeight) / total) }];
  });
}

function withEndpointWeights(groups: readonly LocalityGroup[]): readonly LocalityGroup[] {
  const sum = groups.reduce((total, { endpointWeight }) => total + endpointWeight, 0);
  const fitting = fittingWeight(sum, groups.length);
  return groups.map((group) => ({ ...group, weight: fitting?.(group.endpointWeight) ?? group.endpointWeight }));
}

/** `region/zone/sub-zone`, each part missing or `*`: any. */
function matches(locality: Locality, pattern: string): boolean {
  const [region = '*', zone = '*', subZone = '*'] = pattern.split('/');
  return (
    (region === '*' || region === locality.region) &&
    (zone === '*' || zone === locality.zone) &&
    (subZone === '*' || subZone === locality.subZone)
  );
}

/** The pattern that says most about a locality decides its share. */
function bySpecificity(a: string, b: string): number {
  return specificity(b) - specificity(a) || (a < b ? -1 : 1);
}

function specificity(pattern: string): number {
  return pattern.split('/').filter((part) => part !== '*').length;
}
