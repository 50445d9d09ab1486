import type { Index } from '../incremental/definitions.ts';
import type { ServiceKey, WorkloadKey } from '../model/keys.ts';
import type { Service } from '../model/service.ts';
import { services, workloads } from '../model/tables.ts';
import type { Workload } from '../model/workload.ts';
import { inNamespace } from './config-indexes.ts';
import { indexedPair, labelPairs } from './label-match.ts';
import { opaquePorts } from './opaque-ports.ts';
import { visibilityValues } from './visibility.ts';

/** Rows of registries by what policy asks of them. */

export const servicesByVisibility: Index<string, ServiceKey, Service> = {
  name: 'servicesByVisibility',
  table: services,
  valuesOf: (row) => visibilityValues(row.exportTo, row.namespace),
};

export const servicesInNamespace: Index<string, ServiceKey, Service> = {
  name: 'servicesInNamespace',
  table: services,
  valuesOf: (row) => [row.namespace],
};

/** By `namespace label=value`, one pair of the selector. */
export const servicesBySelector: Index<string, ServiceKey, Service> = {
  name: 'servicesBySelector',
  table: services,
  valuesOf(row) {
    const pair = row.selector === undefined ? undefined : indexedPair(row.selector);
    return pair === undefined ? [] : [inNamespace(row.namespace, pair)];
  },
};

/** By `namespace label=value`, every label. */
export const workloadsByLabel: Index<string, WorkloadKey, Workload> = {
  name: 'workloadsByLabel',
  table: workloads,
  valuesOf: (row) => labelPairs(row.labels).map((pair) => inNamespace(row.namespace, pair)),
};

/** By `namespace name`. */
export const workloadsByName: Index<string, WorkloadKey, Workload> = {
  name: 'workloadsByName',
  table: workloads,
  valuesOf: (row) => [inNamespace(row.namespace, row.name)],
};

/** Services whose clients stay on their node; the value is always `all`. */
export const servicesOnNodes: Index<string, ServiceKey, Service> = {
  name: 'servicesOnNodes',
  table: services,
  valuesOf: ({ staysOnNode }) => (staysOnNode === true ? ['all'] : []),
};

/** Services whose connections to a port nothing but the port tells apart, by the port's number. */
export const servicesByOpaquePort: Index<string, ServiceKey, Service> = {
  name: 'servicesByOpaquePort',
  table: services,
  valuesOf: (row) => opaquePorts(row).map(String),
};
