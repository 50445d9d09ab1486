import type { Read } from '../../incremental/definitions.ts';
import type { InboundPort } from '../../model/inbound.ts';
import type { ScopeKey } from '../../model/keys.ts';
import type { MeshSettings } from '../../model/mesh-settings.ts';
import { isHttp, mayCarryGrpc, type Protocol } from '../../model/protocol.ts';
import { inboundPorts } from '../../policy/inbound.ts';
import { meshSettings } from '../../policy/mesh.ts';
import { scopeFactsOf } from '../../policy/scope.ts';
import type * as envoy from '../envoy.ts';
import { milliseconds } from '../envoy.ts';
import {
  blackHoleCluster,
  inboundClusterName,
  inboundPassthroughCluster,
  listenerName,
  virtualInboundListener,
} from '../names.ts';
import { anyConnection, plaintextHttp, type ChainMatch } from './chain-match.ts';
import { httpConnectionManager } from './http-connection-manager.ts';
import { anyAddress, buildListener, type Chain } from './listener.ts';
import { inboundRetryPolicy } from './retry.ts';
import { tcpProxy, toCluster } from './tcp-proxy.ts';
import type { Translated } from './translated.ts';

/** Names of the listeners for what others call at a workload, sorted (policy P320, P361). */
export function inboundListenerNames(read: Read, scope: ScopeKey): readonly string[] {
  const { interception, bindAddresses } = scopeFactsOf(scope, 'inbound');
  if (interception === 'redirect') return [virtualInboundListener];
  const ports = read(inboundPorts, scope);
  return bindAddresses.flatMap((address) => ports.map(({ port }) => listenerName(address, port))).toSorted();
}

/** @returns undefined: nobody calls the workload there */
export function translateInboundListener(
  read: Read,
  scope: ScopeKey,
  name: string,
): Translated<envoy.Listener> | undefined {
  const { interception, bindAddresses } = scopeFactsOf(scope, 'inbound');
  const settings = read(meshSettings, 'mesh');
  const ports = read(inboundPorts, scope);
  if (interception === 'redirect') {
    if (name !== virtualInboundListener) return undefined;
    const provenance = ports.map(({ declaredBy }) => declaredBy);
    return { message: interceptingListener(ports, settings), children: [], provenance };
  }
  for (const address of bindAddresses) {
    const port = ports.find((each) => listenerName(address, each.port) === name);
    if (port === undefined) continue;
    return { message: boundListener(address, port, settings), children: [], provenance: [port.declaredBy] };
  }
  return undefined;
}

/** Every connection to the workload comes here; chains tell its ports apart (policy P320 to P323). */
function interceptingListener(ports: readonly InboundPort[], settings: MeshSettings): envoy.Listener {
  return buildListener(
    {
      name: virtualInboundListener,
      address: anyAddress,
      port: settings.proxyInboundListenPort,
      direction: 'inbound',
      socket: 'bound',
      originalDestination: 'restore',
      chains: [
        {
          // The listener's own address: whoever dials it would be sent round in circles.
          name: `${virtualInboundListener}-blackhole`,
          match: { ...anyConnection, destinationPort: settings.proxyInboundListenPort },
          filters: [tcpProxy(toCluster(blackHoleCluster), settings)],
        },
        ...unclaimedPortChains(settings),
        ...ports.flatMap((port) => {
          const name = listenerName(anyAddress, port.port);
          return portChains(port, name, { ...anyConnection, destinationPort: port.port }, settings);
        }),
      ],
    },
    settings,
  );
}

/**
 * Without interception each port has a listener at the workload's address, in front of the application on 127.0.0.1
 * (policy P361).
 */
function boundListener(address: string, port: InboundPort, settings: MeshSettings): envoy.Listener {
  const name = listenerName(address, port.port);
  return buildListener(
    {
      name,
      address,
      port: port.port,
      direction: 'inbound',
      socket: 'exclusive',
      originalDestination: 'ignore',
      chains: portChains(port, name, anyConnection, settings),
    },
    settings,
  );
}

/**
 * One way in: what it takes, and whether that is HTTP. Transport security adds ways, by the workload's mode (policy
 * P331 to P333).
 */
interface Entrance {
  readonly match: ChainMatch;
  readonly http: boolean;
}

/** The ways into a port, by its declared protocol, for a workload that takes connections in the clear. */
function entrances(protocol: Protocol, port: ChainMatch): readonly Entrance[] {
  const inTheClear: ChainMatch = { ...port, transport: 'raw_buffer' };
  if (protocol === 'auto') {
    return [
      { match: { ...inTheClear, applicationProtocols: plaintextHttp }, http: true },
      { match: inTheClear, http: false },
    ];
  }
  return [{ match: inTheClear, http: isHttp(protocol) }];
}

function portChains(port: InboundPort, name: string, match: ChainMatch, settings: MeshSettings): readonly Chain[] {
  const cluster = inboundClusterName(port.port);
  return entrances(port.protocol, match).map((entrance) => ({
    name,
    match: entrance.match,
    filters: [
      entrance.http
        ? httpFilter(`inbound_${name}`, port.protocol, portRoutes(port, cluster), settings)
        : tcpProxy({ ...toCluster(cluster), connectionPool: port.connectionPool }, settings),
    ],
  }));
}

/** Ports that no service has are open too, whatever is spoken there (policy P323). */
function unclaimedPortChains(settings: MeshSettings): readonly Chain[] {
  return entrances('auto', anyConnection).map(({ match, http }) => ({
    name: http ? `${virtualInboundListener}-catchall-http` : virtualInboundListener,
    match,
    filters: [
      http
        ? httpFilter(inboundPassthroughCluster, 'auto', unclaimedPortRoutes(), settings)
        : tcpProxy(toCluster(inboundPassthroughCluster), settings),
    ],
  }));
}

function httpFilter(
  statPrefix: string,
  protocol: Protocol,
  routes: envoy.RouteConfiguration,
  settings: MeshSettings,
): envoy.Filter {
  return httpConnectionManager({ statPrefix, protocol, direction: 'inbound', routes }, settings);
}

/** Everything goes to the application (policy P324). */
function portRoutes({ port, protocol, hostname, servicePort }: InboundPort, cluster: string): envoy.RouteConfiguration {
  return inlineRoutes(cluster, `inbound|http|${port}`, {
    name: 'default',
    match: { prefix: '/' },
    route: {
      cluster,
      timeout: milliseconds(0),
      maxGrpcTimeout: mayCarryGrpc(protocol) ? milliseconds(0) : undefined,
      // A gRPC server may have acted on a request that was reset.
      retryPolicy: protocol === 'grpc' || protocol === 'grpc-web' ? undefined : inboundRetryPolicy,
    },
    decorator: { operation: `${hostname}:${servicePort}/*` },
  });
}

function unclaimedPortRoutes(): envoy.RouteConfiguration {
  const cluster = inboundPassthroughCluster;
  return inlineRoutes(cluster, 'inbound|http|0', {
    name: 'default',
    match: { prefix: '/' },
    route: { cluster, timeout: milliseconds(0), maxGrpcTimeout: milliseconds(0) },
  });
}

function inlineRoutes(name: string, virtualHost: string, route: envoy.Route): envoy.RouteConfiguration {
  return {
    name,
    virtualHosts: [{ name: virtualHost, domains: ['*'], routes: [route] }],
    // Otherwise Envoy refuses the listener, and with it all inbound traffic, while the cluster is on its way
    // (xds-protocol X314).
    validateClusters: { value: false },
  };
}
