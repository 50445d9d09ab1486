import { isDeepStrictEqual } from 'node:util';
import type { Query, Read } from '../incremental/definitions.ts';
import type { ConfigKey, NodeKey, ProxyKey } from '../model/keys.ts';
import type { Proxy } from '../model/proxy.ts';
import { proxies, workloads, workloadsByAddress } from '../model/tables.ts';
import type { Locality, Workload } from '../model/workload.ts';
import { inNamespace, workloadEntriesByAddress } from './config-indexes.ts';
import { readWorkloadEntry } from './decoded-objects.ts';
import { localityOf } from './endpoint-shards.ts';
import { workloadsByName } from './registry-indexes.ts';

/**
 * What runs behind a proxy. A registry's word beats the proxy's own: a proxy must not choose which policies hold for it
 * (istio-compat I94). Only a workload that no registry knows is taken at its word.
 */
export interface WorkloadOfProxy {
  readonly labels: Readonly<Record<string, string>>;
  readonly locality: Locality;
  /** The machine that it runs on, where a registry knows that. */
  readonly node?: NodeKey;
  /** Named ports of its containers. */
  readonly namedPorts: Readonly<Record<string, number>>;
  /** The WorkloadEntries that stand for it. */
  readonly entries: readonly ConfigKey[];
}

export const workloadOfProxy: Query<ProxyKey, WorkloadOfProxy | undefined> = {
  name: 'workloadOfProxy',
  compute(read, key) {
    const proxy = read(proxies, key);
    if (proxy === undefined) return undefined;
    const entries = entriesOf(read, proxy);
    const workload = registeredWorkload(read, proxy);
    if (workload !== undefined) return ofWorkload(read, proxy, workload, entries);
    const [entry] = entries.map((entryKey) => readWorkloadEntry(read, entryKey));
    if (entry !== undefined) {
      const locality = isKnown(entry.locality) ? entry.locality : proxy.locality;
      // The entry stands for one address of the machine; what the proxy says of its workload tells more, where it says anything.
      const labels = Object.keys(proxy.labels).length > 0 ? proxy.labels : entry.labels;
      return { labels, locality, namedPorts: announcedPorts(proxy), entries };
    }
    return { labels: proxy.labels, locality: proxy.locality, namedPorts: announcedPorts(proxy), entries };
  },
  equal: isDeepStrictEqual,
};

function ofWorkload(read: Read, proxy: Proxy, workload: Workload, entries: readonly ConfigKey[]): WorkloadOfProxy {
  const locality = localityOf(read, workload.node);
  return {
    labels: workload.labels,
    locality: isKnown(locality) ? locality : proxy.locality,
    ...(workload.node === undefined ? {} : { node: workload.node }),
    namedPorts: { ...announcedPorts(proxy), ...workload.namedPorts },
    entries,
  };
}

/** By name first: pods on the network of their machine share its address. Pods of one name in several clusters differ by address. */
function registeredWorkload(read: Read, proxy: Proxy): Workload | undefined {
  const keys = proxy.workloadName === '' ? [] : read(workloadsByName, inNamespace(proxy.namespace, proxy.workloadName));
  const named = keys.map((key) => read(workloads, key)).filter((workload) => workload !== undefined);
  const itself = named.find(({ addresses }) => addresses.some((address) => proxy.addresses.includes(address)));
  if (named.length > 0) return itself ?? named[0];
  for (const address of proxy.addresses) {
    for (const key of read(workloadsByAddress, address)) {
      const workload = read(workloads, key);
      if (workload?.namespace === proxy.namespace) return workload;
    }
  }
  return undefined;
}

function entriesOf(read: Read, proxy: Proxy): readonly ConfigKey[] {
  const keys = proxy.addresses.flatMap((address) => read(workloadEntriesByAddress, address));
  return [...new Set(keys)].filter((key) => readWorkloadEntry(read, key)?.namespace === proxy.namespace);
}

function announcedPorts(proxy: Proxy): Readonly<Record<string, number>> {
  return Object.fromEntries(proxy.podPorts.map(({ name, containerPort }) => [name, containerPort]));
}

function isKnown(locality: Locality): boolean {
  return locality.region !== '' || locality.zone !== '' || locality.subZone !== '';
}
