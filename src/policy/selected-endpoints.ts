import type { Read } from '../incremental/definitions.ts';
import { isAddress } from '../model/cidr.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Service } from '../model/service.ts';
import { workloads } from '../model/tables.ts';
import type { Workload } from '../model/workload.ts';
import { inNamespace, workloadEntriesByLabel } from './config-indexes.ts';
import { readWorkloadEntry } from './decoded-objects.ts';
import type { DecodedWorkloadEntry } from './dialects/istio/decoded.ts';
import { localityOf } from './endpoint-shards.ts';
import { indexedPair, selects } from './label-match.ts';
import { workloadsByLabel } from './registry-indexes.ts';

/** Endpoints that follow from labels: the machines and pods of the service's namespace that carry what its selector names (policy E6). */

/** Ready workloads that a service selects; all of them where it publishes what is not ready. */
export function selectedWorkloads(read: Read, service: Service): readonly Endpoint[] {
  const pair = service.selector === undefined ? undefined : indexedPair(service.selector);
  if (service.selector === undefined || pair === undefined) return [];
  const { selector } = service;
  return read(workloadsByLabel, inNamespace(service.namespace, pair))
    .map((key) => read(workloads, key))
    .filter((workload) => workload !== undefined)
    .filter((workload) => selects(selector, workload.labels) && (workload.ready || service.publishNotReady))
    .flatMap((workload) => endpointOfWorkload(read, service, workload));
}

function endpointOfWorkload(read: Read, service: Service, workload: Workload): readonly Endpoint[] {
  const [address] = workload.addresses;
  if (address === undefined) return [];
  return [
    {
      address,
      ports: targetPorts(service, (name) => workload.namedPorts[name]),
      health: 'healthy',
      weight: 1,
      labels: workload.labels,
      locality: localityOf(read, workload.node),
      serviceAccount: workload.serviceAccount,
      workloadName: workload.name,
      namespace: workload.namespace,
    },
  ];
}

/** WorkloadEntries that a service selects and that can be reached (policy E6, E7). */
export function selectedWorkloadEntries(read: Read, service: Service): readonly Endpoint[] {
  const pair = service.selector === undefined ? undefined : indexedPair(service.selector);
  if (service.selector === undefined || pair === undefined) return [];
  const { selector } = service;
  return read(workloadEntriesByLabel, inNamespace(service.namespace, pair))
    .map((key) => readWorkloadEntry(read, key))
    .filter((entry) => entry !== undefined)
    .filter((entry) => selects(selector, entry.labels))
    .flatMap((entry) => endpointOfEntry(service, entry));
}

function endpointOfEntry(service: Service, entry: DecodedWorkloadEntry): readonly Endpoint[] {
  // A name cannot stand in a list of addresses: Envoy would refuse the whole list. Only services that proxies resolve take it.
  const isName = !isAddress(entry.address ?? '') && !entry.address?.startsWith('unix://');
  if (entry.address === undefined || (isName && service.resolution === 'endpoints')) return [];
  const { address, weight, labels, locality, serviceAccount, name, namespace } = entry;
  return [
    {
      address,
      ports: entryPorts(service, entry),
      health: 'healthy',
      weight,
      labels,
      locality,
      serviceAccount,
      workloadName: name,
      namespace,
    },
  ];
}

/** Service port name -> port on the machine: the entry's own, else the service's target port (policy E7). */
export function entryPorts(service: Service, entry: DecodedWorkloadEntry): Readonly<Record<string, number>> {
  return { ...targetPorts(service, (name) => entry.ports[name]), ...portsNamed(service, entry.ports) };
}

function portsNamed(service: Service, ports: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    service.ports.flatMap(({ name }) => {
      const port = ports[name];
      return port === undefined ? [] : [[name, port]];
    }),
  );
}

/**
 * Service port name -> port on the workload. A target port that is a name is looked up; a workload without it lacks the port.
 *
 * @param portNamed number of a named port of the workload
 */
export function targetPorts(
  service: Pick<Service, 'ports'>,
  portNamed: (name: string) => number | undefined,
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    service.ports.flatMap(({ name, targetPort }) => {
      const port = typeof targetPort === 'number' ? targetPort : portNamed(targetPort);
      return port === undefined ? [] : [[name, port]];
    }),
  );
}
