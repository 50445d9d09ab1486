import { readMeshConfigMap, pathInConfigMap } from './objects/mesh-config-map.ts';
import { readRows, type ObjectContext, type ObjectRows, type ReadKind } from './objects/object-rows.ts';
import type { ApiResource, RawObject } from './reflector/reflected.ts';

/** Which kinds of objects are followed on an API server, and what is read of them. */

export interface FollowedKind {
  /** As references name it: `group/Kind`; the bare kind in the core group. */
  readonly name: string;
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  /** That can be read, the preferred one first; all versions of a group mean the same (policy G10). */
  readonly versions: readonly [string, ...string[]];
  readonly namespaced: boolean;
  /** Leaves objects out at the server. */
  readonly fieldSelector?: string;
  readonly read: (object: RawObject, context: ObjectContext) => ObjectRows;
}

/** What no mesh can do without, save pods, for which nothing waits (K73). */
export const basicKinds: readonly FollowedKind[] = [
  kindOf('Namespace', 'namespaces', ['v1'], { namespaced: false }),
  kindOf('Service', 'services', ['v1']),
  kindOf('discovery.k8s.io/EndpointSlice', 'endpointslices', ['v1']),
  kindOf('Node', 'nodes', ['v1'], { namespaced: false }),
];

/** Pods that have finished are left out at the server: their addresses may be somebody else's (K72). */
export const podKind: FollowedKind = kindOf('Pod', 'pods', ['v1'], {
  fieldSelector: 'status.phase!=Failed,status.phase!=Succeeded',
});

const istioVersions = ['v1', 'v1beta1', 'v1alpha3'] as const;
const securityVersions = ['v1', 'v1beta1'] as const;

/** What exists only where its CustomResourceDefinition does. */
export const definedKinds: readonly FollowedKind[] = [
  kindOf('networking.istio.io/VirtualService', 'virtualservices', istioVersions),
  kindOf('networking.istio.io/DestinationRule', 'destinationrules', istioVersions),
  kindOf('networking.istio.io/ServiceEntry', 'serviceentries', istioVersions),
  kindOf('networking.istio.io/WorkloadEntry', 'workloadentries', istioVersions),
  kindOf('security.istio.io/AuthorizationPolicy', 'authorizationpolicies', securityVersions),
  kindOf('security.istio.io/PeerAuthentication', 'peerauthentications', securityVersions),
  kindOf('security.istio.io/RequestAuthentication', 'requestauthentications', securityVersions),
];

/** The ConfigMap that holds the settings of the mesh. */
export function meshConfigMapKind(name: string): FollowedKind {
  return {
    name: 'ConfigMap',
    group: '',
    kind: 'ConfigMap',
    plural: 'configmaps',
    versions: ['v1'],
    namespaced: true,
    fieldSelector: `metadata.name=${name}`,
    read(object, context) {
      const rows = readMeshConfigMap(object, context);
      if (rows.identity === undefined || rows.outcome.kind === 'valid') return rows;
      const violations = rows.outcome.violations.map((each) => ({ ...each, path: pathInConfigMap(each.path) }));
      return { identity: rows.identity, outcome: { kind: 'invalid', violations } };
    },
  };
}

export const definitionResource: ApiResource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
};

/** `pods`, `virtualservices.networking.istio.io`: a kind as its definition and rules of access call it. */
export function resourceName({ plural, group }: Pick<ApiResource, 'plural' | 'group'>): string {
  return group === '' ? plural : `${plural}.${group}`;
}

function kindOf(
  name: ReadKind,
  plural: string,
  versions: FollowedKind['versions'],
  options: { readonly namespaced?: boolean; readonly fieldSelector?: string } = {},
): FollowedKind {
  const slash = name.indexOf('/');
  const { namespaced = true, ...selection } = options;
  return {
    name,
    group: name.slice(0, Math.max(slash, 0)),
    kind: name.slice(slash + 1),
    plural,
    versions,
    namespaced,
    ...selection,
    read: (object, context) => readRows(name, object, namespaced, context),
  };
}
