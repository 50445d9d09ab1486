import type { LocalityPreference } from '../../model/traffic-policy.ts';
import type { Locality } from '../../model/workload.ts';
import type { LocalityGroup } from './locality-groups.ts';

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
  if (shares === undefined) return groups.map((group) => ({ ...group, weight: endpointWeight(group) }));
  const patterns = Object.keys(shares).toSorted(bySpecificity);
  const byPattern = Map.groupBy(groups, ({ locality }) => patterns.find((pattern) => matches(locality, pattern)));
  return groups.flatMap((group) => {
    const pattern = patterns.find((each) => matches(group.locality, each));
    const share = pattern === undefined ? 0 : (shares[pattern] ?? 0);
    if (share === 0) return [];
    const total = (byPattern.get(pattern) ?? []).reduce((sum, each) => sum + endpointWeight(each), 0);
    return [{ ...group, weight: Math.ceil((share * endpointWeight(group)) / total) }];
  });
}

function endpointWeight({ members }: LocalityGroup): number {
  return members.reduce((sum, { weight }) => sum + weight, 0);
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
