import type { Schema } from './schema.ts';
import { isJson, type Json, type StoredObject } from './stored-object.ts';

/** A kind of object that the server serves. */
export interface ServedResource {
  /** `plural.group`, or the plural of a core kind: the words of error messages. */
  readonly id: string;
  readonly group: string;
  readonly versions: readonly string[];
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Whether `/status` is written apart from the rest. */
  readonly statusApart: boolean;
  /** Whether changes outside metadata and status are counted in `metadata.generation`. */
  readonly counted: boolean;
  /** Whether a PUT may come without a resourceVersion. */
  readonly unconditional: boolean;
  /** Paths by which a field selector may select, beside name and namespace. */
  readonly selectable: readonly string[];
  /** Of a custom kind, by version. */
  readonly schemas?: Readonly<Record<string, Schema>>;
}

interface Traits {
  readonly clusterWide?: boolean;
  readonly statusApart?: boolean;
  readonly counted?: boolean;
  readonly conditional?: boolean;
  readonly selectable?: readonly string[];
}

function builtIn(groupVersion: string, plural: string, kind: string, traits: Traits = {}): ServedResource {
  const [group, version] = groupVersion.includes('/') ? groupVersion.split('/') : ['', groupVersion];
  return {
    id: group === '' ? plural : `${plural}.${group}`,
    group: group ?? '',
    versions: [version ?? ''],
    plural,
    kind,
    namespaced: traits.clusterWide !== true,
    statusApart: traits.statusApart === true,
    counted: traits.counted === true,
    unconditional: traits.conditional !== true,
    selectable: traits.selectable ?? [],
  };
}

export const namespaces = builtIn('v1', 'namespaces', 'Namespace', {
  clusterWide: true,
  statusApart: true,
  selectable: ['status.phase'],
});
export const pods = builtIn('v1', 'pods', 'Pod', {
  statusApart: true,
  counted: true,
  selectable: ['spec.nodeName', 'spec.serviceAccountName', 'spec.restartPolicy', 'status.phase', 'status.podIP'],
});
export const services = builtIn('v1', 'services', 'Service', {
  statusApart: true,
  selectable: ['spec.clusterIP', 'spec.type'],
});
export const serviceAccounts = builtIn('v1', 'serviceaccounts', 'ServiceAccount');
export const leases = builtIn('coordination.k8s.io/v1', 'leases', 'Lease', { conditional: true });
export const definitions = builtIn('apiextensions.k8s.io/v1', 'customresourcedefinitions', 'CustomResourceDefinition', {
  clusterWide: true,
  statusApart: true,
  counted: true,
  conditional: true,
});

const inEveryCluster: readonly ServedResource[] = [
  namespaces,
  pods,
  services,
  serviceAccounts,
  leases,
  definitions,
  builtIn('v1', 'nodes', 'Node', { clusterWide: true, statusApart: true, selectable: ['spec.unschedulable'] }),
  builtIn('v1', 'secrets', 'Secret', { selectable: ['type'] }),
  builtIn('v1', 'configmaps', 'ConfigMap'),
  builtIn('discovery.k8s.io/v1', 'endpointslices', 'EndpointSlice', { counted: true }),
  builtIn('apps/v1', 'deployments', 'Deployment', { statusApart: true, counted: true }),
  ...['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'].map((kind) =>
    builtIn('admissionregistration.k8s.io/v1', `${kind.toLowerCase()}s`, kind, { clusterWide: true, counted: true }),
  ),
];

/** Which kinds are served: the built-in ones, and those that a CustomResourceDefinition has established. */
export class Resources {
  readonly #byId = new Map(inEveryCluster.map((resource) => [resource.id, resource]));

  all(): readonly ServedResource[] {
    return [...this.#byId.values()];
  }

  find(group: string, version: string, plural: string): ServedResource | undefined {
    const found = this.#byId.get(group === '' ? plural : `${plural}.${group}`);
    return found?.versions.includes(version) === true ? found : undefined;
  }

  serve(resource: ServedResource): void {
    this.#byId.set(resource.id, resource);
  }

  remove(id: string): void {
    this.#byId.delete(id);
  }
}

/** What a CustomResourceDefinition defines. */
export function definedResource(definition: StoredObject): ServedResource {
  const spec = definition['spec'] as {
    readonly group: string;
    readonly scope: 'Namespaced' | 'Cluster';
    readonly names: { readonly plural: string; readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly schema?: { readonly openAPIV3Schema?: Schema };
      readonly subresources?: Json;
      readonly selectableFields?: readonly { readonly jsonPath: string }[];
    }[];
  };
  const served = spec.versions.filter((version) => version.served);
  return {
    id: `${spec.names.plural}.${spec.group}`,
    group: spec.group,
    versions: served.map(({ name }) => name),
    plural: spec.names.plural,
    kind: spec.names.kind,
    namespaced: spec.scope === 'Namespaced',
    statusApart: served.some(({ subresources }) => isJson(subresources?.['status'])),
    counted: true,
    unconditional: false,
    selectable: served.flatMap(({ selectableFields = [] }) =>
      selectableFields.map(({ jsonPath }) => jsonPath.slice(1)),
    ),
    schemas: Object.fromEntries(served.map(({ name, schema }) => [name, schema?.openAPIV3Schema ?? {}])),
  };
}

export function apiVersionOf({ group }: ServedResource, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

/** The object as it is sent to somebody who asked for this version. */
export function presented(resource: ServedResource, version: string, object: StoredObject): Json {
  return { apiVersion: apiVersionOf(resource, version), kind: resource.kind, ...object };
}
