import { isDeepStrictEqual } from 'node:util';
import type { Query, Read } from '../incremental/definitions.ts';
import { compareByAge } from '../model/config-object.ts';
import { partsOfConfigKey, type ConfigKey } from '../model/keys.ts';
import { titleOf, type Finding } from '../model/provenance.ts';
import type { Service } from '../model/service.ts';
import { destinationRulesByHost } from './config-indexes.ts';
import { readDestinationRule } from './decoded-objects.ts';
import type { DecodedDestinationRule } from './dialects/istio/decoded.ts';
import { serviceEndpoints } from './endpoints.ts';
import { equalLists } from './equality.ts';
import { aboutObject, listed } from './finding.ts';
import { isWildcard } from './host-match.ts';
import { rootNamespace } from './mesh.ts';
import { selects } from './label-match.ts';
import { clientTlsFindings } from './mutual-tls-findings.ts';
import { selectDestinationRules } from './destination-rules.ts';
import { serviceAt, suggestion } from './route-targets.ts';

/** What other objects make of a DestinationRule. */

export function ruleFindings(read: Read, key: ConfigKey, rule: DecodedDestinationRule): readonly Finding[] {
  const service = isWildcard(rule.host) ? undefined : serviceAt(read, rule.namespace, rule.host);
  return [
    ...(service === undefined ? hostMissing(read, rule) : []),
    ...mergedInto(read, key, rule),
    ...(service === undefined ? [] : hidesRules(read, rule, service)),
    ...(service === undefined ? [] : clientTlsFindings(read, rule, service.key)),
    ...emptySubsets(read, key, rule),
  ];
}

/** Policy P404. */
function hostMissing(read: Read, rule: DecodedDestinationRule): readonly Finding[] {
  if (isWildcard(rule.host)) return [];
  return [
    aboutObject(rule.reference, {
      severity: 'warning',
      code: 'IST0101',
      path: 'spec.host',
      message: `clients of ${rule.namespace} see no service with the host ${rule.host}`,
      advice: suggestion(
        read,
        rule.namespace,
        rule.host,
        'correct the host; a short name means one of the same namespace',
      ),
    }),
  ];
}

/** Policy P120: rules for one host count as one, where the older's word stands. */
function mergedInto(read: Read, key: ConfigKey, rule: DecodedDestinationRule): readonly Finding[] {
  const older = read(destinationRulesByHost, rule.host)
    .filter((other) => other !== key && partsOfConfigKey(other).namespace === rule.namespace)
    .map((other) => readDestinationRule(read, other))
    .filter((other) => other !== undefined)
    .filter((other) => compareByAge(other, rule) < 0 && sameClients(other, rule))
    .toSorted(compareByAge);
  return older.flatMap((other) => {
    const known = new Set(other.subsets.map(({ name }) => name));
    const repeated = rule.subsets.filter(({ name }) => known.has(name)).map(({ name }) => `the subset ${name}`);
    const settings = hasSettings(rule) && hasSettings(other) ? ['the trafficPolicy'] : [];
    const lost = [...settings, ...repeated];
    if (lost.length === 0) return [];
    return [
      aboutObject(rule.reference, {
        severity: 'error',
        code: 'WEIR1405',
        path: 'spec',
        message: `${titleOf(other.reference)} is older and has the same host ${rule.host}, so that of this object ${listed(lost)} is not in force`,
        advice: 'put everything for the host into one object',
      }),
    ];
  });
}

function sameClients(a: DecodedDestinationRule, b: DecodedDestinationRule): boolean {
  return isDeepStrictEqual(a.clientSelector, b.clientSelector) && isDeepStrictEqual(a.exportTo, b.exportTo);
}

function hasSettings({ trafficPolicy }: DecodedDestinationRule): boolean {
  return trafficPolicy.policy !== undefined || trafficPolicy.ports.size > 0;
}

/** Policy P406: a rule of the clients' namespace replaces the one of the service's namespace with everything in it. */
function hidesRules(read: Read, rule: DecodedDestinationRule, service: Service): readonly Finding[] {
  const { namespace } = rule;
  // Rules of the root namespace hide nothing: they come last.
  const last = namespace === read(rootNamespace, 'mesh');
  if (namespace === service.namespace || last || rule.clientSelector !== undefined) return [];
  const hiddenKeys = selectDestinationRules(read, service.key, { namespace, labels: {}, withoutOwn: true });
  return hiddenKeys
    .map((hidden) => readDestinationRule(read, hidden))
    .filter((hidden) => hidden !== undefined && hidden.namespace === service.namespace)
    .flatMap((hidden) => {
      if (hidden === undefined) return [];
      const own = new Set(rule.subsets.map(({ name }) => name));
      const lost = hidden.subsets.filter(({ name }) => !own.has(name)).map(({ name }) => name);
      const what = [
        ...(lost.length > 0 ? [`the ${lost.length === 1 ? 'subset' : 'subsets'} ${listed(lost)}`] : []),
        ...(hasSettings(hidden) ? ['its trafficPolicy'] : []),
      ];
      if (what.length === 0) return [];
      return [
        aboutObject(rule.reference, {
          severity: 'warning',
          code: 'WEIR1406',
          path: 'spec.host',
          message: `for clients of ${rule.namespace} this rule replaces ${titleOf(hidden.reference)}: they lose ${listed(what)}`,
          advice: 'repeat here what these clients shall keep, or remove this rule',
        }),
      ];
    });
}

/** Policy P405: such a subset answers 503. */
function emptySubsets(read: Read, key: ConfigKey, rule: DecodedDestinationRule): readonly Finding[] {
  return read(subsetsWithoutEndpoints, key).flatMap((name) => {
    const subset = rule.subsets.find((candidate) => candidate.name === name);
    if (subset === undefined) return [];
    return [
      aboutObject(rule.reference, {
        severity: 'warning',
        code: 'IST0173',
        path: subset.provenance.path ?? '',
        message: `none of the endpoints of ${rule.host} carries the labels of the subset ${name}; requests that go there answer 503`,
        advice: 'correct the labels of the subset, or of the workloads',
      }),
    ];
  });
}

/** Subsets that select none of the endpoints that there are. The key is the rule's. A name of its own, so that most changes of endpoints end here. */
const subsetsWithoutEndpoints: Query<ConfigKey, readonly string[]> = {
  name: 'subsetsWithoutEndpoints',
  compute(read, key) {
    const rule = readDestinationRule(read, key);
    if (rule === undefined || rule.subsets.length === 0 || isWildcard(rule.host)) return [];
    const service = serviceAt(read, rule.namespace, rule.host);
    const endpoints = service === undefined ? [] : read(serviceEndpoints, service.key);
    if (endpoints.length === 0) return [];
    return rule.subsets
      .filter(({ labels }) => !endpoints.some((endpoint) => selects(labels, endpoint.labels)))
      .map(({ name }) => name);
  },
  equal: equalLists,
};
