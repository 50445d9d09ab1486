import type { ProxyView } from '../app/proxy-view.ts';
import { messageOf } from '../xds/fragment.ts';
import { toJson, type Json } from '../xds/json.ts';
import { resourceTypeByName } from '../xds/resource-types.ts';
import type { Resource } from '../xds/resources.ts';
import { invariant } from '../incremental/invariant.ts';

/** What `weir translate` prints. The fields of every message are in the order of their numbers. */
export interface Translation {
  readonly clusters: readonly Json[];
  readonly endpoints: readonly Json[];
  readonly listeners: readonly Json[];
  readonly routes: readonly Json[];
  readonly secrets: readonly Json[];
}

/** Decodes the bytes that the proxy would be sent. */
export function translation({ cluster, endpoints, listener, routes }: ProxyView): Translation {
  return {
    clusters: cluster.map(jsonOf),
    endpoints: endpoints.map(jsonOf),
    listeners: listener.map(jsonOf),
    routes: routes.map(jsonOf),
    // No resource refers to a secret yet.
    secrets: [],
  };
}

function jsonOf(resource: Resource): Json {
  const message = resourceTypeByName(resource.type)?.message;
  invariant(message !== undefined, `a resource has a type: ${resource.type}`);
  return toJson(message, messageOf(resource));
}
