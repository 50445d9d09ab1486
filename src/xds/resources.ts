import type { Keep, Query, Read } from '../incremental/definitions.ts';
import { compositeKey, partsOf, scopeKey, type ScopeKey } from '../model/keys.ts';
import type { Provenance } from '../model/provenance.ts';
import type { ScopedType } from '../model/scope.ts';
import { equalLists } from '../policy/equality.ts';
import { scopeFacts } from '../policy/scope.ts';
import { invariant } from '../incremental/invariant.ts';
import { frameContent, frameParts, type FramedResource } from './fragment.ts';
import type { MessageTypes } from './generated/envoy-api.ts';
import type { TypeName } from './proto.ts';
import { encodePublishable } from './publishable.ts';
import { isScopedType, type ResourceTypeName } from './resource-types.ts';
import { translateAssignment } from './translate/endpoints.ts';
import { inboundClusterNames, translateInboundCluster } from './translate/inbound-clusters.ts';
import { inboundListenerNames, translateInboundListener } from './translate/inbound-listeners.ts';
import { outboundClusterNames, translateOutboundCluster } from './translate/outbound-clusters.ts';
import { outboundListenerNames, translateOutboundListener } from './translate/outbound-listeners.ts';
import { routeSteps, translateRoutes } from './translate/route-tables.ts';
import { translateVirtualHost, virtualHostNames } from './translate/virtual-hosts.ts';
import type { Translated } from './translate/translated.ts';

/** What proxies are sent: every resource of every scope, as bytes that are made once and shared by all who get them. */

export interface Resource extends FramedResource {
  readonly type: ResourceTypeName;
  readonly name: string;
  /**
   * What Envoy asks for next because of it: the load assignment of a cluster, the route configurations of a listener,
   * the virtual hosts of a route configuration that does not hold them.
   */
  readonly children: readonly string[];
  /** Secrets that it refers to; undefined: none. */
  readonly secrets?: readonly string[];
  /** Milliseconds after which a client that hears nothing more of it drops it; `version` covers it. undefined: never. */
  readonly ttl?: number;
  /** The objects that made it, to name them when a client refuses it. */
  readonly provenance: readonly Provenance[];
}

/**
 * What a client that asks for everything of a type gets, sorted; nothing for types that are asked for by name. The key is
 * `type scope`.
 */
export const resourceNames: Query<string, readonly string[]> = {
  name: 'resourceNames',
  compute(read, key) {
    const [type = '', text = ''] = partsOf(key);
    const scope = scopeKey(text);
    const isInbound = scopeFacts(scope).kind === 'inbound';
    switch (scopedType(type)) {
      case 'cluster':
        return isInbound ? inboundClusterNames(read, scope) : outboundClusterNames(read, scope);
      case 'listener':
        return isInbound ? inboundListenerNames(read, scope) : outboundListenerNames(read, scope);
      case 'virtualHosts':
        return virtualHostNames(read, scope);
      case 'endpoints':
      case 'routes':
        return [];
    }
  },
  equal: equalLists,
};

/**
 * One resource; undefined: there is none of that name. The key is `type scope name`. Fails, and so keeps its last good result,
 * when the result would break a rule of Envoy's (xds-protocol X305).
 */
export const resource: Query<string, Resource | undefined> = {
  name: 'resource',
  compute(read, key) {
    const [type = '', scope = '', name = ''] = partsOf(key);
    return translate(read, scopedType(type), scopeKey(scope), name);
  },
  // What a header of routes refers to changes while its bytes stay.
  equal: (a, b) => a?.version === b?.version && equalLists(a?.children ?? [], b?.children ?? []),
};

/** How a resource is worked out step by step, where it may be large. The key is `type scope name`. */
export function resourceSteps(key: string): ((read: Read, keep: Keep) => Iterable<void>) | undefined {
  const [type = '', scope = '', name = ''] = partsOf(key);
  return type === 'routes' ? (read, keep) => routeSteps(read, keep, scopeKey(scope), name) : undefined;
}

export function resourceNamesKey(type: ScopedType, scope: ScopeKey): string {
  return compositeKey(type, scope);
}

export function resourceKey(type: ScopedType, scope: ScopeKey, name: string): string {
  return compositeKey(type, scope, name);
}

function translate(read: Read, type: ScopedType, scope: ScopeKey, name: string): Resource | undefined {
  const isInbound = scopeFacts(scope).kind === 'inbound';
  switch (type) {
    case 'cluster': {
      const cluster = isInbound
        ? translateInboundCluster(read, scope, name)
        : translateOutboundCluster(read, scope, name);
      return ofMessage(type, 'envoy.config.cluster.v3.Cluster', name, cluster);
    }
    case 'listener': {
      const listener = isInbound
        ? translateInboundListener(read, scope, name)
        : translateOutboundListener(read, scope, name);
      return ofMessage(type, 'envoy.config.listener.v3.Listener', name, listener);
    }
    case 'endpoints': {
      const assignment = translateAssignment(read, scope, name);
      if (assignment === undefined) return undefined;
      return { type, name, ...assignment.framed, children: [], provenance: assignment.provenance };
    }
    case 'routes': {
      const table = translateRoutes(read, scope, name);
      if (table === undefined) return undefined;
      const framed = frameParts('envoy.config.route.v3.RouteConfiguration', name, table.parts);
      return { type, name, ...framed, children: table.children, provenance: table.provenance };
    }
    case 'virtualHosts': {
      const host = translateVirtualHost(read, scope, name);
      if (host === undefined) return undefined;
      const framed = frameParts('envoy.config.route.v3.VirtualHost', name, host.parts);
      return { type, name, ...framed, children: [], provenance: host.provenance };
    }
  }
}

function ofMessage<Name extends TypeName>(
  type: ScopedType,
  messageType: Name,
  name: string,
  translated: Translated<MessageTypes[Name]> | undefined,
): Resource | undefined {
  if (translated === undefined) return undefined;
  const { message, children, secrets = [], provenance } = translated;
  const framed = frameContent(messageType, name, encodePublishable(messageType, message));
  return { type, name, ...framed, children, ...(secrets.length === 0 ? {} : { secrets }), provenance };
}

function scopedType(text: string): ScopedType {
  invariant(isScopedType(text), `not a type of scoped resources: ${text}`);
  return text;
}
