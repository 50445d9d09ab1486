import { isAddress } from '../../../model/cidr.ts';
import { decodeTcpRoutes, decodeTlsRoutes } from './connection-routes.ts';
import type { DecodedHttpRoute, DecodedObject, DecodedVirtualService } from './decoded.ts';
import { decodeExportTo } from './export-to.ts';
import { quote } from './field-path.ts';
import { decodeGateways, meshGateway } from './gateways.ts';
import { canonicalHost, checkHost, fullHost, hostsOverlap } from './hosts.ts';
import { decodeHttpRoute } from './http-route.ts';
import { largestObject } from './limits.ts';
import type { Reading } from './reading.ts';
import type { VirtualServiceSpec } from './schemas/virtual-service.ts';
import { reportUnreachable } from './unreachable-routes.ts';
import { checkLength, itemsOf } from './values.ts';

/** What a VirtualService says, apart from who wrote it. */
export type VirtualServiceParts = Omit<DecodedVirtualService, keyof DecodedObject>;

export function decodeVirtualServiceSpec(spec: VirtualServiceSpec, reading: Reading): VirtualServiceParts {
  const gateways = decodeGateways(spec.gateways, 'spec.gateways', reading) ?? [meshGateway];
  const written = itemsOf(spec.hosts, 'spec.hosts');
  if (written.length === 0) reportDelegate(spec, reading);
  const hosts = decodeHosts(written, gateways, reading);
  reportGateways(gateways, reading);
  if (lengthOf(spec.http) + lengthOf(spec.tls) + lengthOf(spec.tcp) === 0) {
    reading.error('WEIR1103', 'spec', 'the object has no routes', 'add http, tls or tcp');
  }
  // Server names are compared with the hosts as they stand, too: a short host is the server name of its own clients.
  const named = [...new Set([...hosts, ...written.map(({ item }) => canonicalHost(item))])];
  return {
    kind: 'virtual-service',
    hosts,
    gateways,
    exportTo: decodeExportTo(spec.exportTo, 'spec.exportTo', reading),
    http: decodeHttp(spec.http, reading),
    tls: decodeTlsRoutes(spec.tls, 'spec.tls', reading, named),
    tcp: decodeTcpRoutes(spec.tcp, 'spec.tcp', reading),
  };
}

function lengthOf(list: readonly unknown[] | undefined): number {
  return list?.length ?? 0;
}

/** An object without hosts is meant to be included by another one (policy P119). */
function reportDelegate(spec: VirtualServiceSpec, reading: Reading): void {
  for (const field of ['gateways', 'tls', 'tcp'] as const) {
    if (lengthOf(spec[field]) === 0) continue;
    const message = `an object without hosts is a delegate, which cannot have ${field}`;
    reading.error('WEIR1111', `spec.${field}`, message, `add hosts, or remove ${field}`);
  }
  for (const { item, at } of itemsOf(spec.http, 'spec.http')) {
    if (item.delegate === undefined) continue;
    reading.error('WEIR1111', `${at}.delegate`, 'a delegate cannot have delegates', 'add hosts, or remove delegate');
  }
  const message = 'the object has no hosts, which makes it a delegate; delegates are not in force yet';
  reading.warn('WEIR1009', 'spec.hosts', message, 'add hosts, or move the routes to the object that delegates to it');
}

function decodeHosts(
  written: readonly { readonly item: string; readonly at: string }[],
  gateways: readonly string[],
  reading: Reading,
): readonly string[] {
  const hosts: string[] = [];
  if (!checkLength(written.length, largestObject.hosts, 'spec.hosts', reading)) return hosts;
  for (const { item, at } of written) {
    if (!checkHost(item, at, reading, { wildcard: true, address: true })) continue;
    // Policy P605, also where the object is bound to a gateway as well.
    if (item === '*' && gateways.includes(meshGateway)) {
      const advice = 'name the hosts, or bind the object to a gateway only';
      reading.error('WEIR1101', at, 'the host * would take over every service of the mesh', advice);
    }
    const host = fullHost(item, reading);
    const other = hosts.find((candidate) => !isAddress(host) && hostsOverlap(candidate, host));
    if (other === undefined) hosts.push(host);
    else {
      const message = other === host ? `the host ${host} is listed twice` : `the hosts ${other} and ${host} overlap`;
      reading.error('WEIR1102', at, message, 'remove one of them, or give it an object of its own');
    }
  }
  return hosts;
}

/** Policy P408. */
function reportGateways(gateways: readonly string[], reading: Reading): void {
  const others = gateways.filter((gateway) => gateway !== meshGateway);
  if (others.length === 0) return;
  const listed = others.map(quote).join(', ');
  if (!gateways.includes(meshGateway)) {
    const message = 'the gateways do not include mesh, so that the object does not apply to sidecars';
    reading.warn('WEIR1110', 'spec.gateways', message, 'add mesh if the rules are meant for traffic inside the mesh');
  }
  reading.notInForce('spec.gateways', `the rules hold for sidecars only, not at ${listed}`);
}

function decodeHttp(spec: VirtualServiceSpec['http'], reading: Reading): readonly DecodedHttpRoute[] {
  if (!checkLength(lengthOf(spec), largestObject.routes, 'spec.http', reading)) return [];
  const decoded = itemsOf(spec, 'spec.http').flatMap(({ item, at }) => decodeHttpRoute(item, at, reading) ?? []);
  // A match that lost a wrong condition seems to match more than it will.
  if (!reading.hasErrors) reportUnreachable(decoded, reading);
  return decoded;
}
