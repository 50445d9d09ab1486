import { parseCidr } from '../../model/cidr.ts';
import type { MeshSettings } from '../../model/mesh-settings.ts';
import type * as envoy from '../envoy.ts';
import { milliseconds } from '../envoy.ts';
import { pack } from '../proto.ts';
import { refusedConnectionLogs } from './access-log.ts';
import { isCatchAll, plaintextHttp, uniqueMatches, type ChainMatch } from './chain-match.ts';
import type { HttpSettings } from './http-connection-manager.ts';

/** Every address of the machine. */
export const anyAddress = '0.0.0.0';
export const loopback = '127.0.0.1';

/** What of the mesh's settings listeners depend on. */
export type ListenerSettings = HttpSettings & Pick<MeshSettings, 'protocolDetectionTimeoutMs'>;

/** One way that a connection can take through a listener. */
export interface Chain {
  readonly name: string;
  readonly match: ChainMatch;
  readonly filters: readonly envoy.Filter[];
  readonly transportSocket?: envoy.TransportSocket;
}

export interface ListenerShape {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly direction: 'inbound' | 'outbound';
  /**
   * `bound`: takes connections at its address. `exclusive`: the same, and no other process may share the address, so
   * that a second proxy on the machine fails loudly instead of taking half of the connections. `handed-over`: takes
   * what an intercepting listener was sent for this address.
   */
  readonly socket: 'bound' | 'exclusive' | 'handed-over';
  /**
   * `hand-over`: connections go to the listener of the address that the caller dialled. `restore`: that address is told
   * to the chains.
   */
  readonly originalDestination: 'ignore' | 'hand-over' | 'restore';
  /** Oldest claim first: of two chains for the same connections the first wins. */
  readonly chains: readonly Chain[];
}

/**
 * @returns a listener that Envoy accepts: no two chains for one connection, and an inspector exactly where a chain
 * needs it
 */
export function buildListener(shape: ListenerShape, settings: ListenerSettings): envoy.Listener {
  const chains = uniqueMatches(shape.chains);
  const fallback = chains.find(({ match }) => isCatchAll(match));
  const matched = chains.filter((chain) => chain !== fallback);
  const inspectors = inspectorsOf(chains);
  return {
    name: shape.name,
    address: { socketAddress: { address: shape.address, portValue: shape.port } },
    filterChains: (matched.length > 0 ? matched : chains).map(filterChain),
    defaultFilterChain: matched.length > 0 && fallback !== undefined ? filterChain(fallback) : undefined,
    useOriginalDst: shape.originalDestination === 'hand-over' ? { value: true } : undefined,
    listenerFilters: [...(shape.originalDestination === 'restore' ? [originalDestination()] : []), ...inspectors],
    // 0 switches the limit off: a protocol whose server speaks first has to be declared (policy P302, P313).
    listenerFiltersTimeout: inspectors.length > 0 ? milliseconds(settings.protocolDetectionTimeoutMs) : undefined,
    continueOnListenerFiltersTimeout: inspectors.length > 0,
    bindToPort: shape.socket === 'handed-over' ? { value: false } : undefined,
    enableReusePort: shape.socket === 'exclusive' ? { value: false } : undefined,
    trafficDirection: shape.direction === 'inbound' ? 'INBOUND' : 'OUTBOUND',
    accessLog: refusedConnectionLogs(settings),
  };
}

function filterChain({ name, match, filters, transportSocket }: Chain): envoy.FilterChain {
  const { destinationPort, destinations, serverNames, transport, applicationProtocols } = match;
  const filterChainMatch: envoy.FilterChainMatch = {
    destinationPort: destinationPort === undefined ? undefined : { value: destinationPort },
    prefixRanges: destinations.map(cidrRange),
    serverNames,
    transportProtocol: transport,
    applicationProtocols,
  };
  return { name, filterChainMatch: isCatchAll(match) ? undefined : filterChainMatch, filters, transportSocket };
}

function cidrRange(text: string): envoy.CidrRange {
  const cidr = parseCidr(text);
  // Decoding has refused everything else; a range that matches nothing keeps the rest of the listener.
  if (cidr === undefined) return { addressPrefix: '255.255.255.255', prefixLen: { value: 32 } };
  return { addressPrefix: cidr.address, prefixLen: { value: cidr.prefixLength } };
}

/** The TLS inspector comes first: the HTTP inspector leaves alone what is encrypted (policy P320). */
function inspectorsOf(chains: readonly Chain[]): envoy.ListenerFilter[] {
  const tls = inspector(chains, needsTlsInspector, 'envoy.filters.listener.tls_inspector', () =>
    pack('envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector', {}),
  );
  const http = inspector(chains, needsHttpInspector, 'envoy.filters.listener.http_inspector', () =>
    pack('envoy.extensions.filters.listener.http_inspector.v3.HttpInspector', {}),
  );
  return [...tls, ...http];
}

function inspector(
  chains: readonly Chain[],
  isNeeded: (match: ChainMatch) => boolean,
  name: string,
  typedConfig: () => envoy.Any,
): envoy.ListenerFilter[] {
  if (!chains.some(({ match }) => isNeeded(match))) return [];
  return [{ name, typedConfig: typedConfig(), filterDisabled: disabledWhere(chains, isNeeded) }];
}

/**
 * On ports none of whose chains needs the inspector: a server that speaks first would wait for it, and what is not looked into for TLS is
 * taken as it comes (policy P335).
 */
function disabledWhere(
  chains: readonly Chain[],
  isNeeded: (match: ChainMatch) => boolean,
): envoy.ListenerFilterChainMatchPredicate | undefined {
  const portsOf = (matches: readonly ChainMatch[]) => new Set(matches.map(({ destinationPort }) => destinationPort));
  const needing = portsOf(chains.map(({ match }) => match).filter(isNeeded));
  const ports = portsOf(chains.map(({ match }) => match));
  // The chains of all other ports.
  if (ports.has(undefined) && !needing.has(undefined)) {
    const needed = anyOfPorts(needing);
    return needed === undefined ? undefined : { notMatch: needed };
  }
  return anyOfPorts([...ports].filter((port) => !needing.has(port)));
}

function needsTlsInspector(match: ChainMatch): boolean {
  return match.serverNames.length > 0 || match.transport === 'tls';
}

function needsHttpInspector(match: ChainMatch): boolean {
  return match.applicationProtocols.some((protocol) => plaintextHttp.includes(protocol));
}

function anyOfPorts(ports: Iterable<number | undefined>): envoy.ListenerFilterChainMatchPredicate | undefined {
  const rules = [...ports]
    .filter((port) => port !== undefined)
    .toSorted((a, b) => a - b)
    .map((port) => ({ destinationPortRange: { start: port, end: port + 1 } }));
  // Envoy refuses a disjunction of one.
  return rules.length > 1 ? { orMatch: { rules } } : rules[0];
}

function originalDestination(): envoy.ListenerFilter {
  return {
    name: 'envoy.filters.listener.original_dst',
    typedConfig: pack('envoy.extensions.filters.listener.original_dst.v3.OriginalDst', {}),
  };
}
