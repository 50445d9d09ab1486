import type { Query, Read } from '../incremental/definitions.ts';
import { compositeKey, partsOf, partsOfServiceKey, type ServiceKey } from '../model/keys.ts';
import type { Finding } from '../model/provenance.ts';
import type { Destination } from '../model/routing.ts';
import type { Service } from '../model/service.ts';
import { servicesByHostname } from '../model/tables.ts';
import { isForSidecars, serviceEntriesByHost } from './config-indexes.ts';
import { mergedRule, selectDestinationRules } from './destination-rules.ts';
import type { DecodedVirtualService } from './dialects/istio/decoded.ts';
import { equalLists } from './equality.ts';
import { aboutObject, listed } from './finding.ts';
import { isWildcard } from './host-match.ts';
import { nearestHost } from './nearest-host.ts';
import { serviceForHost, serviceForHostKey, serviceOf, visibleServices } from './services.ts';

/** Whether what a VirtualService names is there, seen from its own namespace. */

export function routeTargets(read: Read, virtualService: DecodedVirtualService): readonly Finding[] {
  const hosts = isForSidecars(virtualService) ? hostsWithoutService(read, virtualService) : [];
  const destinations = destinationsOf(virtualService).flatMap((destination) =>
    aboutDestination(read, virtualService, destination),
  );
  return [...hosts, ...destinations];
}

function destinationsOf(virtualService: DecodedVirtualService): readonly Destination[] {
  const ofRequests = virtualService.http.flatMap(({ rule: { action } }) =>
    action.kind === 'forward' ? [...action.destinations, ...action.mirrors] : [],
  );
  const ofConnections = [...virtualService.tls, ...virtualService.tcp].flatMap((route) => route.destinations);
  return [...ofRequests, ...ofConnections].map(({ destination }) => destination);
}

/** Policy P115: such a host can be called on port 80 only. */
function hostsWithoutService(read: Read, virtualService: DecodedVirtualService): readonly Finding[] {
  return virtualService.hosts.flatMap((host, index) => {
    if (isWildcard(host) || serviceAt(read, virtualService.namespace, host) !== undefined) return [];
    return [
      aboutObject(virtualService.reference, {
        severity: 'warning',
        code: 'WEIR1402',
        path: `spec.hosts[${index}]`,
        message: `no service has the host ${host}, so that these rules hold for requests to port 80 only`,
        advice: suggestion(read, virtualService.namespace, host, 'Declare the host by a ServiceEntry'),
      }),
    ];
  });
}

function aboutDestination(
  read: Read,
  virtualService: DecodedVirtualService,
  destination: Destination,
): readonly Finding[] {
  const { namespace, reference } = virtualService;
  const path = destination.provenance.path ?? '';
  const service = serviceAt(read, namespace, destination.host);
  if (service === undefined) {
    return [
      aboutObject(reference, {
        severity: 'warning',
        code: 'IST0101',
        path,
        message: `the destination ${destination.host} ${whyUnseen(read, namespace, destination.host)}; requests that go there answer 503`,
        advice: suggestion(read, namespace, destination.host, 'correct the host, or declare it by a ServiceEntry'),
      }),
    ];
  }
  return [
    ...aboutSubset(read, virtualService, destination, service),
    ...aboutPort(read, virtualService, destination, service),
  ];
}

/** Policy P405. */
function aboutSubset(
  read: Read,
  { namespace, reference }: DecodedVirtualService,
  destination: Destination,
  service: Service,
): readonly Finding[] {
  if (destination.subset === '') return [];
  const defined = read(subsetNames, compositeKey(namespace, service.key));
  if (defined.includes(destination.subset)) return [];
  const names = defined.length === 0 ? 'no DestinationRule in sight has subsets of it' : `there are ${listed(defined)}`;
  return [
    aboutObject(reference, {
      severity: 'warning',
      code: 'WEIR1403',
      path: destination.provenance.path ?? '',
      message: `${destination.host} has no subset ${destination.subset} for clients of ${namespace}: ${names}; requests that go there answer 503`,
      advice: 'define the subset in the DestinationRule that holds for these clients',
    }),
  ];
}

/** Names of the subsets that clients without particular labels may use, sorted. The key is `namespace service`. */
const subsetNames: Query<string, readonly string[]> = {
  name: 'subsetNames',
  compute(read, key) {
    const [namespace = '', service = ''] = partsOf(key);
    const rules = selectDestinationRules(read, service as ServiceKey, { namespace, labels: {} });
    return mergedRule(read, rules)
      .subsets.map(({ name }) => name)
      .toSorted();
  },
  equal: equalLists,
};

/** Policy P601 and G9. */
function aboutPort(
  read: Read,
  virtualService: DecodedVirtualService,
  destination: Destination,
  service: Service,
): readonly Finding[] {
  const ports = service.ports.map(({ number }) => number);
  const remark = { severity: 'warning', code: 'WEIR1404', path: destination.provenance.path ?? '' } as const;
  const has = `${service.hostname} has ${ports.length === 1 ? 'only port' : 'ports'} ${listed(ports.map(String))}`;
  if (destination.port !== undefined) {
    if (ports.includes(destination.port)) return [];
    const message = `there is no port ${destination.port}: ${has}; requests that go there answer 503`;
    return [aboutObject(virtualService.reference, { ...remark, message, advice: 'correct destination.port.number' })];
  }
  const unserved = listenerPorts(read, virtualService).filter((port) => !ports.includes(port));
  if (unserved.length === 0) return [];
  const called = `the destination names no port, the host is called on ${listed(unserved.map(String))}, and ${has}`;
  const message =
    ports.length === 1
      ? `${called}: Weir takes the only port, Istio's sidecars would answer 503`
      : `${called}: requests answer 503`;
  return [aboutObject(virtualService.reference, { ...remark, message, advice: 'set destination.port.number' })];
}

/** Ports on which clients call the hosts. */
function listenerPorts(read: Read, virtualService: DecodedVirtualService): readonly number[] {
  const ports = virtualService.hosts.flatMap((host) => {
    const service = isWildcard(host) ? undefined : serviceAt(read, virtualService.namespace, host);
    return service?.ports.map(({ number }) => number) ?? [];
  });
  return [...new Set(ports)].toSorted((a, b) => a - b);
}

export function serviceAt(read: Read, namespace: string, host: string): Service | undefined {
  const key = read(serviceForHost, serviceForHostKey(namespace, host));
  return key === undefined ? undefined : read(serviceOf, key);
}

function whyUnseen(read: Read, namespace: string, host: string): string {
  const exists = read(servicesByHostname, host).length > 0 || read(serviceEntriesByHost, host).length > 0;
  return exists ? `is not exported to the namespace ${namespace}` : 'does not exist';
}

/** Policy P404: names the service that was probably meant. */
export function suggestion(read: Read, namespace: string, host: string, otherwise: string): string {
  const names = read(visibleServices, namespace).map((key) => partsOfServiceKey(key).hostname);
  const nearest = nearestHost(host, names);
  return nearest === undefined ? otherwise : `${otherwise}; the nearest existing host is ${nearest}`;
}
