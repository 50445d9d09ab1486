import { protocolOfPort, type Protocol } from '../../../model/protocol.ts';
import type { ServicePort } from '../../../model/service.ts';
import { quote } from './field-path.ts';
import { largestObject } from './limits.ts';
import type { Reading } from './reading.ts';
import type { ServiceEntryPortSpec, ServiceEntrySpec } from './schemas/service-entry.ts';
import { checkLength, checkName, decodePort, inRange, itemsOf } from './values.ts';

/** Ports of a ServiceEntry (policy E1), each number and name once. */
export function decodeServicePorts(spec: ServiceEntrySpec, reading: Reading): readonly ServicePort[] {
  const items = itemsOf(spec.ports, 'spec.ports');
  if (items.length === 0) {
    reading.warn('WEIR1021', 'spec.ports', 'the entry has no ports, so that nothing can be sent to it', 'add ports');
  }
  const ports: ServicePort[] = [];
  if (!checkLength(items.length, largestObject.ports, 'spec.ports', reading)) return ports;
  for (const { item, at } of items) {
    const port = decodeServicePort(item, at, reading);
    if (port === undefined) continue;
    checkUnique(port, ports, at, reading);
    ports.push(port);
    if (port.protocol === 'tcp' || port.protocol === 'auto') reportOpenPort(spec, port, at, reading);
  }
  return ports;
}

function decodeServicePort(spec: ServiceEntryPortSpec, path: string, reading: Reading): ServicePort | undefined {
  const number = decodePort(spec.number, `${path}.number`, reading);
  const named = checkPortName(spec.name, `${path}.name`, reading);
  const targetPort = inRange(spec.targetPort, [1, 65_535], `${path}.targetPort`, reading);
  const protocol = decodeProtocol(spec.protocol ?? '', number ?? 0, `${path}.protocol`, reading);
  if (number === undefined || !named || spec.name === undefined) return undefined;
  return { name: spec.name, number, protocol, targetPort: targetPort ?? number };
}

function checkPortName(name: string | undefined, path: string, reading: Reading): boolean {
  if (name !== undefined && name !== '') return checkName(name, 'port', path, reading);
  reading.error('WEIR1005', path, 'the port has no name', 'add name');
  return false;
}

function checkUnique(port: ServicePort, others: readonly ServicePort[], path: string, reading: Reading): void {
  if (others.some(({ number }) => number === port.number)) {
    reading.error('WEIR1305', `${path}.number`, `the port ${port.number} is listed twice`, 'remove one of them');
  }
  if (others.some(({ name }) => name === port.name)) {
    reading.error('WEIR1305', `${path}.name`, `the port name ${quote(port.name)} is used twice`, 'rename one of them');
  }
}

const protocols: ReadonlyMap<string, Protocol> = new Map([
  ['HTTP', 'http'],
  ['HTTPS', 'https'],
  ['HTTP2', 'http2'],
  ['GRPC', 'grpc'],
  ['GRPC-WEB', 'grpc-web'],
  ['MONGO', 'mongo'],
  ['REDIS', 'redis'],
  ['MYSQL', 'mysql'],
  ['TCP', 'tcp'],
  ['TLS', 'tls'],
  ['UDP', 'udp'],
]);

/** Names are written in any case; none means detection, except where servers speak first (policy E1, P302). */
function decodeProtocol(name: string, port: number, path: string, reading: Reading): Protocol {
  if (name === '') return protocolOfPort({ number: port });
  const protocol = protocols.get(name.toUpperCase());
  if (protocol !== undefined) return protocol;
  const known = [...protocols.keys()].join(', ');
  reading.error('WEIR1003', path, `the protocol ${quote(name)} is unknown`, `use one of ${known}`);
  return 'tcp';
}

/** Policy P414. */
function reportOpenPort(spec: ServiceEntrySpec, port: ServicePort, path: string, reading: Reading): void {
  if ((spec.addresses?.length ?? 0) > 0) return;
  const what = port.protocol === 'tcp' ? 'TCP port' : 'port of undeclared protocol';
  const message = `the ${what} ${port.number} has no address, so that it takes every connection to this port number`;
  reading.warn('IST0134', path, message, 'add addresses, or declare HTTP or TLS if that is what is spoken');
}
