import type { DecodedDestinationRule, DecodedObject, DecodedSubset } from './decoded.ts';
import { decodeExportTo } from './export-to.ts';
import { quote } from './field-path.ts';
import { checkHost, fullHost } from './hosts.ts';
import type { Reading } from './reading.ts';
import type { DestinationRuleSpec } from './schemas/destination-rule.ts';
import { decodeTrafficPolicy } from './traffic-policy.ts';
import { checkName, decodeLabels, itemsOf } from './values.ts';

/** What a DestinationRule says, apart from who wrote it. */
type DestinationRuleParts = Omit<DecodedDestinationRule, keyof DecodedObject>;

export function decodeDestinationRuleSpec(spec: DestinationRuleSpec, reading: Reading): DestinationRuleParts {
  const clientSelector = decodeSelector(spec.workloadSelector?.matchLabels, reading);
  const selected = clientSelector !== undefined;
  const exportTo = decodeExportTo(spec.exportTo, 'spec.exportTo', reading);
  if (selected) checkPrivate(exportTo, reading);
  return {
    kind: 'destination-rule',
    host: decodeHost(spec.host, reading),
    exportTo,
    clientSelector,
    trafficPolicy: decodeTrafficPolicy(spec.trafficPolicy, 'spec.trafficPolicy', reading, selected),
    subsets: decodeSubsets(spec.subsets, reading, selected),
  };
}

function decodeHost(host: string | undefined, reading: Reading): string {
  if (host === undefined) {
    reading.error('WEIR1005', 'spec.host', 'the host is missing', 'name the service that the rule is for');
    return '';
  }
  checkHost(host, 'spec.host', reading, { wildcard: true, address: true });
  return fullHost(host, reading);
}

function decodeSelector(
  labels: Readonly<Record<string, string>> | undefined,
  reading: Reading,
): Readonly<Record<string, string>> | undefined {
  if (labels === undefined || Object.keys(labels).length === 0) return undefined;
  return decodeLabels(labels, 'spec.workloadSelector.matchLabels', reading);
}

/** A rule for some clients is for clients of its own namespace (policy P120). */
function checkPrivate(exportTo: readonly string[] | undefined, reading: Reading): void {
  const elsewhere = exportTo?.filter((namespace) => namespace !== '.' && namespace !== reading.namespace) ?? [];
  if (elsewhere.length === 0) return;
  const message = 'a rule with workloadSelector is for its own namespace only';
  reading.error('WEIR1020', 'spec.exportTo', message, 'remove exportTo, or write "."');
}

function decodeSubsets(
  list: DestinationRuleSpec['subsets'],
  reading: Reading,
  selected: boolean,
): readonly DecodedSubset[] {
  const subsets = new Map<string, DecodedSubset>();
  for (const { item, at } of itemsOf(list, 'spec.subsets')) {
    const { name } = item;
    const labels = decodeLabels(item.labels, `${at}.labels`, reading);
    const trafficPolicy = decodeTrafficPolicy(item.trafficPolicy, `${at}.trafficPolicy`, reading, selected);
    if (name === undefined || name === '') {
      reading.error('WEIR1005', `${at}.name`, 'the subset has no name', 'add name');
    } else if (subsets.has(name)) {
      const message = `there is a subset ${quote(name)} already; the first one counts`;
      reading.warn('WEIR1205', `${at}.name`, message, 'rename or remove one of them');
    } else if (checkName(name, 'subset', `${at}.name`, reading)) {
      subsets.set(name, { name, labels, trafficPolicy, provenance: reading.provenance(at) });
    }
  }
  return [...subsets.values()];
}
