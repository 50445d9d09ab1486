import type { MeshSettings } from '../../model/mesh-settings.ts';
import type { Protocol } from '../../model/protocol.ts';
import type * as envoy from '../envoy.ts';
import { milliseconds } from '../envoy.ts';
import { pack } from '../proto.ts';
import { accessLogs, type AccessLogSettings } from './access-log.ts';
import type { InboundSecurity } from './filters/http-filter.ts';
import { httpFilters } from './filters/order.ts';

/** What of the mesh's settings HTTP chains depend on. */
export type HttpSettings = AccessLogSettings & Pick<MeshSettings, 'pathNormalization'>;

/** A chain whose connections carry HTTP. */
export type HttpChain = {
  readonly statPrefix: string;
} & (
  | {
      readonly direction: 'outbound';
      /** The route configuration comes under this name. */
      readonly routeName: string;
      /** Takes requests for any host in the form that clients send to an HTTP proxy, CONNECT included. */
      readonly explicitProxy: boolean;
      /** By which requests say inside the mesh's TLS what they are; empty: as their cluster says. */
      readonly meshProtocols: readonly string[];
    }
  | {
      readonly direction: 'inbound';
      /** Of the only port that the chain serves; `auto` when there are many. */
      readonly protocol: Protocol;
      readonly security: InboundSecurity;
      readonly routes: envoy.RouteConfiguration;
    }
);

/**
 * Envoy waits for routes as long as it takes, so that a proxy never runs on half a view (istio-compat I43). It does not wait in
 * vain: routes that it has serve another listener at once (xds-protocol X302).
 */
const waitForRoutes = milliseconds(0);

/**
 * Where applications are that may ask their own proxy for something by Envoy's request headers, such as a time-out for
 * one request; from elsewhere such headers are removed. Since Envoy 1.36 no network is trusted that is not named.
 */
const privateNetworks: readonly envoy.CidrRange[] = [
  { addressPrefix: '127.0.0.0', prefixLen: { value: 8 } },
  { addressPrefix: '10.0.0.0', prefixLen: { value: 8 } },
  { addressPrefix: '172.16.0.0', prefixLen: { value: 12 } },
  { addressPrefix: '192.168.0.0', prefixLen: { value: 16 } },
  { addressPrefix: '::1', prefixLen: { value: 128 } },
  { addressPrefix: 'fd00::', prefixLen: { value: 8 } },
];

/** The network filter that speaks HTTP (policy P325). */
export function httpConnectionManager(chain: HttpChain, settings: HttpSettings): envoy.Filter {
  const manager: envoy.HttpConnectionManager = {
    statPrefix: chain.statPrefix,
    ...(chain.direction === 'outbound'
      ? outboundFields(chain.routeName, chain.explicitProxy)
      : inboundFields(chain.routes)),
    httpFilters: httpFilters(chain),
    // Between proxies a connection says little about the caller: headers that name it are kept as they come.
    useRemoteAddress: { value: false },
    // Long polls and streams may be silent for as long as they like.
    streamIdleTimeout: milliseconds(0),
    proxy100Continue: true,
    ...pathNormalization(settings.pathNormalization),
    accessLog: accessLogs(settings),
  };
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typedConfig: pack('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', manager),
  };
}

function outboundFields(routeName: string, explicitProxy: boolean): envoy.HttpConnectionManager {
  return {
    rds: {
      configSource: { ads: {}, initialFetchTimeout: waitForRoutes, resourceApiVersion: 'V3' },
      routeConfigName: routeName,
    },
    internalAddressConfig: { cidrRanges: privateNetworks },
    upgradeConfigs: [{ upgradeType: 'websocket' }, ...(explicitProxy ? [{ upgradeType: 'CONNECT' }] : [])],
    httpProtocolOptions: explicitProxy ? { allowAbsoluteUrl: { value: true } } : undefined,
  };
}

function inboundFields(routes: envoy.RouteConfiguration): envoy.HttpConnectionManager {
  return {
    routeConfig: routes,
    serverName: 'istio-envoy',
    // The application learns who called; a forged header of a caller without certificate is removed.
    forwardClientCertDetails: 'APPEND_FORWARD',
    setCurrentClientCertDetails: { subject: { value: true }, uri: true },
    upgradeConfigs: [{ upgradeType: 'websocket' }],
  };
}

/** What authorization and routing see must equal what the application sees (policy Z22). */
function pathNormalization(asked: MeshSettings['pathNormalization']): envoy.HttpConnectionManager {
  switch (asked) {
    case 'none':
      return { normalizePath: { value: false } };
    case 'base':
      return { normalizePath: { value: true } };
    case 'merge-slashes':
      return { normalizePath: { value: true }, mergeSlashes: true };
    case 'decode-and-merge-slashes':
      return {
        normalizePath: { value: true },
        mergeSlashes: true,
        pathWithEscapedSlashesAction: 'UNESCAPE_AND_FORWARD',
      };
  }
}
