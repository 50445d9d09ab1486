import { createHash } from 'node:crypto';
import type { ApiRequest } from '../api/api-client.ts';
import { apiPath } from '../api/api-path.ts';
import { isMapping } from '../objects/object-rows.ts';
import type { ApiResource, RawObject, Reflected, ReflectedSelection } from '../reflector/reflected.ts';

/** The ConfigMap by which the pods of a namespace know the mesh: what it must say, what it says, and who gets one (istio-compat I36). */

export const configMapName = 'istio-ca-root-cert';
/** Under which name Weir owns the two fields that it writes, and nothing else of the ConfigMap. */
const fieldManager = 'weir-root-certificates';
const [entry, label, labelValue] = ['root-cert.pem', 'istio.io/config', 'true'] as const;

export const configMaps: ApiResource = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap' };
export const namespaces: ApiResource = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' };
/** A role that names the one ConfigMap allows this, and no look at any other. */
export const ofThatName: ReflectedSelection = { fieldSelector: `metadata.name=${configMapName}` };

export interface KeptConfigMap extends Reflected {
  readonly namespace: string;
  readonly content: string;
}

export interface KeptNamespace extends Reflected {
  readonly isWanted: boolean;
}

/** Nobody runs there, or what runs there belongs to the nodes. */
const leftAlone: ReadonlySet<string> = new Set(['kube-public', 'kube-node-lease', 'local-path-storage']);

export function keepNamespace(object: RawObject): KeptNamespace {
  const { name, uid, resourceVersion, deletionTimestamp } = metadataOf(object);
  const key = textOf(name);
  const isWanted = deletionTimestamp === undefined && !leftAlone.has(key);
  return { key, uid: textOf(uid), resourceVersion: textOf(resourceVersion), isWanted };
}

/** Keeps a digest only: a bundle is the same thousands of times. */
export function keepConfigMap(object: RawObject): KeptConfigMap {
  const { name, namespace, uid, resourceVersion, labels } = metadataOf(object);
  const data = isMapping(object['data']) ? object['data'] : {};
  const value = isMapping(labels) ? labels[label] : undefined;
  return {
    key: `${textOf(namespace)}/${textOf(name)}`,
    uid: textOf(uid),
    resourceVersion: textOf(resourceVersion),
    namespace: textOf(namespace),
    content: digestOf(textOf(data[entry]), textOf(value)),
  };
}

/** What `KeptConfigMap.content` is where everything is as it should be. @param bundle PEM */
export function wantedContent(bundle: string): string {
  return digestOf(bundle, labelValue);
}

/** Server-side apply: makes the ConfigMap where there is none, and leaves alone what others have in it. */
export function rootRequest(namespace: string, bundle: string): ApiRequest {
  return {
    method: 'PATCH',
    path: apiPath(configMaps, { namespace, name: configMapName }),
    query: { fieldManager, force: 'true' },
    contentType: 'application/apply-patch+yaml',
    body: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace, name: configMapName, labels: { [label]: labelValue } },
      data: { [entry]: bundle },
    },
  };
}

function digestOf(text: string, value: string): string {
  return createHash('sha256').update(`${value}\n${text}`).digest('base64');
}

function metadataOf(object: RawObject): Readonly<Record<string, unknown>> {
  return isMapping(object['metadata']) ? object['metadata'] : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
