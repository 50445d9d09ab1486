import { isDeepStrictEqual } from 'node:util';
import type { Query, Read } from '../incremental/definitions.ts';
import {
  compositeKey,
  partsOfConfigKey,
  partsOfServiceKey,
  partsOfWorkloadKey,
  serviceOfShardKey,
  type ConfigKey,
  type EndpointShardKey,
  type ProxyKey,
  type ServiceKey,
} from '../model/keys.ts';
import type { Proxy } from '../model/proxy.ts';
import { endpointShards, proxies, shardsByAddress } from '../model/tables.ts';
import { inNamespace, serviceEntriesByAddress, serviceEntriesBySelector } from './config-indexes.ts';
import { readServiceEntry, readWorkloadEntry } from './decoded-objects.ts';
import { labelPairs, selects, type Labels } from './label-match.ts';
import { servicesBySelector } from './registry-indexes.ts';
import { entryPorts } from './selected-endpoints.ts';
import { serviceOf } from './services.ts';
import { workloadOfProxy } from './workload-of-proxy.ts';

/** The services that a proxy's workload stands behind, all of its own namespace: no other may send itself traffic there. */

export interface Membership {
  readonly service: ServiceKey;
  /** Service port name -> port on the workload, where the source lists it; undefined: the service's target ports. */
  readonly ports: Readonly<Record<string, number>> | undefined;
}

/** Sorted by service. A service that selects the workload and also lists it counts once, with the listed ports. */
export const membershipsOf: Query<ProxyKey, readonly Membership[]> = {
  name: 'membershipsOf',
  compute(read, key) {
    const proxy = read(proxies, key);
    const workload = read(workloadOfProxy, key);
    if (proxy === undefined || workload === undefined) return [];
    const memberships = new Map<ServiceKey, Membership>();
    for (const service of servicesSelecting(read, proxy.namespace, workload.labels)) {
      memberships.set(service, { service, ports: undefined });
    }
    for (const membership of [
      ...workload.entries.flatMap((entry) => throughWorkloadEntry(read, entry)),
      ...throughServiceEntries(read, proxy),
      ...throughShards(read, proxy),
    ]) {
      memberships.set(membership.service, membership);
    }
    return [...memberships.keys()].toSorted().flatMap((service) => memberships.get(service) ?? []);
  },
  equal: isDeepStrictEqual,
};

function servicesSelecting(read: Read, namespace: string, labels: Labels): readonly ServiceKey[] {
  const values = labelPairs(labels).map((pair) => inNamespace(namespace, pair));
  const registered = values.flatMap((value) => read(servicesBySelector, value));
  const declared = values
    .flatMap((value) => read(serviceEntriesBySelector, value))
    .flatMap((entry) => readServiceEntry(read, entry)?.services.map((service) => service.key) ?? []);
  return [...new Set([...registered, ...declared])].filter((key) => {
    const selector = read(selectorOf, key);
    return selector !== undefined && selects(selector, labels);
  });
}

const selectorOf: Query<ServiceKey, Labels | undefined> = {
  name: 'selectorOf',
  compute: (read, key) => read(serviceOf, key)?.selector,
  equal: isDeepStrictEqual,
};

function throughWorkloadEntry(read: Read, key: ConfigKey): readonly Membership[] {
  const entry = readWorkloadEntry(read, key);
  if (entry === undefined) return [];
  return servicesSelecting(read, entry.namespace, entry.labels).flatMap((serviceName) => {
    const service = read(serviceOf, serviceName);
    return service === undefined ? [] : [{ service: serviceName, ports: entryPorts(service, entry) }];
  });
}

function throughServiceEntries(read: Read, proxy: Proxy): readonly Membership[] {
  return proxy.addresses.flatMap((address) =>
    read(serviceEntriesByAddress, address)
      .filter((key) => partsOfConfigKey(key).namespace === proxy.namespace)
      .map((key) => readServiceEntry(read, key))
      .filter((entry) => entry !== undefined)
      .flatMap((entry) => {
        const ports = entry.endpoints.find((endpoint) => endpoint.address === address)?.ports;
        return entry.services.map((service) => ({ service: service.key, ports }));
      }),
  );
}

function throughShards(read: Read, proxy: Proxy): readonly Membership[] {
  return proxy.addresses.flatMap((address) =>
    read(shardsByAddress, address).flatMap((shard) => {
      const service = serviceOfShardKey(shard);
      if (partsOfServiceKey(service).namespace !== proxy.namespace) return [];
      const listed = read(listedInShard, compositeKey(shard, address));
      // Pods on the network of their machine share its address: the name tells them apart.
      const another = ![undefined, proxy.workloadName].includes(listed?.workloadName) && proxy.workloadName !== '';
      return listed === undefined || another ? [] : [{ service, ports: listed.ports }];
    }),
  );
}

interface Listed {
  readonly ports: Readonly<Record<string, number>>;
  /** undefined: the source names only the address. */
  readonly workloadName: string | undefined;
}

/** How a shard lists an address: little of the shard, so that the proxies behind its other endpoints are left alone. */
const listedInShard: Query<string, Listed | undefined> = {
  name: 'listedInShard',
  compute(read, key) {
    const { shard, address } = shardAndAddress(key);
    const row = read(endpointShards, shard);
    const endpoint = row?.endpoints.find((candidate) => candidate.address === address);
    if (row === undefined || endpoint === undefined) return undefined;
    const workloadName = endpoint.workload === undefined ? undefined : partsOfWorkloadKey(endpoint.workload).name;
    return { ports: row.ports, workloadName };
  },
  equal: isDeepStrictEqual,
};

function shardAndAddress(key: string): { readonly shard: EndpointShardKey; readonly address: string } {
  const blank = key.lastIndexOf(' ');
  return { shard: key.slice(0, blank) as EndpointShardKey, address: key.slice(blank + 1) };
}
