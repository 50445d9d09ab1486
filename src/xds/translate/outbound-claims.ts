import { isDeepStrictEqual } from 'node:util';
import type { Query, Read } from '../../incremental/definitions.ts';
import { containsCidr, isAddress, parseCidr, type Cidr } from '../../model/cidr.ts';
import { compareByAge } from '../../model/config-object.ts';
import { compositeKey, partsOf, scopeKey, type ScopeKey, type ServiceKey } from '../../model/keys.ts';
import { isHttp, type Protocol } from '../../model/protocol.ts';
import type { Service, ServicePort } from '../../model/service.ts';
import { serviceEndpoints } from '../../policy/endpoints.ts';
import { meshSettings } from '../../policy/mesh.ts';
import { scopeFactsOf, type OutboundFacts } from '../../policy/scope.ts';
import { serviceOf, visibleServices } from '../../policy/services.ts';
import { listenerName, type RouteName } from '../names.ts';
import { anyAddress, loopback } from './listener.ts';

/**
 * Which services ask for which listeners of a client's proxy. Several may ask for one: what it does is decided from all
 * of them, oldest first.
 */

/** What one service port asks of a listener. */
export interface Claim {
  /** The socket. */
  readonly address: string;
  readonly port: number;
  /**
   * `http`: the listener's requests are told apart by host name, together with those of other services. `own-http`:
   * every request belongs to the service. `detected`: the same, once the bytes turn out to be HTTP. `tls`: connections
   * by server name. `tcp`: all connections.
   */
  readonly kind: 'http' | 'own-http' | 'detected' | 'tls' | 'tcp';
  readonly service: ServiceKey;
  readonly hostname: string;
  /** Blocks of destination addresses that belong to the service; empty: every address of the listener. */
  readonly destinations: readonly string[];
  /** Age of the service (policy G4). */
  readonly createdAt: number;
  readonly name: string;
  readonly namespace: string;
}

/** What a service asks of a proxy that intercepts connections. */
const interceptedClaims: Query<ServiceKey, readonly Claim[]> = {
  name: 'interceptedClaims',
  compute(read, key) {
    const service = read(serviceOf, key);
    return service === undefined ? [] : portsOf(service).flatMap((port) => interceptedPort(read, service, port));
  },
  equal: isDeepStrictEqual,
};

/** What a service asks of a proxy that binds addresses itself. The key is `boundAddresses serviceKey`. */
const boundClaims: Query<string, readonly Claim[]> = {
  name: 'boundClaims',
  compute(read, key) {
    const [boundAddresses = '', serviceText = ''] = partsOf(key);
    const block = parseCidr(boundAddresses);
    const service = read(serviceOf, serviceText as ServiceKey);
    if (service === undefined || block === undefined) return [];
    return portsOf(service).flatMap((port) => boundPort(service, port, block));
  },
  equal: isDeepStrictEqual,
};

function claimsOfService(read: Read, facts: OutboundFacts, service: ServiceKey): readonly Claim[] {
  if (facts.interception === 'redirect') return read(interceptedClaims, service);
  return facts.boundAddresses === undefined ? [] : read(boundClaims, compositeKey(facts.boundAddresses, service));
}

/** Where the requests of a claim are looked up; undefined: its connections are not told apart by requests. */
export function routesOfClaim({ kind, hostname, port }: Claim, claims: readonly Claim[]): RouteName | undefined {
  switch (kind) {
    case 'http':
      return { kind: 'port', port };
    case 'own-http':
    case 'detected': {
      // Services that have one address are told apart by host name, like those that have none.
      const others = claims.filter((other) => other.kind === 'own-http' || other.kind === 'detected');
      return others.length > 1 ? { kind: 'port', port } : { kind: 'service', hostname, port };
    }
    case 'tls':
    case 'tcp':
      return undefined;
  }
}

function portsOf(service: Service): readonly ServicePort[] {
  return service.ports.filter(({ protocol }) => protocol !== 'udp');
}

/** Listener -> what is asked of it, oldest first. The key is an outbound scope. */
const claimsByListener: Query<ScopeKey, ReadonlyMap<string, readonly Claim[]>> = {
  name: 'claimsByListener',
  compute(read, scope) {
    const facts = scopeFactsOf(scope, 'outbound');
    const reserved = reservedListeners(read, facts);
    const listeners = new Map<string, Claim[]>();
    for (const service of read(visibleServices, facts.namespace)) {
      for (const claim of claimsOfService(read, facts, service)) {
        const listener = listenerName(claim.address, claim.port);
        if (reserved.has(listener)) continue;
        const others = listeners.get(listener);
        if (others === undefined) listeners.set(listener, [claim]);
        else addClaim(others, claim);
      }
    }
    return new Map([...listeners].map(([listener, claims]) => [listener, claims.toSorted(compareByAge)]));
  },
};

