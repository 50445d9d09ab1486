import { nearestName } from '../../model/nearest-name.ts';
import type { ReadKind } from '../kubernetes/objects/object-rows.ts';

/** Which kinds of objects files may hold, and what becomes of the others. */

export type KindOfDocument =
  | { readonly kind: 'read'; readonly as: ReadKind; readonly namespaced: boolean }
  /** Its versions are others. */
  | {
      readonly kind: 'other-version';
      readonly as: ReadKind;
      readonly namespaced: boolean;
      readonly versions: readonly string[];
    }
  | { readonly kind: 'config-map' }
  /** Objects of Kubernetes that say nothing about the mesh. */
  | { readonly kind: 'irrelevant' }
  | { readonly kind: 'unknown'; readonly nearest: { readonly apiVersion: string; readonly kind: string } | undefined };

interface Known {
  readonly as: ReadKind;
  readonly group: string;
  readonly kind: string;
  readonly versions: readonly string[];
  readonly namespaced: boolean;
}

/** All versions of a group mean the same (policy G10). */
const istioVersions = ['v1', 'v1beta1', 'v1alpha3'];
const securityVersions = ['v1', 'v1beta1'];

const knownKinds: readonly Known[] = [
  known('Service', ['v1']),
  known('Endpoints', ['v1']),
  known('Pod', ['v1']),
  known('Node', ['v1'], false),
  known('Namespace', ['v1'], false),
  known('discovery.k8s.io/EndpointSlice', ['v1']),
  known('networking.istio.io/VirtualService', istioVersions),
  known('networking.istio.io/DestinationRule', istioVersions),
  known('networking.istio.io/ServiceEntry', istioVersions),
  known('networking.istio.io/WorkloadEntry', istioVersions),
  known('security.istio.io/AuthorizationPolicy', securityVersions),
  known('security.istio.io/PeerAuthentication', securityVersions),
  known('security.istio.io/RequestAuthentication', securityVersions),
  known('mesh.istio.io/MeshConfig', ['v1alpha1']),
];

function known(as: ReadKind, versions: readonly string[], namespaced = true): Known {
  const slash = as.indexOf('/');
  return { as, group: as.slice(0, Math.max(slash, 0)), kind: as.slice(slash + 1), versions, namespaced };
}

/** The other kinds of the core group. */
const irrelevantCoreKinds: ReadonlySet<string> = new Set([
  'Binding',
  'ComponentStatus',
  'Event',
  'LimitRange',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'PodTemplate',
  'ReplicationController',
  'ResourceQuota',
  'Secret',
  'ServiceAccount',
]);

/** Groups of Kubernetes of which no kind says anything about the mesh, so that not even a typing error in one matters. */
const irrelevantGroups: ReadonlySet<string> = new Set([
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
  'apps',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'coordination.k8s.io',
  'events.k8s.io',
  'extensions',
  'flowcontrol.apiserver.k8s.io',
  'internal.apiserver.k8s.io',
  'kustomize.config.k8s.io',
  'metrics.k8s.io',
  'networking.k8s.io',
  'node.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'resource.k8s.io',
  'scheduling.k8s.io',
  'snapshot.storage.k8s.io',
  'storage.k8s.io',
  'storagemigration.k8s.io',
]);

/** What to do with a document of an API version and a kind. */
export function kindOfDocument(apiVersion: string, kind: string): KindOfDocument {
  const slash = apiVersion.indexOf('/');
  const group = apiVersion.slice(0, Math.max(slash, 0));
  const version = apiVersion.slice(slash + 1);
  const match = knownKinds.find((candidate) => candidate.kind === kind && candidate.group === group);
  if (match !== undefined) {
    const { as, namespaced, versions } = match;
    if (versions.includes(version)) return { kind: 'read', as, namespaced };
    return { kind: 'other-version', as, namespaced, versions: versions.map((name) => apiVersionOf(match, name)) };
  }
  if (apiVersion === 'v1' && kind === 'ConfigMap') return { kind: 'config-map' };
  if (irrelevantGroups.has(group) || (apiVersion === 'v1' && irrelevantCoreKinds.has(kind))) {
    return { kind: 'irrelevant' };
  }
  return { kind: 'unknown', nearest: nearestKind(kind) };
}

/** A right kind in a wrong group counts as near: `VirtualService` of `networking.istio.oi`. */
function nearestKind(kind: string): { readonly apiVersion: string; readonly kind: string } | undefined {
  const name = nearestName(
    kind,
    knownKinds.map((candidate) => candidate.kind),
  );
  const match = knownKinds.find((candidate) => candidate.kind === name);
  return match === undefined
    ? undefined
    : { apiVersion: apiVersionOf(match, match.versions[0] ?? ''), kind: match.kind };
}

function apiVersionOf({ group }: Known, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

/** For messages. */
export const readableKinds: readonly string[] = knownKinds.map(({ kind }) => kind);
