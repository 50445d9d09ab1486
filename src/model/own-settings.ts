/**
 * How routes are delivered: a route configuration as a whole, or, to proxies that take it so, its virtual hosts one by one.
 */
export type RouteDelivery = 'route-configuration' | 'virtual-hosts';

/** Mesh-wide settings that are Weir's own, from whoever runs it: Istio's MeshConfig has no place for them. */
export interface OwnSettings {
  readonly routeDelivery: RouteDelivery;
  /** In which the identities of the mesh are: the first part of every SPIFFE id. */
  readonly trustDomain: string;
}

export const defaultOwnSettings: OwnSettings = { routeDelivery: 'route-configuration', trustDomain: 'cluster.local' };
