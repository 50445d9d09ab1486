import { isDeepStrictEqual } from 'node:util';
import {
  fieldAt,
  fieldsOf,
  fieldsV1,
  fromFieldsV1,
  isItem,
  isWithin,
  readable,
  stepsOf,
  withField,
  type FieldPath,
} from './fields.ts';
import { Refusal } from './refusal.ts';
import type { Schema } from './schema.ts';
import { isJson, type Json, type ManagedFields, type StoredObject } from './stored-object.ts';

/** Who writes, and through which door. */
export interface Writer {
  readonly manager: string;
  readonly apiVersion: string;
  readonly subresource: string | undefined;
  /** RFC 3339. */
  readonly time: string;
  readonly schema: Schema | undefined;
}

interface Owner {
  readonly entry: Omit<ManagedFields, 'fieldsV1'>;
  readonly fields: Set<FieldPath>;
}

/**
 * Server-side apply: what this manager applied before and does not apply now goes away, unless somebody else owns it too.
 *
 * @throws Refusal (409) when others own fields that would change, unless forced
 */
export function applied(current: StoredObject, wanted: Json, writer: Writer, force: boolean): StoredObject {
  const owners = ownersOf(current);
  const mine = ownerFor(owners, writer, 'Apply');
  const others = owners.filter((owner) => owner !== mine);
  const fields = fieldsOf(ownable(wanted), writer.schema);
  const lost = [...fields].flatMap(([path, value]) =>
    isPlace(path, value) || isDeepStrictEqual(fieldAt(current, stepsOf(path)), value)
      ? []
      : others.filter((owner) => owner.fields.has(path)).map((owner) => ({ owner, path })),
  );
  if (lost.length > 0 && !force) throw applyConflict(lost);
  for (const { owner, path } of lost) owner.fields.delete(path);
  let result = current;
  for (const path of mine.fields) {
    if (fields.has(path) || others.some((owner) => ownsWithin(owner, path))) continue;
    result = withField(result, stepsOf(path), undefined) as StoredObject;
  }
  for (const [path, value] of fields) {
    if (isPlace(path, value) && fieldAt(result, stepsOf(path)) !== undefined) continue;
    result = withField(result, stepsOf(path), isItem(path) ? {} : value) as StoredObject;
  }
  mine.fields.clear();
  for (const path of fields.keys()) mine.fields.add(path);
  return withOwners(result, owners, mine, writer.time);
}

/** After a write that is no apply: its manager owns what it changed, and nobody owns what it took away. */
export function updated(previous: StoredObject | undefined, next: StoredObject, writer: Writer): StoredObject {
  const owners = ownersOf(previous ?? {});
  const before = fieldsOf(ownable(previous ?? {}), writer.schema);
  const after = fieldsOf(ownable(next), writer.schema);
  const changed = [...after].filter(
    ([path, value]) => !before.has(path) || !isDeepStrictEqual(before.get(path), value),
  );
  const gone = [...before.keys()].filter((path) => !after.has(path));
  if (changed.length === 0 && gone.length === 0) return withOwners(next, owners);
  const mine = ownerFor(owners, writer, 'Update');
  for (const { fields } of owners) {
    for (const path of [...gone, ...changed.map(([path]) => path)]) fields.delete(path);
  }
  for (const [path] of changed) mine.fields.add(path);
  return withOwners(next, owners, mine, writer.time);
}

/** Something that only says that it is there: what is in it may be others'. */
function isPlace(path: FieldPath, value: unknown): boolean {
  return isItem(path) || (isJson(value) && Object.keys(value).length === 0);
}

function ownsWithin({ fields }: Owner, path: FieldPath): boolean {
  return fields.has(path) || [...fields].some((field) => isWithin(field, path));
}

function applyConflict(lost: readonly { readonly owner: Owner; readonly path: FieldPath }[]): Refusal {
  const causes = lost.map(({ owner: { entry }, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with "${entry.manager}" using ${entry.apiVersion}`,
    field: readable(path),
  }));
  const list = causes.map(({ message, field }) => `${message}: ${field}`).join('\n');
  const count = causes.length === 1 ? '1 conflict' : `${causes.length} conflicts`;
  return new Refusal(409, 'Conflict', `Apply failed with ${count}: ${list}`, { causes });
}

/** Names, versions and times are nobody's. */
function ownable({ metadata, apiVersion: _, kind: _kind, ...content }: Json): Json {
  const { labels, annotations, finalizers, ownerReferences } = (metadata ?? {}) as Json;
  return { metadata: { labels, annotations, finalizers, ownerReferences }, ...content };
}

function ownersOf(object: Json): Owner[] {
  const { managedFields = [] } = (object['metadata'] ?? {}) as Partial<StoredObject['metadata']>;
  return managedFields.map(({ fieldsV1: fields, ...entry }) => ({ entry, fields: fromFieldsV1(fields) }));
}

function ownerFor(owners: Owner[], writer: Writer, operation: ManagedFields['operation']): Owner {
  const { manager, apiVersion, subresource, time } = writer;
  const found = owners.find(
    ({ entry }) =>
      entry.manager === manager && entry.operation === operation && (entry.subresource ?? '') === (subresource ?? ''),
  );
  if (found !== undefined) return found;
  const made: Owner = {
    entry: {
      manager,
      operation,
      apiVersion,
      time,
      fieldsType: 'FieldsV1',
      ...(subresource === undefined ? {} : { subresource }),
    },
    fields: new Set(),
  };
  owners.push(made);
  return made;
}

function withOwners(object: StoredObject, owners: readonly Owner[], writer?: Owner, time = ''): StoredObject {
  const managedFields = owners
    .filter(({ fields }) => fields.size > 0)
    .map((owner) => ({
      ...owner.entry,
      ...(owner === writer ? { time } : {}),
      fieldsV1: fieldsV1(owner.fields),
    }));
  return { ...object, metadata: { ...object.metadata, managedFields } };
}
