import { isDeepStrictEqual } from 'node:util';
import type { Query, Read } from '../incremental/definitions.ts';
import { compareByAge } from '../model/config-object.ts';
import {
  compositeKey,
  partsOf,
  partsOfConfigKey,
  partsOfServiceKey,
  serviceKey,
  type ConfigKey,
  type ServiceKey,
} from '../model/keys.ts';
import type { Service } from '../model/service.ts';
import { services, servicesByHostname } from '../model/tables.ts';
import { serviceEntriesByHost, serviceEntriesByService, serviceEntriesByVisibility } from './config-indexes.ts';
import { readServiceEntry } from './decoded-objects.ts';
import type { DecodedServiceEntry } from './dialects/istio/decoded.ts';
import { equalLists } from './equality.ts';
import { defaultServiceExportTo } from './mesh.ts';
import { servicesByVisibility } from './registry-indexes.ts';
import { isExportedTo, keysSeenBy, keysSeenByEverybody, type ExportTo } from './visibility.ts';

/** Which services there are, and which of them a namespace sees. */

/**
 * The service of a key: a registry's, else the one that the oldest service entry declares (policy G4, G5). undefined: there is none.
 */
export const serviceOf: Query<ServiceKey, Service | undefined> = {
  name: 'serviceOf',
  compute(read, key) {
    return read(services, key) ?? declaringEntry(read, key)?.services.find((service) => service.key === key);
  },
  equal: isDeepStrictEqual,
};

/** The service entry whose endpoints and ports a service has; undefined when a registry has the service. */
export function declaringEntry(read: Read, key: ServiceKey): DecodedServiceEntry | undefined {
  if (read(services, key) !== undefined) return undefined;
  return read(serviceEntriesByService, key)
    .map((entry) => readServiceEntry(read, entry))
    .filter((entry) => entry !== undefined)
    .toSorted(compareByAge)[0];
}

/** What decides between services of one host name, and who sees them: far less than the service, so that few edits touch it. */
interface Standing {
  readonly registry: Service['registry'];
  readonly namespace: string;
  readonly name: string;
  readonly createdAt: number;
  readonly exportTo: ExportTo;
}

const standingOf: Query<ServiceKey, Standing | undefined> = {
  name: 'serviceStanding',
  compute(read, key) {
    const service = read(serviceOf, key);
    if (service === undefined) return undefined;
    const { registry, namespace, name, createdAt, exportTo } = service;
    return { registry, namespace, name, createdAt, exportTo };
  },
  equal: isDeepStrictEqual,
};

interface PublicServices {
  /** Sorted by host name. */
  readonly keys: readonly ServiceKey[];
  /** Some host name is declared in several namespaces. */
  readonly ambiguous: boolean;
}

/** The services that every namespace sees. The key is always `all`. */
const publicServices: Query<'all', PublicServices> = {
  name: 'publicServices',
  compute(read) {
    const fallback = read(defaultServiceExportTo, 'mesh');
    const declared = keysSeenByEverybody(read, serviceEntriesByVisibility, fallback)
      .flatMap((entry) => read(declaredServices, entry))
      .filter((key) => isVisible(read, key, fallback, undefined));
    const keys = sortedByHostname([...keysSeenByEverybody(read, servicesByVisibility, fallback), ...declared]);
    return { keys, ambiguous: hasRepeatedHostname(keys) };
  },
  equal: (a, b) => a.ambiguous === b.ambiguous && equalLists(a.keys, b.keys),
};

/** Keys of the services that a service entry declares. */
const declaredServices: Query<ConfigKey, readonly ServiceKey[]> = {
  name: 'declaredServices',
  compute: (read, key) => readServiceEntry(read, key)?.services.map((service) => service.key) ?? [],
  equal: equalLists,
};

/**
 * The services that are exported to a namespace, one per host name, sorted by host name (policy G3, G5).
 * Of several under one name: a registry's before a service entry's, then the namespace's own, then the oldest.
 */
