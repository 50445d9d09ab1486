/**
 * Every name that Envoy sees, spelled as Istio spells it, because tools, dashboards and people read them (policy P11,
 * istio-compat I3).
 */

export type TrafficDirection = 'outbound' | 'inbound';

/** Where connections go whose destination is no service of the mesh. */
export const passthroughCluster = 'PassthroughCluster';
export const blackHoleCluster = 'BlackHoleCluster';
/** Where connections go that came for a port of the workload that no service has. */
export const inboundPassthroughCluster = 'InboundPassthroughCluster';

/** The secret that holds a proxy's own key and certificate chain (istio-compat I60, I66). */
export const ownCertificateSecret = 'default';
/** The secret that holds the authorities whose certificates a proxy trusts. */
export const trustBundleSecret = 'ROOTCA';
/** Where an Istio agent serves both to the Envoy beside it (istio-compat I60). */
export const agentSecretCluster = 'sds-grpc';

/** @param subset empty: the service as a whole */
export function clusterName(direction: TrafficDirection, port: number, subset: string, hostname: string): string {
  return `${direction}|${port}|${subset}|${hostname}`;
}

/** @param port on the workload */
export function inboundClusterName(port: number): string {
  return clusterName('inbound', port, '', '');
}

export interface ClusterNameParts {
  readonly direction: TrafficDirection;
  readonly port: number;
  readonly subset: string;
  readonly hostname: string;
}

/** Takes the name of a service's cluster apart; undefined for every other name. */
export function parseClusterName(name: string): ClusterNameParts | undefined {
  const [direction, portText = '', subset, hostname, ...rest] = name.split('|');
  if (direction !== 'outbound' && direction !== 'inbound') return undefined;
  if (subset === undefined || hostname === undefined || rest.length > 0 || !isPort(portText)) return undefined;
  return { direction, port: Number(portText), subset, hostname };
}

/** The server name by which a client says, in the open, which cluster it means. */
export function serverNameOfCluster({ direction, port, subset, hostname }: ClusterNameParts): string {
  return `${direction}_.${port}_.${subset}_.${hostname}`;
}

/**
 * What a route configuration holds: the hosts of all services that share a port, those of one service on its own address, or
 * everything that the HTTP proxy port takes (policy P351).
 */
export type RouteName =
  | { readonly kind: 'port'; readonly port: number }
  | { readonly kind: 'service'; readonly hostname: string; readonly port: number }
  | { readonly kind: 'http-proxy' };

/** Of a table with one host. */
export type OwnRouteName = Extract<RouteName, { kind: 'service' }>;
/** Of a table that services share. */
export type SharedRouteName = Exclude<RouteName, OwnRouteName>;

const httpProxyRoute = 'http_proxy';

export function routeName(route: RouteName): string {
  switch (route.kind) {
    case 'port':
      return String(route.port);
    case 'service':
      return `${route.hostname}:${route.port}`;
    case 'http-proxy':
      return httpProxyRoute;
  }
}

/** Takes the name of a route configuration apart; undefined for every other name. */
export function parseRouteName(name: string): RouteName | undefined {
  if (name === httpProxyRoute) return { kind: 'http-proxy' };
  if (isPort(name)) return { kind: 'port', port: Number(name) };
  const colon = name.lastIndexOf(':');
  const port = name.slice(colon + 1);
  return colon > 0 && isPort(port)
    ? { kind: 'service', hostname: name.slice(0, colon), port: Number(port) }
    : undefined;
}

/**
 * The name of a virtual host that is delivered by itself: `80/cart.shop.svc.cluster.local:80`. Envoy finds the route configuration by what
 * stands before the last slash, and removes by the name of the message, which must be the same therefore (xds-protocol X77).
 */
export function virtualHostName(routeConfiguration: string, host: string): string {
  return `${routeConfiguration}/${host}`;
}

/** Takes the name of a virtual host apart; undefined for every other name. */
export function parseVirtualHostName(
  name: string,
): { readonly routeConfiguration: string; readonly host: string } | undefined {
  const slash = name.lastIndexOf('/');
  return slash <= 0 ? undefined : { routeConfiguration: name.slice(0, slash), host: name.slice(slash + 1) };
}

/** Takes every connection that the workload opens, and hands it to the listener of its destination. */
export const virtualOutboundListener = 'virtualOutbound';
/** Takes every connection to the workload. */
export const virtualInboundListener = 'virtualInbound';

/** @param address to bind, or the service's address that connections were dialled to */
export function listenerName(address: string, port: number): string {
  return `${address}_${port}`;
}

function isPort(text: string): boolean {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535;
}
