import type { Index } from '../incremental/definitions.ts';
import type { ConfigObject } from '../model/config-object.ts';
import type { ConfigKey, ServiceKey } from '../model/keys.ts';
import { configs } from '../model/tables.ts';
import { destinationRuleIn, serviceEntryIn, virtualServiceIn, workloadEntryIn } from './decoded-objects.ts';
import type { DecodedDestinationRule, DecodedVirtualService } from './dialects/istio/decoded.ts';
import { indexedPair, labelPairs } from './label-match.ts';
import { opaquePorts } from './opaque-ports.ts';
import { visibilityValues } from './visibility.ts';

/**
 * Where an edit of one object can be felt: configuration objects by what they name. A query looks up the few objects that may
 * concern it here instead of reading them all, so that work per edit does not grow with the mesh.
 */

type ConfigIndex<Value extends string = string> = Index<Value, ConfigKey, ConfigObject>;

/** `[gateways]` of an object that holds for all sidecars. */
export const meshGateway = 'mesh';

/** Whether the routes are for sidecars, of clients that call its hosts (policy P110). */
export function isForSidecars(virtualService: DecodedVirtualService): boolean {
  return virtualService.hosts.length > 0 && virtualService.gateways.includes(meshGateway);
}

function ofVirtualServices(name: string, valuesOf: (value: DecodedVirtualService) => readonly string[]): ConfigIndex {
  return {
    name,
    table: configs,
    valuesOf(row) {
      const value = virtualServiceIn(row);
      return value === undefined || !isForSidecars(value) ? [] : valuesOf(value);
    },
  };
}

function ofDestinationRules(name: string, valuesOf: (value: DecodedDestinationRule) => readonly string[]): ConfigIndex {
  return {
    name,
    table: configs,
    valuesOf(row) {
      const value = destinationRuleIn(row);
      return value === undefined ? [] : valuesOf(value);
    },
  };
}

/** VirtualServices for sidecars by the host patterns that they name. */
export const virtualServicesByHost = ofVirtualServices('virtualServicesByHost', (value) => value.hosts);

export const virtualServicesByVisibility = ofVirtualServices('virtualServicesByVisibility', (value) =>
  visibilityValues(value.exportTo, value.namespace),
);

/** Those that look at labels of the client, by who sees them. */
export const virtualServicesSelectingClients = ofVirtualServices('virtualServicesSelectingClients', (value) =>
  clientLabelsOfVirtualService(value).length === 0 ? [] : visibilityValues(value.exportTo, value.namespace),
);

/** The label pairs of clients that its routes look at. */
export function clientLabelsOfVirtualService(value: DecodedVirtualService): readonly string[] {
  return [...value.http, ...value.tls, ...value.tcp].flatMap((route) =>
    route.matches.flatMap((match) => labelPairs(match.conditions.sourceLabels)),
  );
}

/** By host pattern. */
export const destinationRulesByHost = ofDestinationRules('destinationRulesByHost', (value) => [value.host]);

/** Those for some clients of their namespace only, by namespace. */
export const destinationRulesSelectingClients = ofDestinationRules('destinationRulesSelectingClients', (value) =>
  value.clientSelector === undefined ? [] : [value.namespace],
);

/** Those that prefer endpoints by labels equal to the client's, by who sees them. */
export const destinationRulesComparingLabels = ofDestinationRules('destinationRulesComparingLabels', (value) =>
  comparedLabelsOfDestinationRule(value).length === 0 ? [] : visibilityValues(value.exportTo, value.namespace),
);

/** Names of the labels (without `=value`) that its locality settings compare between client and endpoint (policy D7). */
export function comparedLabelsOfDestinationRule(value: DecodedDestinationRule): readonly string[] {
  const layers = [value.trafficPolicy, ...value.subsets.map((subset) => subset.trafficPolicy)];
  return layers
    .flatMap((layer) => [layer.policy, ...layer.ports.values()])
    .flatMap((policy) => policy?.loadBalancer?.locality?.failoverPriority ?? [])
    .map(comparedLabel);
}

/** The name of the label in an entry of `failoverPriority`, `label` or `label=value`. */
export function comparedLabel(entry: string): string {
  return entry.split('=', 1)[0] ?? entry;
}

export const serviceEntriesByService: ConfigIndex<ServiceKey> = {
  name: 'serviceEntriesByService',
  table: configs,
  valuesOf: (row) => serviceEntryIn(row)?.services.map((service) => service.key) ?? [],
};

export const serviceEntriesByHost: ConfigIndex = {
  name: 'serviceEntriesByHost',
  table: configs,
  valuesOf: (row) => serviceEntryIn(row)?.services.map((service) => service.hostname) ?? [],
};

export const serviceEntriesByVisibility: ConfigIndex = {
  name: 'serviceEntriesByVisibility',
  table: configs,
  valuesOf: (row) =>
    serviceEntryIn(row)?.services.flatMap((service) => visibilityValues(service.exportTo, service.namespace)) ?? [],
};

/** By `namespace label=value`, one pair of the selector. */
export const serviceEntriesBySelector: ConfigIndex = {
  name: 'serviceEntriesBySelector',
  table: configs,
  valuesOf(row) {
    const selector = serviceEntryIn(row)?.services[0]?.selector;
    const pair = selector === undefined ? undefined : indexedPair(selector);
    return pair === undefined ? [] : [inNamespace(row.namespace, pair)];
  },
};

/** By the addresses of the endpoints that they list. */
export const serviceEntriesByAddress: ConfigIndex = {
  name: 'serviceEntriesByAddress',
  table: configs,
  valuesOf: (row) => serviceEntryIn(row)?.endpoints.map((endpoint) => endpoint.address) ?? [],
};

/** Those with services whose connections to a port nothing but the port tells apart, by the port's number. */
export const serviceEntriesByOpaquePort: ConfigIndex = {
  name: 'serviceEntriesByOpaquePort',
  table: configs,
  valuesOf: (row) => serviceEntryIn(row)?.services.flatMap((service) => opaquePorts(service).map(String)) ?? [],
};

/** By `namespace label=value`, every label. */
export const workloadEntriesByLabel: ConfigIndex = {
  name: 'workloadEntriesByLabel',
  table: configs,
  valuesOf: (row) => labelPairs(workloadEntryIn(row)?.labels ?? {}).map((pair) => inNamespace(row.namespace, pair)),
};

export const workloadEntriesByAddress: ConfigIndex = {
  name: 'workloadEntriesByAddress',
  table: configs,
  valuesOf(row) {
    const address = workloadEntryIn(row)?.address;
    return address === undefined ? [] : [address];
  },
};

export function inNamespace(namespace: string, value: string): string {
  return `${namespace} ${value}`;
}
