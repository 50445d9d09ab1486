import type { Protocol } from '../model/protocol.ts';
import type { Service } from '../model/service.ts';

/** Protocols that carry neither a host name nor a server name. */
const opaque: ReadonlySet<Protocol> = new Set(['tcp', 'mongo', 'redis', 'mysql']);

/**
 * Ports of a service that has no address and speaks what carries no name: it takes every connection to the port's number, so
 * there can be one such service per number (policy E3, P315).
 */
export function opaquePorts(service: Service): readonly number[] {
  if (service.headless || service.addresses.length > 0 || service.resolution === 'external-name') return [];
  return service.ports.filter(({ protocol }) => opaque.has(protocol)).map(({ number }) => number);
}
