import type { ScopedType } from '../model/scope.ts';
import { frameAbsence } from './fragment.ts';
import { typeUrlOf, type TypeName } from './proto.ts';
import type { Resource } from './resources.ts';

/** The types of resources that Weir serves, as data: every rule that says "only clusters and listeners" reads a column of it. */

export type ResourceTypeName = ScopedType | 'secret' | 'extension' | 'runtime';

export interface ResourceType {
  readonly name: ResourceTypeName;
  readonly message: TypeName;
  readonly typeUrl: string;
  /** Additions are sent in ascending order, removals in descending order (xds-protocol X55). */
  readonly rank: number;
  /** State of the world: a response holds everything, and what it leaves out is gone. Others may be partial. */
  readonly fullState: boolean;
  /** An empty first request asks for everything. For the other types it asks for nothing (xds-protocol X105). */
  readonly wildcardWhenEmpty: boolean;
  /** Delta: that a resource was deleted is said. For the others only an asked name that does not exist is answered. */
  readonly removalIsSent: boolean;
  /** Delta: what a client gets that asked for a name that does not exist; undefined: it hears that the name was removed. */
  readonly absence: ((name: string) => Resource) | undefined;
  /** A resource belongs to one stream: nothing that streams share may ever hold it (reliability S5). */
  readonly isPrivate: boolean;
}

/** A type as a subscription needs it: a row of the table, or one made for a type that Weir does not serve. */
export type SubscribedType = Omit<ResourceType, 'name' | 'message'> & { readonly name: string };

/**
 * Virtual hosts are pushed to a proxy that asks for none by name: all that its scope has, which is nothing where route configurations are
 * delivered whole (X310). So a deleted one has to be said, too.
 */
const virtualHosts: ResourceType = {
  ...row('virtualHosts', 'envoy.config.route.v3.VirtualHost', 5, true),
  fullState: false,
  // A removal would leave the request waiting for which Envoy has asked (X312).
  absence: (name) => ({ type: 'virtualHosts', name, ...frameAbsence(name), children: [], provenance: [] }),
};

/** xds-protocol X107, in ascending order of rank. */
export const resourceTypes: readonly ResourceType[] = [
  row('cluster', 'envoy.config.cluster.v3.Cluster', 1, true),
  row('endpoints', 'envoy.config.endpoint.v3.ClusterLoadAssignment', 2, false),
  // Ranks are those of the specification, where secrets follow right after what refers to them.
  { ...row('secret', 'envoy.extensions.transport_sockets.tls.v3.Secret', 2.5, false), isPrivate: true },
  row('listener', 'envoy.config.listener.v3.Listener', 3, true),
  // Extension configurations (ECDS) and layers of runtime values (RTDS): asked for by name, and there are none yet.
  row('extension', 'envoy.config.core.v3.TypedExtensionConfig', 3.5, false),
  row('routes', 'envoy.config.route.v3.RouteConfiguration', 4, false),
  virtualHosts,
  row('runtime', 'envoy.service.runtime.v3.Runtime', 6, false),
];

const scopedTypes: Readonly<Record<ScopedType, true>> = {
  cluster: true,
  endpoints: true,
  listener: true,
  routes: true,
  virtualHosts: true,
};

/**
 * How an application does, as an Istio agent tells it: no subscription, which has no response, and may come before the Envoy has said who it is
 * (istio-compat I84).
 */
export const agentHealth = 'type.googleapis.com/istio.v1.HealthInformation';

const byTypeUrl: ReadonlyMap<string, ResourceType> = new Map(resourceTypes.map((type) => [type.typeUrl, type]));
const byName: ReadonlyMap<string, ResourceType> = new Map(resourceTypes.map((type) => [type.name, type]));

/** undefined: Weir does not serve the type. */
export function resourceTypeByUrl(typeUrl: string): ResourceType | undefined {
  return byTypeUrl.get(typeUrl);
}

/** undefined: there is no type of that name. */
export function resourceTypeByName(name: string): ResourceType | undefined {
  return byName.get(name);
}

/** Whether a proxy's view of the type is made of scopes. There is nothing of the other types. */
export function isScopedType(name: string): name is ScopedType {
  return Object.hasOwn(scopedTypes, name);
}

/** Types that Weir does not serve exist nowhere: delta clients hear so for each name, SotW clients hear nothing (X5). */
export function unservedType(typeUrl: string): SubscribedType {
  return {
    name: 'unserved',
    typeUrl,
    rank: Infinity,
    fullState: false,
    wildcardWhenEmpty: false,
    removalIsSent: false,
    absence: undefined,
    isPrivate: false,
  };
}

/** Clusters and listeners are whole sets to Envoy; everything else is looked up by name. */
function row(name: ResourceTypeName, message: TypeName, rank: number, isWholeSet: boolean): ResourceType {
  return {
    name,
    message,
    typeUrl: typeUrlOf(message),
    rank,
    fullState: isWholeSet,
    wildcardWhenEmpty: isWholeSet,
    removalIsSent: isWholeSet,
    absence: undefined,
    isPrivate: false,
  };
}
