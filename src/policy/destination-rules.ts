import { isDeepStrictEqual } from 'node:util';
import type { Query, Read } from '../incremental/definitions.ts';
import { compareByAge } from '../model/config-object.ts';
import { partsOf, partsOfServiceKey, scopeKey, type ConfigKey, type ServiceKey } from '../model/keys.ts';
import { destinationRulesByHost } from './config-indexes.ts';
import { readDestinationRule } from './decoded-objects.ts';
import type { DecodedDestinationRule, DecodedSubset, TrafficPolicyLayer } from './dialects/istio/decoded.ts';
import { equalLists } from './equality.ts';
import { objectsByHost } from './host-match.ts';
import { selects, type Labels } from './label-match.ts';
import { defaultDestinationRuleExportTo, rootNamespace } from './mesh.ts';
import { scopeFactsOf } from './scope.ts';
import { isExportedTo, type ExportTo } from './visibility.ts';

/** Which DestinationRules hold for one client and service (policy P120). */

/** DestinationRules that name a host or a wildcard above it, most specific first. */
const destinationRulesNaming = objectsByHost('destinationRulesNaming', destinationRulesByHost);

/** What decides between rules; an edit of the settings themselves leaves it alone. */
export interface DestinationRuleStanding {
  readonly key: ConfigKey;
  readonly namespace: string;
  readonly name: string;
  readonly createdAt: number;
  readonly exportTo: ExportTo;
  readonly clientSelector: Labels | undefined;
}

const standingOf: Query<ConfigKey, DestinationRuleStanding | undefined> = {
  name: 'destinationRuleStanding',
  compute(read, key) {
    const rule = readDestinationRule(read, key);
    if (rule === undefined) return undefined;
    const { namespace, name, createdAt, exportTo, clientSelector } = rule;
    return { key, namespace, name, createdAt, exportTo, clientSelector };
  },
  equal: isDeepStrictEqual,
};

/** Whom rules are looked up for. */
export interface RuleClient {
  readonly namespace: string;
  /** undefined: the server's own side, for which rules with a selector are not meant. */
  readonly labels: Labels | undefined;
  /** As if the client's namespace had no rules of its own. */
  readonly withoutOwn?: true;
}

/**
 * The rules in force for a client and a service: the one that wins first, then those that are merged into it. The first namespace
 * with any rule for this client wins entirely: the client's own (unless it is the root), the service's, the root (policy P120).
 * Unlike in Istio a rule whose selector leaves this client out does not count as its namespace's rule: it was written for others.
 */
export function selectDestinationRules(read: Read, service: ServiceKey, client: RuleClient): readonly ConfigKey[] {
  const { namespace, hostname } = partsOfServiceKey(service);
  const candidates = read(destinationRulesNaming, hostname);
  if (candidates.length === 0) return none;
  const root = read(rootNamespace, 'mesh');
  const fallback = read(defaultDestinationRuleExportTo, 'mesh');
  const levels = candidates.map(({ objects }) =>
    objects.map((key) => read(standingOf, key)).filter((standing) => standing !== undefined),
  );
  const own = client.namespace === root || client.withoutOwn === true ? [] : [client.namespace];
  for (const owner of new Set([...own, namespace, root])) {
    const inForce = levels.map((standings) =>
      standings.filter((standing) => standing.namespace === owner && concerns(standing, client, fallback, root)),
    );
    const chosen = mostSpecific(inForce, true) ?? mostSpecific(inForce, false);
    if (chosen !== undefined) return chosen;
  }
  return none;
}

const none: readonly ConfigKey[] = [];

function concerns(
  standing: DestinationRuleStanding,
  client: RuleClient,
  fallback: readonly string[],
  root: string,
): boolean {
  const own = standing.namespace === client.namespace;
  if (standing.clientSelector !== undefined) {
    // Rules for some workloads are private to the namespace of these workloads.
    return own && client.labels !== undefined && selects(standing.clientSelector, client.labels);
  }
  // A namespace follows its own rules, also those that it writes for others only.
  if (own && client.namespace !== root) return standing.exportTo?.includes('~') !== true;
  return isExportedTo(standing.exportTo, fallback, standing.namespace, client.namespace);
}

/** @param levels rules by host pattern, most specific first */
function mostSpecific(
  levels: readonly (readonly DestinationRuleStanding[])[],
  withSelector: boolean,
): readonly ConfigKey[] | undefined {
  for (const level of levels) {
    const [winner, ...others] = level
      .filter((standing) => (standing.clientSelector !== undefined) === withSelector)
      .toSorted(compareByAge);
    if (winner !== undefined)
      return [winner, ...others.filter((other) => isMergedInto(winner, other))].map(({ key }) => key);
  }
  return undefined;
}

/** Rules for one host with equal visibility and selector count as one rule (policy P120). */
function isMergedInto(winner: DestinationRuleStanding, other: DestinationRuleStanding): boolean {
  return (
    isDeepStrictEqual(winner.exportTo, other.exportTo) && isDeepStrictEqual(winner.clientSelector, other.clientSelector)
  );
}

/** For a client: the key is `scope service`, the scope a client's. */
export const clientRules: Query<string, readonly ConfigKey[]> = {
  name: 'clientRules',
  compute(read, key) {
    const { scope, service } = scopeAndService(key);
    const { namespace, labels } = scopeFactsOf(scopeKey(scope), 'client');
    return selectDestinationRules(read, service, { namespace, labels });
  },
  equal: equalLists,
};

/** For the server's own side, whatever its labels: the key is `namespace service`. */
export const serverRules: Query<string, readonly ConfigKey[]> = {
  name: 'serverRules',
  compute(read, key) {
    const { scope: namespace, service } = scopeAndService(key);
    return selectDestinationRules(read, service, { namespace, labels: undefined });
  },
  equal: equalLists,
};

function scopeAndService(key: string): { readonly scope: string; readonly service: ServiceKey } {
  const [scope = '', service = ''] = partsOf(key);
  return { scope, service: service as ServiceKey };
}

/** Rules that count as one: subsets of all of them, the settings of the first that has any. */
export interface MergedRule {
  readonly subsets: readonly DecodedSubset[];
  readonly trafficPolicy: TrafficPolicyLayer;
  /** The rule that `trafficPolicy` is from; undefined: none has settings of its own. */
  readonly author: DecodedDestinationRule | undefined;
}

/** Of two subsets of one name the older rule's counts (policy P120). */
export function mergedRule(read: Read, keys: readonly ConfigKey[]): MergedRule {
  const rules = keys.map((key) => readDestinationRule(read, key)).filter((rule) => rule !== undefined);
  const subsets = new Map<string, DecodedSubset>();
  for (const subset of rules.flatMap((rule) => rule.subsets)) {
    if (!subsets.has(subset.name)) subsets.set(subset.name, subset);
  }
  const author = rules.find(({ trafficPolicy }) => trafficPolicy.policy !== undefined || trafficPolicy.ports.size > 0);
  return { subsets: [...subsets.values()], trafficPolicy: author?.trafficPolicy ?? noSettings, author };
}

const noSettings: TrafficPolicyLayer = { policy: undefined, ports: new Map() };
