import { parseCidr } from '../../../model/cidr.ts';
import { serviceKey } from '../../../model/keys.ts';
import { isHttp } from '../../../model/protocol.ts';
import type { Resolution, Service, ServicePort } from '../../../model/service.ts';
import { isWildcard } from '../../host-match.ts';
import type { DecodedObject, DecodedServiceEntry } from './decoded.ts';
import { decodeExportTo } from './export-to.ts';
import { quote } from './field-path.ts';
import { canonicalHost, checkHost } from './hosts.ts';
import { largestObject } from './limits.ts';
import type { Reading } from './reading.ts';
import type { ServiceEntrySpec } from './schemas/service-entry.ts';
import { decodeEndpoints } from './service-entry-endpoints.ts';
import { decodeServicePorts } from './service-entry-ports.ts';
import { atMostOne, checkLength, checkLine, decodeLabels, itemsOf } from './values.ts';

/** What a ServiceEntry says, apart from who wrote it. */
type ServiceEntryParts = Omit<DecodedServiceEntry, keyof DecodedObject>;

export function decodeServiceEntrySpec(spec: ServiceEntrySpec, reading: Reading): ServiceEntryParts {
  const { endpoints, workloadSelector } = spec;
  atMostOne({ endpoints: endpoints?.length === 0 ? undefined : endpoints, workloadSelector }, 'spec', reading);
  const ports = decodeServicePorts(spec, reading);
  const hosts = decodeHosts(spec, reading);
  const described = describeService(spec, ports, hosts, reading);
  checkOpaquePorts(spec, hosts, ports, reading);
  const names = itemsOf(spec.subjectAltNames, 'spec.subjectAltNames');
  if (names.length > 0) {
    reading.notInForce('spec.subjectAltNames', 'certificates are checked for the names that DestinationRules give');
  }
  const subjectAltNames = names.filter(({ item, at }) => checkLine(item, at, reading)).map(({ item }) => item);
  return {
    kind: 'service-entry',
    services: described === undefined ? [] : hosts.map((host) => serviceAt(host, described, reading)),
    endpoints: decodeEndpoints(spec, ports, reading),
    subjectAltNames,
  };
}

/** What the services of an entry have in common. */
type Described = Pick<Service, 'ports' | 'addresses' | 'resolution' | 'meshExternal' | 'exportTo' | 'selector'>;

/** @returns undefined when the entry declares nothing that can be in force */
function describeService(
  spec: ServiceEntrySpec,
  ports: readonly ServicePort[],
  hosts: readonly string[],
  reading: Reading,
): Described | undefined {
  const addresses = decodeAddresses(spec, reading);
  const exportTo = decodeExportTo(spec.exportTo, 'spec.exportTo', reading);
  const selector = decodeSelector(spec, reading);
  const resolution = resolutions[spec.resolution ?? 'NONE'];
  if (resolution === undefined) {
    reading.notInForce('spec.resolution', `DYNAMIC_DNS leaves ${hosts.map(quote).join(', ')} without a service`);
    return undefined;
  }
  return { ports, addresses, resolution, meshExternal: spec.location !== 'MESH_INTERNAL', exportTo, selector };
}

const resolutions: Readonly<Record<NonNullable<ServiceEntrySpec['resolution']>, Resolution | undefined>> = {
  NONE: 'none',
  STATIC: 'endpoints',
  DNS: 'dns',
  DNS_ROUND_ROBIN: 'dns-round-robin',
  DYNAMIC_DNS: undefined,
};

function serviceAt(hostname: string, described: Described, reading: Reading): Service {
  const { namespace, name, createdAt, reference } = reading.author;
  return {
    ...described,
    key: serviceKey(namespace, hostname),
    hostname,
    namespace,
    name,
    registry: 'service-entry',
    headless: false,
    labels: reading.labels,
    publishNotReady: false,
    createdAt,
    declaredBy: reference,
  };
}

/**
 * Hosts as they stand: an entry declares names, it does not refer to services of its namespace, so that a name without a dot is
 * not completed, unlike anywhere else (policy G1).
 */
