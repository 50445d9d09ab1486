import type { LocalityPreference } from '../../model/traffic-policy.ts';
import type { Locality } from '../../model/workload.ts';
import { comparedLabel } from '../../policy/config-indexes.ts';
import { labelOrTopology } from '../../policy/locality-preference.ts';
import type { Place, LocalityGroup } from './locality-groups.ts';

/** Which endpoints are tried first: the near ones, the next ones when those fail (policy D6, D7). */

/** More ranks than `nearness` has. */
const nearnessRanks = 8;

/** A rank, lower is better; gaps are closed by `compacted`. Shares of traffic (`distribute`) leave no order. */
export function priorityOf(endpoint: Place, preference: LocalityPreference, client: Place): number {
  if (preference.distribute.length > 0) return 0;
  const near = nearness(endpoint.locality, client.locality, preference.failover);
  if (preference.failoverPriority.length === 0) return near;
  const rank = mismatchedLabels(endpoint, preference.failoverPriority, client);
  return preference.failover.length === 0 ? rank : rank * nearnessRanks + near;
}

/** Names of the labels by which `priorityOf` tells endpoints of one locality apart, sorted. */
export function comparedLabels({ distribute, failoverPriority }: LocalityPreference): readonly string[] {
  return distribute.length > 0 ? [] : [...new Set(failoverPriority.map(comparedLabel))].toSorted();
}

/** Same sub-zone 0, zone 1, region 2, elsewhere 3, or 4 where the policy names another region to fail over to. */
function nearness(endpoint: Locality, client: Locality, failover: LocalityPreference['failover']): number {
  if (endpoint.region !== client.region) {
    const target = failover.find(({ from }) => from === client.region)?.to;
    return target === undefined || target === endpoint.region ? 3 : 4;
  }
  if (endpoint.zone !== client.zone) return 2;
  return endpoint.subZone === client.subZone ? 0 : 1;
}

/** How many of the labels, from the first one that differs, the endpoint does not share with the client. */
function mismatchedLabels(endpoint: Place, labels: readonly string[], client: Place): number {
  const differing = labels.findIndex((label) => {
    const equals = label.indexOf('=');
    const name = equals < 0 ? label : label.slice(0, equals);
    const wanted = equals < 0 ? labelOrTopology(name, client.labels, client.locality) : label.slice(equals + 1);
    return (labelOrTopology(name, endpoint.labels, endpoint.locality) ?? '') !== (wanted ?? '');
  });
  return differing < 0 ? 0 : labels.length - differing;
}

/** Priorities 0, 1, 2, … without gaps, as Envoy wants them. */
export function compacted(groups: readonly LocalityGroup[]): readonly LocalityGroup[] {
  const ranks = [...new Set(groups.map(({ priority }) => priority))].toSorted((a, b) => a - b);
  return groups.map((group) => ({ ...group, priority: ranks.indexOf(group.priority) }));
}
