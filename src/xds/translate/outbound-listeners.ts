import type { Read } from '../../incremental/definitions.ts';
import type { SecretOrigin } from '../../model/identity.ts';
import { compositeKey, type ScopeKey } from '../../model/keys.ts';
import type { MeshSettings } from '../../model/mesh-settings.ts';
import type { Provenance } from '../../model/provenance.ts';
import { meshSettings } from '../../policy/mesh.ts';
import { clientScope, scopeFactsOf } from '../../policy/scope.ts';
import { serviceOf } from '../../policy/services.ts';
import type * as envoy from '../envoy.ts';
import {
  blackHoleCluster,
  listenerName,
  passthroughCluster,
  routeName,
  virtualOutboundListener,
  type RouteName,
} from '../names.ts';
import { anyConnection, plaintextHttp, type ChainMatch } from './chain-match.ts';
import { connectionChains, type ClaimedConnections } from './connection-chains.ts';
import { httpConnectionManager } from './http-connection-manager.ts';
import { anyAddress, buildListener, loopback, type Chain } from './listener.ts';
import { claimedListeners, claimsOfListener, routesOfClaim, type Claim } from './outbound-claims.ts';
import { meshHttpByForm } from './mesh-tls.ts';
import { tcpProxy, toCluster } from './tcp-proxy.ts';
import type { Translated } from './translated.ts';

/** Names of the listeners for what a workload calls, sorted (policy P310 to P315, P351, P353). */
export function outboundListenerNames(read: Read, scope: ScopeKey): readonly string[] {
  const { interception, httpProxyPort } = scopeFactsOf(scope, 'outbound');
  const own = [
    ...(interception === 'redirect' ? [virtualOutboundListener] : []),
    ...(httpProxyPort === undefined ? [] : [listenerName(loopback, httpProxyPort)]),
  ];
  return [...own, ...read(claimedListeners, scope)].toSorted();
}

/** @returns undefined: nobody asks for such a listener */
export function translateOutboundListener(
  read: Read,
  scope: ScopeKey,
  name: string,
): Translated<envoy.Listener> | undefined {
  const { interception, httpProxyPort } = scopeFactsOf(scope, 'outbound');
  const settings = read(meshSettings, 'mesh');
  if (interception === 'redirect' && name === virtualOutboundListener) {
    return { message: interceptingListener(settings), children: [], provenance: [] };
  }
  if (httpProxyPort !== undefined && name === listenerName(loopback, httpProxyPort)) {
    return {
      message: httpProxyListener(httpProxyPort, settings),
      children: [routeName({ kind: 'http-proxy' })],
      provenance: [],
    };
  }
  const claims = read(claimsOfListener, compositeKey(scope, name));
  const [first] = claims;
  if (first === undefined) return undefined;
  const parts = partsOfClaims(read, clientScope(scope), claims, settings);
  const chains = parts.map(({ chain }) => chain);
  // Connections to addresses that no service has come here too, if they go to this port.
  if (first.address === anyAddress) chains.push(unknownDestination(settings));
  return {
    message: buildListener(
      {
        name,
        address: first.address,
        port: first.port,
        direction: 'outbound',
        socket: interception === 'redirect' ? 'handed-over' : 'exclusive',
        originalDestination: 'ignore',
        chains,
      },
      settings,
    ),
    children: [...new Set(parts.flatMap(({ routes }) => routes))].toSorted(),
    provenance: [...originsOf(read, claims), ...parts.flatMap(({ provenance }) => provenance)],
  };
}

/**
 * Every connection of the workload comes here and is handed to the listener of the address that it is for (policy
 * P310).
 */
function interceptingListener(settings: MeshSettings): envoy.Listener {
  const port = settings.proxyListenPort;
  return buildListener(
    {
      name: virtualOutboundListener,
      address: anyAddress,
      port,
      direction: 'outbound',
      socket: 'bound',
      originalDestination: 'hand-over',
      chains: [
        {
          // The listener's own address: whoever dials it would be sent round in circles.
          name: `${virtualOutboundListener}-blackhole`,
          match: { ...anyConnection, destinationPort: port },
          filters: [tcpProxy(toCluster(blackHoleCluster), settings)],
        },
        {
          name: `${virtualOutboundListener}-catchall-tcp`,
          match: anyConnection,
          filters: [tcpProxy(toCluster(clusterForUnknown(settings)), settings)],
        },
      ],
    },
    settings,
  );
}

