import { parseCidr } from '../../../model/cidr.ts';
import { hostCovers } from '../../host-match.ts';
import type { DecodedConnectionMatch, DecodedConnectionRoute } from './decoded.ts';
import { decodeDestinations } from './destinations.ts';
import { quote } from './field-path.ts';
import { canonicalHost, checkHost } from './hosts.ts';
import type { Reading } from './reading.ts';
import type {
  RouteDestinationSpec,
  TcpMatchSpec,
  TlsMatchSpec,
  VirtualServiceSpec,
} from './schemas/virtual-service.ts';
import { decodeConditions } from './static-conditions.ts';
import { itemsOf } from './values.ts';

/** Routes of connections that are not looked into (policy T1 to T3). */

export function decodeTcpRoutes(
  spec: VirtualServiceSpec['tcp'],
  path: string,
  reading: Reading,
): readonly DecodedConnectionRoute[] {
  return itemsOf(spec, path).flatMap(({ item, at }) => {
    const matches = itemsOf(item.match, `${at}.match`).map((match) => decodeTcpMatch(match.item, match.at, reading));
    return decodeRoute(matches, item.route, at, reading);
  });
}

/** @param hosts those of the object, as written and full: server names have to be among them */
export function decodeTlsRoutes(
  spec: VirtualServiceSpec['tls'],
  path: string,
  reading: Reading,
  hosts: readonly string[],
): readonly DecodedConnectionRoute[] {
  return itemsOf(spec, path).flatMap(({ item, at }) => {
    const matches = itemsOf(item.match, `${at}.match`).map((match) =>
      decodeTlsMatch(match.item, match.at, reading, hosts),
    );
    if (matches.length > 0) return decodeRoute(matches, item.route, at, reading);
    reading.error('WEIR1005', `${at}.match`, 'a tls route needs a match with sniHosts', 'add match, or use tcp');
    return [];
  });
}

function decodeRoute(
  matches: readonly DecodedConnectionMatch[],
  route: readonly (RouteDestinationSpec | undefined)[] | undefined,
  path: string,
  reading: Reading,
): readonly DecodedConnectionRoute[] {
  if (route === undefined || route.length === 0) {
    reading.error('WEIR1103', path, 'the route does not say where connections go', 'add route with a destination');
    return [];
  }
  const destinations = decodeDestinations(route, `${path}.route`, reading);
  return destinations.length === 0 ? [] : [{ matches, destinations, provenance: reading.provenance(path) }];
}

function decodeTcpMatch(spec: TcpMatchSpec, path: string, reading: Reading): DecodedConnectionMatch {
  if (spec.sourceSubnet !== undefined && spec.sourceSubnet !== '') {
    reading.notInForce(`${path}.sourceSubnet`, 'connections match whatever their source address');
  }
  return {
    conditions: decodeConditions(spec, path, reading),
    serverNames: [],
    destinationSubnets: decodeSubnets(spec.destinationSubnets, `${path}.destinationSubnets`, reading),
  };
}

function decodeTlsMatch(
  spec: TlsMatchSpec,
  path: string,
  reading: Reading,
  hosts: readonly string[],
): DecodedConnectionMatch {
  const names = itemsOf(spec.sniHosts, `${path}.sniHosts`);
  if (names.length === 0) {
    reading.error('WEIR1005', `${path}.sniHosts`, 'the match has no server names', 'add sniHosts');
  }
  const serverNames = names.filter(({ item, at }) => checkServerName(item, at, reading, hosts));
  return {
    conditions: decodeConditions(spec, path, reading),
    serverNames: serverNames.map(({ item }) => canonicalHost(item)),
    destinationSubnets: decodeSubnets(spec.destinationSubnets, `${path}.destinationSubnets`, reading),
  };
}

/** Names as multi-cluster gateways pass them on: `outbound_.80_.v1_.host`. */
const gatewayServerName = /^outbound_\.\d+_\.[^.]*_\.(.+)$/;

function checkServerName(name: string, path: string, reading: Reading, hosts: readonly string[]): boolean {
  const host = gatewayServerName.exec(name)?.[1] ?? name;
  if (!checkHost(host, path, reading, { wildcard: true })) return false;
  const lower = canonicalHost(name);
  if (hosts.some((pattern) => hostCovers(pattern, lower))) return true;
  const message = `the server name ${quote(name)} is none of the hosts of the object`;
  reading.error('WEIR1112', path, message, 'add it to hosts, or correct it');
  return false;
}

function decodeSubnets(
  subnets: readonly (string | undefined)[] | undefined,
  path: string,
  reading: Reading,
): readonly string[] {
  return itemsOf(subnets, path).flatMap(({ item, at }) => {
    const block = parseCidr(item);
    if (block !== undefined) return [`${block.address}/${block.prefixLength}`];
    reading.error(
      'WEIR1011',
      at,
      `${quote(item)} is no address and no block of addresses`,
      'write it like 10.0.0.0/8 or fd00::1',
    );
    return [];
  });
}
