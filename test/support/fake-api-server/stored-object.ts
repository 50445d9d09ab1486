/** Objects as the server keeps them: without apiVersion and kind, which depend on how they are asked for. */

export interface ManagedFields {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly time: string;
  readonly fieldsType: 'FieldsV1';
  readonly fieldsV1: Json;
  readonly subresource?: string;
}

export interface StoredMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly managedFields?: readonly ManagedFields[];
  readonly [other: string]: unknown;
}

export interface StoredObject {
  readonly metadata: StoredMetadata;
  readonly [field: string]: unknown;
}

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The JSON object below a field; an empty one where there is none. */
export function within(object: Json, ...path: readonly string[]): Json {
  let found: unknown = object;
  for (const field of path) found = isJson(found) ? found[field] : undefined;
  return isJson(found) ? found : {};
}

/** `namespace/name`, or the name alone: the order of these is the order of lists. */
export function objectKey(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

export function keyOf({ metadata }: StoredObject): string {
  return objectKey(metadata.namespace, metadata.name);
}