function httpProxyListener(port: number, settings: MeshSettings): envoy.Listener {
  const name = listenerName(loopback, port);
  const manager = httpConnectionManager(
    {
      statPrefix: `outbound_${name}`,
      direction: 'outbound',
      routeName: routeName({ kind: 'http-proxy' }),
      explicitProxy: true,
      meshProtocols: [],
    },
    settings,
  );
  return buildListener(
    {
      name,
      address: loopback,
      port,
      direction: 'outbound',
      socket: 'exclusive',
      originalDestination: 'ignore',
      chains: [{ name: '', match: anyConnection, filters: [manager] }],
    },
    settings,
  );
}

/** A chain, and what else comes with it. */
interface ChainPart {
  readonly chain: Chain;
  readonly routes: readonly string[];
  readonly provenance: readonly Provenance[];
}

function partsOfClaims(
  read: Read,
  scope: ScopeKey,
  claims: readonly Claim[],
  settings: MeshSettings,
): readonly ChainPart[] {
  const { secrets } = scopeFactsOf(scope, 'client');
  return claims.flatMap((claim) => {
    const routes = routesOfClaim(claim, claims);
    const http =
      routes === undefined
        ? []
        : matchesOfHttp(claim, secrets).map((match) => httpPart(claim, routes, match, settings));
    const connections = { read, scope, claim, isShared: claims.length > 1 };
    switch (claim.kind) {
      case 'http':
      case 'own-http':
        return http;
      case 'detected':
        return [...http, ...connectionParts(connections, settings).flatMap(alsoInTheClear)];
      case 'tls':
      case 'tcp':
        return connectionParts(connections, settings);
    }
  });
}

/** Connections that carry HTTP, and how their requests say so inside the mesh's TLS; nothing: as their cluster does. */
interface HttpMatch {
  readonly match: ChainMatch;
  readonly meshProtocols: readonly string[];
}

/** Where the protocol is detected, clusters speak the caller's: each form of it says what it is. */
function matchesOfHttp({ kind, destinations }: Claim, secrets: SecretOrigin): readonly HttpMatch[] {
  if (kind === 'own-http') return [{ match: anyConnection, meshProtocols: [] }];
  const match = detectedHttp(kind === 'detected' ? destinations : []);
  if (kind !== 'detected' || secrets === 'none') return [{ match, meshProtocols: [] }];
  return Object.entries(meshHttpByForm).map(([form, meshProtocols]) => ({
    match: { ...match, applicationProtocols: [form] },
    meshProtocols,
  }));
}

/** The http inspector has found HTTP, and the bytes are not encrypted. */
function detectedHttp(destinations: readonly string[]): ChainMatch {
  return { ...anyConnection, destinations, transport: 'raw_buffer', applicationProtocols: plaintextHttp };
}

/**
 * Envoy takes the chains of the most specific address and looks no further, and among them those that name the
 * transport: beside the chain for HTTP the other must name it too.
 */
function alsoInTheClear(part: ChainPart): readonly ChainPart[] {
  const { match } = part.chain;
  if (match.destinations.length === 0) return [part];
  return [{ ...part, chain: { ...part.chain, match: { ...match, transport: 'raw_buffer' } } }, part];
}

function httpPart(
  claim: Claim,
  routes: RouteName,
  { match, meshProtocols }: HttpMatch,
  settings: MeshSettings,
): ChainPart {
  const name = routeName(routes);
  const manager = httpConnectionManager(
    {
      statPrefix: `outbound_${listenerName(claim.address, claim.port)}`,
      direction: 'outbound',
      routeName: name,
      explicitProxy: false,
      meshProtocols,
    },
    settings,
  );
  return { chain: { name: '', match, filters: [manager] }, routes: [name], provenance: [] };
}

function connectionParts(asked: ClaimedConnections, settings: MeshSettings): readonly ChainPart[] {
  return connectionChains(asked).map(({ match, target, provenance }) => ({
    chain: { name: '', match, filters: [tcpProxy(target, settings)] },
    routes: [],
    provenance,
  }));
}

function unknownDestination(settings: MeshSettings): Chain {
  return {
    name: 'PassthroughFilterChain',
    match: anyConnection,
    filters: [tcpProxy(toCluster(clusterForUnknown(settings)), settings)],
  };
}

function clusterForUnknown({ outboundTraffic }: MeshSettings): string {
  return outboundTraffic === 'allow-any' ? passthroughCluster : blackHoleCluster;
}

function originsOf(read: Read, claims: readonly Claim[]): readonly Provenance[] {
  const services = new Set(claims.map(({ service }) => service));
  return [...services].flatMap((key) => {
    const service = read(serviceOf, key);
    return service === undefined ? [] : [service.declaredBy];
  });
}