/** Of those that share requests by host name the oldest stands for all, so that more of them change nothing. */
function addClaim(claims: Claim[], claim: Claim): void {
  const shared = claim.kind === 'http' ? claims.findIndex(({ kind }) => kind === 'http') : -1;
  const previous = claims[shared];
  if (previous === undefined) claims.push(claim);
  else if (compareByAge(claim, previous) < 0) claims[shared] = claim;
}

/** Names of the listeners that services ask for, sorted. The key is an outbound scope. */
export const claimedListeners: Query<ScopeKey, readonly string[]> = {
  name: 'claimedListeners',
  compute: (read, scope) => [...read(claimsByListener, scope).keys()].toSorted(),
  equal: isDeepStrictEqual,
};

/** What is asked of one listener, oldest first. The key is `scope listener`, the scope an outbound one. */
export const claimsOfListener: Query<string, readonly Claim[]> = {
  name: 'claimsOfListener',
  compute(read, key) {
    const [scope = '', listener = ''] = partsOf(key);
    return read(claimsByListener, scopeKey(scope)).get(listener) ?? [];
  },
  equal: isDeepStrictEqual,
};

/** Where intercepted connections of a service port arrive: at the address that was dialled (policy P311 to P314). */
function interceptedPort(read: Read, service: Service, port: ServicePort): readonly Claim[] {
  const shared = aClaim(service, port, { address: anyAddress, kind: 'http' });
  // An alias: its connections go to addresses that only a name server knows.
  if (service.resolution === 'external-name') return isHttp(port.protocol) ? [shared] : [];
  if (isHttp(port.protocol)) return [shared];
  const kind = kindOf(port.protocol);
  const addresses = ownAddresses(read, service);
  const blocks = service.addresses.filter((address) => address.includes('/'));
  const own = addresses.map((address) => aClaim(service, port, { address, kind }));
  if (blocks.length > 0) own.push(aClaim(service, port, { address: anyAddress, kind, destinations: blocks }));
  if (own.length > 0 || service.headless) return own;
  // Without an address only host names tell services apart. Bytes that carry none belong to a service that claims them
  // all.
  return [kind === 'detected' ? shared : aClaim(service, port, { address: anyAddress, kind })];
}

/** Connections to a headless service go to its members. */
function ownAddresses(read: Read, service: Service): readonly string[] {
  const addresses = service.headless
    ? read(serviceEndpoints, service.key).map((endpoint) => endpoint.address)
    : service.addresses;
  return [...new Set(addresses)].filter((address) => isAddress(address) && address !== anyAddress && address !== '::');
}

/** Without interception only addresses that the proxy was given to bind lead to it (policy P353). */
function boundPort(service: Service, port: ServicePort, block: Cidr): readonly Claim[] {
  const kind = isHttp(port.protocol) ? 'own-http' : kindOf(port.protocol);
  return service.addresses
    .filter((address) => isAddress(address) && isWithin(block, address))
    .map((address) => aClaim(service, port, { address, kind }));
}

function isWithin(block: Cidr, address: string): boolean {
  const cidr = parseCidr(address);
  return cidr !== undefined && containsCidr(block, cidr);
}

function kindOf(protocol: Protocol): Claim['kind'] {
  switch (protocol) {
    case 'auto':
      return 'detected';
    case 'https':
    case 'tls':
      return 'tls';
    default:
      return 'tcp';
  }
}

function aClaim(
  { key, hostname, createdAt, name, namespace }: Service,
  port: ServicePort,
  asked: Pick<Claim, 'address' | 'kind'> & Partial<Pick<Claim, 'destinations'>>,
): Claim {
  return { port: port.number, service: key, hostname, destinations: [], createdAt, name, namespace, ...asked };
}

/** Sockets that the proxy itself listens on: Envoy refuses a second listener there. */
function reservedListeners(read: Read, { interception, httpProxyPort }: OutboundFacts): ReadonlySet<string> {
  const reserved = new Set<string>();
  if (httpProxyPort !== undefined) reserved.add(listenerName(loopback, httpProxyPort));
  if (interception === 'redirect') {
    const { proxyListenPort, proxyInboundListenPort } = read(meshSettings, 'mesh');
    reserved.add(listenerName(anyAddress, proxyListenPort)).add(listenerName(anyAddress, proxyInboundListenPort));
  }
  return reserved;
}
