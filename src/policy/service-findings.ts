import { isDeepStrictEqual } from 'node:util';
import type { Query, Read } from '../incremental/definitions.ts';
import { compareByAge } from '../model/config-object.ts';
import { partsOfConfigKey, type ConfigKey, type ServiceKey } from '../model/keys.ts';
import { titleOf, type Finding } from '../model/provenance.ts';
import type { Service } from '../model/service.ts';
import { configsByKind, services } from '../model/tables.ts';
import { inNamespace, serviceEntriesByOpaquePort } from './config-indexes.ts';
import { readServiceEntry } from './decoded-objects.ts';
import type { DecodedMeshConfig, DecodedServiceEntry } from './dialects/istio/decoded.ts';
import { aboutObject } from './finding.ts';
import { indexedPair, selects } from './label-match.ts';
import { defaultServiceExportTo, meshSettingsSource } from './mesh.ts';
import { opaquePorts } from './opaque-ports.ts';
import { servicesByOpaquePort, servicesBySelector } from './registry-indexes.ts';
import { serviceOf } from './services.ts';
import { sharedAudience } from './visibility.ts';

/** Services, service entries and mesh settings that stand in each other's way. */

/** Policy G5: another object declares the same service. */
export function entryFindings(read: Read, entry: DecodedServiceEntry): readonly Finding[] {
  return entry.services.flatMap((declared, index) => {
    const inForce = read(serviceOf, declared.key);
    if (inForce === undefined) return [];
    if (isSameObject(inForce.declaredBy, entry)) return takenPorts(read, declared);
    return [
      aboutObject(entry.reference, {
        severity: 'error',
        code: 'WEIR1407',
        path: `spec.hosts[${index}]`,
        message: `${titleOf(inForce.declaredBy)} declares the host ${declared.hostname} in this namespace as well and comes first, so that this object is not in force for it`,
        advice: 'keep one of the two; what both list has to stand in one object',
      }),
    ];
  });
}

function isSameObject(a: Service['declaredBy'], entry: DecodedServiceEntry): boolean {
  const { kind, namespace, name } = entry.reference;
  return a.kind === kind && a.namespace === namespace && a.name === name;
}

/** About a service of a registry. */
export function serviceFindings(read: Read, key: ServiceKey): readonly Finding[] {
  const service = read(services, key);
  return service === undefined ? [] : [...contradictions(read, service), ...takenPorts(read, service)];
}

/** Policy P322: two services send different protocols to one port of the same workloads. */
function contradictions(read: Read, service: Service): readonly Finding[] {
  const pair = service.selector === undefined ? undefined : indexedPair(service.selector);
  if (service.selector === undefined || pair === undefined) return [];
  const { selector } = service;
  return read(servicesBySelector, inNamespace(service.namespace, pair))
    .map((other) => read(services, other))
    .filter((other) => other !== undefined)
    .filter((other) => other.key !== service.key && compareByAge(other, service) < 0)
    .filter((other) => selects(selector, other.selector ?? {}) || selects(other.selector ?? {}, selector))
    .flatMap((other) => sharedPorts(service, other));
}

function sharedPorts(service: Service, older: Service): readonly Finding[] {
  return service.ports.flatMap((port, index) => {
    const shared = older.ports.find(({ targetPort }) => targetPort === port.targetPort);
    if (shared === undefined || shared.protocol === port.protocol) return [];
    return [
      aboutObject(service.declaredBy, {
        severity: 'warning',
        code: 'WEIR1408',
        path: `spec.ports[${index}]`,
        message: `the target port ${port.targetPort} is ${port.protocol} here and ${shared.protocol} in ${titleOf(older.declaredBy)}, which is older: the workloads take it for ${shared.protocol}`,
        advice: 'declare the same protocol in both services',
      }),
    ];
  });
}

/** Policy P315, P413: without an address nothing tells two services on one port apart, and the older one gets everything. */
function takenPorts(read: Read, service: Service): readonly Finding[] {
  const fallback = read(defaultServiceExportTo, 'mesh');
  return opaquePorts(service).flatMap((port) => {
    const takers = read(takersOf, String(port));
    const own = takers.findIndex(({ key }) => key === service.key);
    const older = takers.slice(0, own).find((other) => sharedAudience([other, service], fallback).length > 0);
    if (older === undefined) return [];
    const index = service.ports.findIndex(({ number }) => number === port);
    return [
      aboutObject(service.declaredBy, {
        severity: 'error',
        code: 'WEIR1410',
        path: `spec.ports[${index}]`,
        message: `neither ${service.hostname} nor ${older.hostname}, which is older, has an address: connections to port ${port} all go to the older one`,
        advice: 'give each of them an address, or another port number',
      }),
    ];
  });
}

type Taker = Pick<Service, 'key' | 'hostname' | 'namespace' | 'name' | 'createdAt' | 'exportTo'>;

/** Services that take every connection to a port, oldest first. The key is the port. */
const takersOf: Query<string, readonly Taker[]> = {
  name: 'takersOfPort',
  compute(read, port) {
    const declared = read(serviceEntriesByOpaquePort, port).flatMap(
      (entry) => readServiceEntry(read, entry)?.services.map(({ key }) => key) ?? [],
    );
    return [...new Set([...read(servicesByOpaquePort, port), ...declared])]
      .map((key) => read(serviceOf, key))
      .filter((service) => service !== undefined)
      .filter((service) => opaquePorts(service).includes(Number(port)))
      .map(takerOf)
      .toSorted(compareByAge);
  },
  equal: isDeepStrictEqual,
};

function takerOf({ key, hostname, namespace, name, createdAt, exportTo }: Service): Taker {
  return { key, hostname, namespace, name, createdAt, exportTo };
}

/** Policy G4: of several mesh configurations the oldest holds. */
export function meshConfigFindings(read: Read, config: DecodedMeshConfig): readonly Finding[] {
  const others: readonly ConfigKey[] = read(configsByKind, 'mesh.istio.io/MeshConfig');
  const inForce = read(meshSettingsSource, 'mesh');
  if (others.length < 2 || inForce === undefined) return [];
  const { namespace, name } = inForce;
  if (namespace === config.namespace && name === config.name) return [];
  const winner = others.map(partsOfConfigKey).find((other) => other.namespace === namespace && other.name === name);
  if (winner === undefined) return [];
  return [
    aboutObject(config.reference, {
      severity: 'error',
      code: 'WEIR1409',
      path: '',
      message: `${titleOf(winner)} comes first, so that nothing of this object is in force`,
      advice: 'keep one mesh configuration',
    }),
  ];
}
