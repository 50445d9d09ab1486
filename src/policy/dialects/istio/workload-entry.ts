import type { Locality } from '../../../model/workload.ts';
import { isAddress } from '../../../model/cidr.ts';
import type { DecodedObject, DecodedWorkloadEntry } from './decoded.ts';
import { fieldPath, quote } from './field-path.ts';
import { canonicalHost, checkHost } from './hosts.ts';
import type { Reading } from './reading.ts';
import type { WorkloadEntrySpec } from './schemas/workload-entry.ts';
import { checkName, decodeLabels, decodePort } from './values.ts';

/** What a WorkloadEntry, or an endpoint of a ServiceEntry, says (policy E7). */
type WorkloadEntryParts = Omit<DecodedWorkloadEntry, keyof DecodedObject>;

/** The object by itself: which addresses fit depends on the service entries that select it. */
export function decodeWorkloadEntrySpec(spec: WorkloadEntrySpec, reading: Reading): WorkloadEntryParts {
  const parts = decodeWorkload(spec, 'spec', reading, { hostnames: true });
  if (parts.address !== undefined && !isAddress(parts.address) && !isUnixAddress(parts.address)) {
    const message = `${quote(parts.address)} is a name, which only service entries with resolution DNS can use`;
    reading.warn('WEIR1303', 'spec.address', message, 'use an IP address for all other services');
  }
  return parts;
}

const unixPrefix = 'unix://';
/** Weights are summed up per locality in 32 bits by proxies; this leaves room for thousands of endpoints. */
const largestWeight = 1_000_000;

export function decodeWorkload(
  spec: WorkloadEntrySpec,
  path: string,
  reading: Reading,
  allowed: { readonly hostnames: boolean },
): WorkloadEntryParts {
  const ports = decodePorts(spec.ports, `${path}.ports`, reading);
  if (isUnixAddress(spec.address) && Object.keys(ports).length > 0) {
    reading.error('WEIR1006', `${path}.ports`, 'a unix:// address has no ports', 'remove ports');
  }
  const labels = decodeLabels(spec.labels, `${path}.labels`, reading);
  if ((spec.weight ?? 0) > largestWeight) {
    reading.error(
      'WEIR1004',
      `${path}.weight`,
      `the weight is above ${largestWeight}`,
      'use smaller weights; only their proportion counts',
    );
  }
  if (spec.network !== undefined && spec.network !== '') {
    reading.notInForce(`${path}.network`, 'all networks count as one, whose addresses can be reached directly');
  }
  return {
    kind: 'workload-entry',
    address: decodeAddress(spec, path, reading, allowed.hostnames),
    ports,
    labels,
    locality: localityOf(spec.locality ?? labels['istio-locality']?.replaceAll('.', '/') ?? ''),
    weight: Math.max(1, spec.weight ?? 1),
    serviceAccount: spec.serviceAccount ?? '',
  };
}

export function isUnixAddress(address: string | undefined): boolean {
  return address?.startsWith(unixPrefix) ?? false;
}

function decodeAddress(
  spec: WorkloadEntrySpec,
  path: string,
  reading: Reading,
  hostnames: boolean,
): string | undefined {
  const { address } = spec;
  const at = `${path}.address`;
  if (address === undefined || address === '') {
    // An entry with a network alone stands for that network, which is reported as not in force.
    if (spec.network === undefined || spec.network === '') {
      reading.error('WEIR1005', at, 'the address is missing', 'add address');
    }
    return undefined;
  }
  if (isUnixAddress(address)) {
    checkSocket(address.slice(unixPrefix.length), at, reading);
    return address;
  }
  if (isAddress(address)) return address;
  if (!hostnames) {
    const message = `${quote(address)} is no IP address and no unix:// path`;
    reading.error('WEIR1303', at, message, 'use an IP address, or resolution DNS for names');
    return undefined;
  }
  return checkHost(address, at, reading, {}) ? canonicalHost(address) : undefined;
}

/** What fits into the kernel's structure for addresses of sockets. */
const longestSocket = 107;

function checkSocket(socket: string, path: string, reading: Reading): void {
  const fits = (socket.startsWith('/') && !socket.endsWith('/')) || (socket.startsWith('@') && socket.length > 1);
  if (fits && Buffer.byteLength(socket) <= longestSocket && !socket.includes('\0')) return;
  const message = `${quote(socket)} is no path of a socket`;
  reading.error('WEIR1011', path, message, `write unix:///path or unix://@name, with at most ${longestSocket} bytes`);
}

function decodePorts(
  ports: Readonly<Record<string, number>> | undefined,
  path: string,
  reading: Reading,
): Readonly<Record<string, number>> {
  const sound = Object.entries(ports ?? {}).filter(([name, number]) => {
    const at = fieldPath(path, name);
    return checkName(name, 'port', at, reading) && decodePort(number, at, reading) !== undefined;
  });
  return Object.fromEntries(sound);
}

/** `region/zone/sub-zone`; what follows belongs to the sub-zone. */
function localityOf(text: string): Locality {
  const [region = '', zone = '', ...subZone] = text.split('/');
  return { region, zone, subZone: subZone.join('/') };
}
