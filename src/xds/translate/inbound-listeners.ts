import type { Read } from '../../incremental/definitions.ts';
import type { InboundPort } from '../../model/inbound.ts';
import type { ScopeKey } from '../../model/keys.ts';
import type { MeshSettings } from '../../model/mesh-settings.ts';
import { mayCarryGrpc, type Protocol } from '../../model/protocol.ts';
import type { SecretOrigin } from '../../model/identity.ts';
import { inboundPorts } from '../../policy/inbound.ts';
import { meshSettings } from '../../policy/mesh.ts';
import { modeOfPort, mutualTlsOfScope, otherPorts, type EffectiveMutualTls } from '../../policy/mutual-tls.ts';
import { scopeFactsOf } from '../../policy/scope.ts';
import { trustDomains } from '../../policy/trust-domains.ts';
import type * as envoy from '../envoy.ts';
import { milliseconds } from '../envoy.ts';
import {
  blackHoleCluster,
  inboundClusterName,
  inboundPassthroughCluster,
  listenerName,
  virtualInboundListener,
} from '../names.ts';
import { anyConnection, type ChainMatch } from './chain-match.ts';
import { httpConnectionManager } from './http-connection-manager.ts';
import { entrances, type Entrance } from './inbound-entrances.ts';
import { anyAddress, buildListener, type Chain } from './listener.ts';
import { secretsNamed, serverTls } from './mesh-tls.ts';
import type { InboundSecurity } from './filters/http-filter.ts';
import { connectionFilters, inboundSecurity } from './inbound-security.ts';
import { inboundRetryPolicy } from './retry.ts';
import { tcpProxy, toCluster, type ConnectionTarget } from './tcp-proxy.ts';
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
  const { interception, bindAddresses, secrets } = scopeFactsOf(scope, 'inbound');
  const ports = read(inboundPorts, scope);
  const { security, provenance: guards } = inboundSecurity(read, scope);
  const context: InboundContext = {
    settings: read(meshSettings, 'mesh'),
    secrets,
    trustDomains: read(trustDomains, 'mesh'),
    mutualTls: mutualTlsOfScope(read, scope),
    security,
  };
  const provenance = [...context.mutualTls.provenance, ...guards];
  const secretNames = secretsNamed(secrets);
  if (interception === 'redirect') {
    if (name !== virtualInboundListener) return undefined;
    const authors = [...ports.map(({ declaredBy }) => declaredBy), ...provenance];
    return { message: interceptingListener(ports, context), children: [], secrets: secretNames, provenance: authors };
  }
  for (const address of bindAddresses) {
    const port = ports.find((each) => listenerName(address, each.port) === name);
    if (port === undefined) continue;
    const authors = [port.declaredBy, ...provenance];
    const message = boundListener(address, port, context);
    return { message, children: [], secrets: secretNames, provenance: authors };
  }
  return undefined;
}

/** What all chains of a workload have in common. */
interface InboundContext {
  readonly settings: MeshSettings;
  readonly secrets: SecretOrigin;
  readonly trustDomains: readonly string[];
  readonly mutualTls: EffectiveMutualTls;
  readonly security: InboundSecurity;
}

/** Every connection to the workload comes here; chains tell its ports apart (policy P320 to P323). */
function interceptingListener(ports: readonly InboundPort[], context: InboundContext): envoy.Listener {
  const { settings, mutualTls } = context;
  const claimed = new Set(ports.map(({ port }) => port));
  const unclaimed = [...mutualTls.ports.keys()].filter((port) => !claimed.has(port)).toSorted((a, b) => a - b);
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
        ...unclaimedPortChains(context, otherPorts),
        // The modes of single ports hold for those too that no service has.
        ...unclaimed.flatMap((port) => unclaimedPortChains(context, port)),
        ...ports.flatMap((port) => {
          const name = listenerName(anyAddress, port.port);
          return portChains(port, name, { ...anyConnection, destinationPort: port.port }, context);
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
function boundListener(address: string, port: InboundPort, context: InboundContext): envoy.Listener {
  const name = listenerName(address, port.port);
  return buildListener(
    {
      name,
      address,
      port: port.port,
      direction: 'inbound',
      socket: 'exclusive',
      originalDestination: 'ignore',
      chains: portChains(port, name, anyConnection, context),
    },
    context.settings,
  );
}

function portChains(port: InboundPort, name: string, match: ChainMatch, context: InboundContext): readonly Chain[] {
  const cluster = inboundClusterName(port.port);
  const tcp = connection({ ...toCluster(cluster), connectionPool: port.connectionPool }, context);
  return chainsOf(context, port.protocol, port.port, match, {
    name: () => name,
    http: () => httpFilter(`inbound_${name}`, port.protocol, portRoutes(port, cluster), context),
    tcp: () => tcp,
  });
}

/**
 * Ports that no service has are open too, whatever is spoken there, to whom the mode lets in (policy P323).
 *
 * @param port `otherPorts`, or one for which a mode of its own is set
 */
function unclaimedPortChains(context: InboundContext, port: number): readonly Chain[] {
  const match = port === otherPorts ? anyConnection : { ...anyConnection, destinationPort: port };
  const name = port === otherPorts ? virtualInboundListener : `${virtualInboundListener}-${port}`;
  return chainsOf(context, 'auto', port, match, {
    name: (leads) => (leads === 'http' ? `${name}-catchall-http` : name),
    http: () => httpFilter(inboundPassthroughCluster, 'auto', unclaimedPortRoutes(), context),
    tcp: () => connection(toCluster(inboundPassthroughCluster), context),
  });
}

/** What stands in the chains of a port. */
interface PortFilters {
  readonly name: (leads: Entrance['leads']) => string;
  readonly http: () => envoy.Filter;
  readonly tcp: () => readonly envoy.Filter[];
}

function chainsOf(
  { settings, secrets, trustDomains, mutualTls }: InboundContext,
  protocol: Protocol,
  port: number,
  match: ChainMatch,
  filters: PortFilters,
): readonly Chain[] {
  const security = { mode: modeOfPort(mutualTls, port), secrets };
  return entrances(protocol, security, match).map((entrance) => ({
    name: filters.name(entrance.leads),
    match: entrance.match,
    filters: filtersOf(entrance, filters, settings),
    ...(entrance.mutualTls && secrets !== 'none' ? { transportSocket: serverTls(secrets, trustDomains) } : {}),
  }));
}

function filtersOf({ leads }: Entrance, { http, tcp }: PortFilters, settings: MeshSettings): readonly envoy.Filter[] {
  switch (leads) {
    case 'http':
      return [http()];
    case 'tcp':
    case 'untouched':
      return tcp();
    case 'closed':
      return [tcpProxy(toCluster(blackHoleCluster), settings)];
  }
}

function httpFilter(
  statPrefix: string,
  protocol: Protocol,
  routes: envoy.RouteConfiguration,
  { security, settings }: InboundContext,
): envoy.Filter {
  return httpConnectionManager({ statPrefix, protocol, direction: 'inbound', security, routes }, settings);
}

/** Bytes go on as they come, from those who may connect. */
function connection(target: ConnectionTarget, { security, settings }: InboundContext): readonly envoy.Filter[] {
  return [...connectionFilters(security), tcpProxy(target, settings)];
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