export const visibleServices: Query<string, readonly ServiceKey[]> = {
  name: 'visibleServices',
  compute(read, namespace) {
    const fallback = read(defaultServiceExportTo, 'mesh');
    const open = read(publicServices, 'all');
    const declared = keysSeenBy(read, serviceEntriesByVisibility, fallback, namespace)
      .flatMap((entry) => read(declaredServices, entry))
      .filter((key) => isVisible(read, key, fallback, namespace));
    const restricted = [...keysSeenBy(read, servicesByVisibility, fallback, namespace), ...declared];
    if (restricted.length === 0 && !open.ambiguous) return open.keys;
    return onePerHostname(read, sortedByHostname([...open.keys, ...restricted]), namespace);
  },
  equal: equalLists,
};

/** The service that a client in a namespace sees under exactly a host name. The key is `namespace hostname`. */
export const serviceForHost: Query<string, ServiceKey | undefined> = {
  name: 'serviceForHost',
  compute(read, key) {
    const [namespace = '', hostname = ''] = partsOf(key);
    const registered = read(servicesByHostname, hostname);
    const declaring = read(serviceEntriesByHost, hostname);
    if (registered.length === 0 && declaring.length === 0) return undefined;
    const fallback = read(defaultServiceExportTo, 'mesh');
    const declared = declaring.map((entry) => serviceKey(partsOfConfigKey(entry).namespace, hostname));
    const visible = [...new Set([...registered, ...declared])].filter((candidate) =>
      isVisible(read, candidate, fallback, namespace),
    );
    return preferred(read, visible, namespace);
  },
};

/** The number of the only port of a service; undefined when it has none or several. */
export const onlyPort: Query<ServiceKey, number | undefined> = {
  name: 'onlyPort',
  compute(read, key) {
    const ports = read(serviceOf, key)?.ports ?? [];
    return ports.length === 1 ? ports[0]?.number : undefined;
  },
};

export function serviceForHostKey(namespace: string, hostname: string): string {
  return compositeKey(namespace, hostname);
}

/** @param namespace undefined: every namespace must see it */
function isVisible(read: Read, key: ServiceKey, fallback: readonly string[], namespace: string | undefined): boolean {
  const standing = read(standingOf, key);
  if (standing === undefined) return false;
  // No namespace is called '*', so that only an export to everybody holds for it.
  return isExportedTo(standing.exportTo, fallback, standing.namespace, namespace ?? '*');
}

function preferred(read: Read, candidates: readonly ServiceKey[], namespace: string): ServiceKey | undefined {
  if (candidates.length <= 1) return candidates[0];
  const ranked = candidates.flatMap((key) => {
    const standing = read(standingOf, key);
    return standing === undefined ? [] : [{ key, ...standing }];
  });
  return ranked.toSorted(
    (a, b) =>
      Number(a.registry !== 'kubernetes') - Number(b.registry !== 'kubernetes') ||
      Number(a.namespace !== namespace) - Number(b.namespace !== namespace) ||
      compareByAge(a, b),
  )[0]?.key;
}

function onePerHostname(read: Read, sorted: readonly ServiceKey[], namespace: string): readonly ServiceKey[] {
  const chosen: ServiceKey[] = [];
  for (let start = 0; start < sorted.length;) {
    const hostname = hostnameAt(sorted, start);
    let end = start + 1;
    while (end < sorted.length && hostnameAt(sorted, end) === hostname) end++;
    const choice = preferred(read, sorted.slice(start, end), namespace);
    if (choice !== undefined) chosen.push(choice);
    start = end;
  }
  return chosen;
}

/** Without repeated keys. Texts that begin with the host name sort by it without a comparison of ours: twice as fast. */
function sortedByHostname(keys: readonly ServiceKey[]): readonly ServiceKey[] {
  const texts = keys.map((key) => {
    const { namespace, hostname } = partsOfServiceKey(key);
    return compositeKey(hostname, namespace);
  });
  texts.sort();
  return texts
    .filter((text, index) => text !== texts[index - 1])
    .map((text) => {
      const [hostname = '', namespace = ''] = partsOf(text);
      return serviceKey(namespace, hostname);
    });
}

function hasRepeatedHostname(sorted: readonly ServiceKey[]): boolean {
  return sorted.some((_, index) => index > 0 && hostnameAt(sorted, index) === hostnameAt(sorted, index - 1));
}

function hostnameAt(keys: readonly ServiceKey[], index: number): string {
  const key = keys[index];
  return key === undefined ? '' : partsOfServiceKey(key).hostname;
}
