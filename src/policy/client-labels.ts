import type { Query, Read } from '../incremental/definitions.ts';
import type { ConfigKey } from '../model/keys.ts';
import {
  clientLabelsOfVirtualService,
  comparedLabel,
  comparedLabelsOfDestinationRule,
  destinationRulesComparingLabels,
  destinationRulesSelectingClients,
  virtualServicesSelectingClients,
} from './config-indexes.ts';
import { readDestinationRule, readVirtualService } from './decoded-objects.ts';
import { equalLists } from './equality.ts';
import { labelPair, labelPairs, type Labels } from './label-match.ts';
import { defaultDestinationRuleExportTo, defaultLocality, defaultVirtualServiceExportTo } from './mesh.ts';
import { keysSeenBy, keysSeenByEverybody } from './visibility.ts';

/**
 * Which labels of a client matter to the policies that its namespace sees. All others are left out of scopes, so that replicas,
 * and workloads that no policy tells apart, share every resource.
 */

/**
 * Label pairs, `name=value`, by which policies in sight of a namespace select clients: source labels of VirtualServices and
 * workload selectors of DestinationRules. Sorted.
 */
const selectingLabels: Query<string, readonly string[]> = {
  name: 'selectingLabels',
  compute(read, namespace) {
    const fallback = read(defaultVirtualServiceExportTo, 'mesh');
    const routes = [
      ...keysSeenByEverybody(read, virtualServicesSelectingClients, fallback),
      ...keysSeenBy(read, virtualServicesSelectingClients, fallback, namespace),
    ];
    const rules = read(destinationRulesSelectingClients, namespace);
    return [...new Set([...routes, ...rules].flatMap((key) => read(selectingLabelsOf, key)))].toSorted();
  },
  equal: equalLists,
};

const selectingLabelsOf: Query<ConfigKey, readonly string[]> = {
  name: 'selectingLabelsOf',
  compute(read, key) {
    const virtualService = readVirtualService(read, key);
    if (virtualService !== undefined) return clientLabelsOfVirtualService(virtualService);
    return labelPairs(readDestinationRule(read, key)?.clientSelector ?? {});
  },
  equal: equalLists,
};

/** Names of labels that locality settings in sight of a namespace compare between client and endpoint (policy D7). Sorted. */
const comparedLabels: Query<string, readonly string[]> = {
  name: 'comparedLabels',
  compute(read, namespace) {
    const fallback = read(defaultDestinationRuleExportTo, 'mesh');
    const rules = [
      ...keysSeenByEverybody(read, destinationRulesComparingLabels, fallback),
      ...keysSeenBy(read, destinationRulesComparingLabels, fallback, namespace),
    ];
    const ofMesh = (read(defaultLocality, 'mesh')?.failoverPriority ?? []).map(comparedLabel);
    return [...new Set([...ofMesh, ...rules.flatMap((key) => read(comparedLabelsOf, key))])].toSorted();
  },
  equal: equalLists,
};

const comparedLabelsOf: Query<ConfigKey, readonly string[]> = {
  name: 'comparedLabelsOf',
  compute(read, key) {
    const rule = readDestinationRule(read, key);
    return rule === undefined ? [] : comparedLabelsOfDestinationRule(rule);
  },
  equal: equalLists,
};

/** What remains of a client's labels where policies select clients. */
export function selectedClientLabels(read: Read, namespace: string, labels: Labels): Labels {
  const pairs = new Set(read(selectingLabels, namespace));
  return pairs.size === 0 ? {} : keptLabels(labels, (name, value) => pairs.has(labelPair(name, value)));
}

/** What remains of a client's labels where, beside that, they are compared with those of endpoints. */
export function comparedClientLabels(read: Read, namespace: string, labels: Labels): Labels {
  const names = new Set(read(comparedLabels, namespace));
  if (names.size === 0) return selectedClientLabels(read, namespace, labels);
  return { ...keptLabels(labels, (name) => names.has(name)), ...selectedClientLabels(read, namespace, labels) };
}

function keptLabels(labels: Labels, keep: (name: string, value: string) => boolean): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([name, value]) => keep(name, value)));
}
