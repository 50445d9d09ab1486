import type { Endpoint } from '../../../model/endpoint.ts';
import type { ServicePort } from '../../../model/service.ts';
import { fieldPath, quote } from './field-path.ts';
import { largestObject } from './limits.ts';
import type { Reading } from './reading.ts';
import type { ServiceEntrySpec } from './schemas/service-entry.ts';
import type { WorkloadEntrySpec } from './schemas/workload-entry.ts';
import { checkLength, itemsOf } from './values.ts';
import { decodeWorkload, isUnixAddress } from './workload-entry.ts';

/** Endpoints that a ServiceEntry lists (policy E6, E7), as its resolution can use them (policy E2). */
export function decodeEndpoints(
  spec: ServiceEntrySpec,
  ports: readonly ServicePort[],
  reading: Reading,
): readonly Endpoint[] {
  const resolution = spec.resolution ?? 'NONE';
  const items = itemsOf(spec.endpoints, 'spec.endpoints');
  checkCount(spec, items.length, reading);
  if (!checkLength(items.length, largestObject.endpoints, 'spec.endpoints', reading)) return [];
  const hostnames = resolution === 'DNS' || resolution === 'DNS_ROUND_ROBIN';
  return items.flatMap(({ item, at }) => {
    checkSocket(item, ports, resolution, at, reading);
    checkPorts(item, ports, at, reading);
    const {
      address,
      ports: own,
      labels,
      locality,
      weight,
      serviceAccount,
    } = decodeWorkload(item, at, reading, { hostnames });
    if (address === undefined) return [];
    return [
      {
        address,
        ports: Object.fromEntries(ports.map((port) => [port.name, portOn(own, port)])),
        health: 'healthy' as const,
        weight,
        labels,
        locality,
        serviceAccount,
        workloadName: '',
        namespace: reading.namespace,
      },
    ];
  });
}

/** The endpoint's own port of that name, else the target port. */
function portOn(own: Readonly<Record<string, number>>, port: ServicePort): number {
  const number = Object.hasOwn(own, port.name) ? own[port.name] : undefined;
  return number ?? Number(port.targetPort);
}

function checkCount(spec: ServiceEntrySpec, count: number, reading: Reading): void {
  const resolution = spec.resolution ?? 'NONE';
  switch (resolution) {
    case 'NONE':
    case 'DYNAMIC_DNS':
      if (count === 0) return;
      reading.error(
        'WEIR1303',
        'spec.endpoints',
        `resolution ${resolution} has no endpoints`,
        'remove endpoints, or use STATIC or DNS',
      );
      return;
    case 'STATIC':
      if (count > 0 || spec.workloadSelector !== undefined) return;
      reading.warn(
        'WEIR1304',
        'spec',
        'the entry has no endpoints, so that every request answers 503',
        'add endpoints or workloadSelector',
      );
      return;
    case 'DNS_ROUND_ROBIN':
      if (count <= 1) return;
      reading.error(
        'WEIR1303',
        'spec.endpoints',
        'resolution DNS_ROUND_ROBIN takes one endpoint',
        'keep one, or use DNS',
      );
      return;
    case 'DNS':
      return;
  }
}

function checkSocket(
  spec: WorkloadEntrySpec,
  ports: readonly ServicePort[],
  resolution: string,
  path: string,
  reading: Reading,
): void {
  if (!isUnixAddress(spec.address)) return;
  if (resolution !== 'STATIC') {
    reading.error(
      'WEIR1303',
      `${path}.address`,
      `a unix:// address does not fit resolution ${resolution}`,
      'use STATIC',
    );
  }
  if (ports.length > 1) {
    reading.error(
      'WEIR1303',
      `${path}.address`,
      'a unix:// address is one port, but the entry has several',
      'keep one port',
    );
  }
}

function checkPorts(spec: WorkloadEntrySpec, ports: readonly ServicePort[], path: string, reading: Reading): void {
  for (const name of Object.keys(spec.ports ?? {})) {
    if (ports.some((port) => port.name === name)) continue;
    const known = ports.map((port) => port.name).join(', ');
    const message = `the entry has no port named ${quote(name)}`;
    reading.error(
      'WEIR1305',
      fieldPath(`${path}.ports`, name),
      message,
      `use the names of the entry's ports: ${known}`,
    );
  }
}