function decodeHosts(spec: ServiceEntrySpec, reading: Reading): readonly string[] {
  const items = itemsOf(spec.hosts, 'spec.hosts');
  if (items.length === 0) reading.error('WEIR1005', 'spec.hosts', 'the entry has no hosts', 'add hosts');
  const hosts = new Set<string>();
  checkLength(items.length, largestObject.hosts, 'spec.hosts', reading);
  for (const { item, at } of items) {
    if (!checkHost(item, at, reading, { wildcard: item !== '*' })) continue;
    const host = canonicalHost(item);
    if (hosts.has(host)) reading.warn('WEIR1102', at, `the host ${host} is listed twice`, 'remove one of them');
    hosts.add(host);
    if (!host.includes('.')) {
      const message = `rules cannot refer to the host ${host}: elsewhere a name without a dot is completed to one of a Kubernetes service`;
      reading.warn('WEIR1010', at, message, 'use a name with a dot');
    }
    checkResolution(host, spec, at, reading);
  }
  return [...hosts];
}

/** A wildcard is no name that could be resolved (policy E2). */
function checkResolution(host: string, spec: ServiceEntrySpec, path: string, reading: Reading): void {
  const resolution = spec.resolution ?? 'NONE';
  if (resolution === 'DYNAMIC_DNS' && !isWildcard(host)) {
    reading.error('WEIR1301', path, `resolution DYNAMIC_DNS is for wildcards, unlike ${host}`, 'use DNS');
  }
  if (!isWildcard(host) || resolution === 'NONE' || resolution === 'DYNAMIC_DNS') return;
  const hasEndpoints = (spec.endpoints?.length ?? 0) > 0 || spec.workloadSelector !== undefined;
  const message = `the wildcard ${host} does not fit resolution ${resolution}`;
  const advice = 'use resolution NONE, or name the host';
  if (!hasEndpoints) reading.error('WEIR1301', path, message, advice);
  else
    reading.warn('WEIR1301', path, `${message}: whatever the host, requests go to the endpoints of the entry`, advice);
}

function decodeAddresses(spec: ServiceEntrySpec, reading: Reading): readonly string[] {
  const resolution = spec.resolution ?? 'NONE';
  checkLength(spec.addresses?.length ?? 0, largestObject.addresses, 'spec.addresses', reading);
  return itemsOf(spec.addresses, 'spec.addresses').flatMap(({ item, at }) => {
    if (parseCidr(item) === undefined) {
      reading.error(
        'WEIR1011',
        at,
        `${quote(item)} is no address and no block of addresses`,
        'write it like 10.0.0.1 or 10.0.0.0/8',
      );
      return [];
    }
    const block = item.includes('/') && resolution !== 'NONE' && resolution !== 'STATIC';
    if (block || resolution === 'DYNAMIC_DNS') {
      const what = block ? 'a block of addresses' : 'an address';
      reading.error(
        'WEIR1302',
        at,
        `${what} does not fit resolution ${resolution}`,
        'use NONE or STATIC, or remove it',
      );
    }
    return [item];
  });
}

/** Labels of the workloads behind the entry (policy E6); undefined: none are selected. */
function decodeSelector(spec: ServiceEntrySpec, reading: Reading): Service['selector'] {
  if (spec.workloadSelector === undefined) return undefined;
  const path = 'spec.workloadSelector';
  const selector = decodeLabels(spec.workloadSelector.labels, `${path}.labels`, reading);
  if (Object.keys(selector).length === 0) {
    reading.warn('WEIR1021', path, 'the selector names no labels, so that it selects nothing', 'add labels');
  }
  if ((spec.resolution ?? 'NONE') === 'NONE') {
    const message = 'with resolution NONE requests go where the caller dialled, not to the selected workloads';
    reading.warn('WEIR1021', path, message, 'use resolution STATIC');
  }
  return selector;
}

/** Without HTTP or TLS nothing tells several hosts apart. */
function checkOpaquePorts(
  spec: ServiceEntrySpec,
  hosts: readonly string[],
  ports: readonly ServicePort[],
  reading: Reading,
): void {
  if (hosts.length < 2 || (spec.resolution ?? 'NONE') === 'NONE') return;
  const opaque = ports.find(({ protocol }) => !isHttp(protocol) && protocol !== 'tls' && protocol !== 'https');
  if (opaque === undefined) return;
  const message = `nothing tells the hosts apart on port ${opaque.number}, which is neither HTTP nor TLS`;
  reading.error(
    'WEIR1306',
    'spec.hosts',
    message,
    'give each host an entry of its own with an address, or declare the protocol',
  );
}
