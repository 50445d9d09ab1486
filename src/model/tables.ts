import type { KeySet } from './authentication.ts';
import type { Index, Table } from '../incremental/definitions.ts';
import { keyOfConfig, type ConfigObject } from './config-object.ts';
import { changedAddresses, equalShards, type EndpointShard } from './endpoint.ts';
import type { ConfigKey, EndpointShardKey, NodeKey, ProxyKey, ServiceKey, WorkloadKey } from './keys.ts';
import type { OwnSettings } from './own-settings.ts';
import type { Proxy } from './proxy.ts';
import type { Service } from './service.ts';
import type { Source, SourceProblem } from './source.ts';
import type { Namespace, Node, Workload } from './workload.ts';
import { isDeepStrictEqual } from 'node:util';

/** The tables: everything that Weir knows from outside is a row of one of them. Indexes are pure functions of one row. */

export const configs: Table<ConfigKey, ConfigObject> = {
  name: 'configs',
  keyOf: keyOfConfig,
  equal: isDeepStrictEqual,
};
export const services: Table<ServiceKey, Service> = {
  name: 'services',
  keyOf: (row) => row.key,
  equal: isDeepStrictEqual,
};
export const endpointShards: Table<EndpointShardKey, EndpointShard> = {
  name: 'endpointShards',
  keyOf: (row) => row.key,
  equal: equalShards,
};
export const workloads: Table<WorkloadKey, Workload> = {
  name: 'workloads',
  keyOf: (row) => row.key,
  equal: isDeepStrictEqual,
};
export const nodes: Table<NodeKey, Node> = { name: 'nodes', keyOf: (row) => row.key, equal: isDeepStrictEqual };
export const namespaces: Table<string, Namespace> = {
  name: 'namespaces',
  keyOf: (row) => row.name,
  equal: isDeepStrictEqual,
};
export const proxies: Table<ProxyKey, Proxy> = { name: 'proxies', keyOf: (row) => row.key, equal: isDeepStrictEqual };
export const sources: Table<string, Source> = { name: 'sources', keyOf: (row) => row.name, equal: isDeepStrictEqual };
export const sourceProblems: Table<string, SourceProblem> = {
  name: 'sourceProblems',
  keyOf: (row) => row.key,
  equal: isDeepStrictEqual,
};

/** Public keys that were fetched; no row: not yet. */
export const keySets: Table<string, KeySet> = {
  name: 'keySets',
  keyOf: (row) => row.key,
  equal: isDeepStrictEqual,
};

/** The key is always `mesh`; no row: the defaults. */
export const ownSettings: Table<'mesh', OwnSettings> = {
  name: 'ownSettings',
  keyOf: () => 'mesh',
  equal: isDeepStrictEqual,
};

export const configsByKind: Index<string, ConfigKey, ConfigObject> = {
  name: 'configsByKind',
  table: configs,
  valuesOf: (row) => [row.kind],
};
export const servicesByHostname: Index<string, ServiceKey, Service> = {
  name: 'servicesByHostname',
  table: services,
  valuesOf: (row) => [row.hostname],
};
/** The value is always `all`. */
export const allServices: Index<string, ServiceKey, Service> = {
  name: 'allServices',
  table: services,
  valuesOf: () => ['all'],
};
export const shardsByService: Index<ServiceKey, EndpointShardKey, EndpointShard> = {
  name: 'shardsByService',
  table: endpointShards,
  valuesOf: (row) => [row.service],
};
export const shardsByAddress: Index<string, EndpointShardKey, EndpointShard> = {
  name: 'shardsByAddress',
  table: endpointShards,
  valuesOf: (row) => row.endpoints.map((endpoint) => endpoint.address),
  difference: (before, after) => changedAddresses(before.endpoints, after.endpoints),
};
export const workloadsByAddress: Index<string, WorkloadKey, Workload> = {
  name: 'workloadsByAddress',
  table: workloads,
  valuesOf: (row) => row.addresses,
};
