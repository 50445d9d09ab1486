import { isDeepStrictEqual } from 'node:util';
import { equalShards } from '../../model/endpoint.ts';
import { successors, type SourceRow } from '../source-row.ts';
import type { FollowedKind } from './followed-kinds.ts';
import { isMapping, type ObjectContext } from './objects/object-rows.ts';
import type { Reading } from './objects/violations.ts';
import type { RawObject, Reflected } from './reflector/reflected.ts';
import type { SharedText } from './shared-text.ts';

/** What is kept of an object: which it is, and the rows that it became. Of what the server sent nothing else is left (K74). */
export interface KeptObject extends Reflected {
  /** Of an object that is refused: what its author is told is about this one. undefined: the server gives none. */
  readonly generation?: number;
  readonly outcome: Reading<readonly SourceRow[]>;
}

/**
 * Reads an object as the server sent it.
 *
 * @param before the rows that it became before; those that came out as they were are the same objects again
 */
export function keepObject(
  kind: FollowedKind,
  object: RawObject,
  context: ObjectContext,
  shared: SharedText,
  before: (key: string) => readonly SourceRow[],
): KeptObject {
  const { outcome } = kind.read(object, context);
  const identity = identityOf(object);
  if (outcome.kind === 'invalid') return { ...identity, ...generationOf(object), outcome };
  const rows = outcome.value.map((row) => shared.row(row));
  return { ...identity, outcome: { kind: 'valid', value: successors(before(identity.key), rows, unlessEqual) } };
}

/** Key, uid and version of any object that a server sent. */
export function identityOf({ metadata }: RawObject): Reflected {
  const { namespace, name, uid, resourceVersion } = isMapping(metadata) ? metadata : {};
  return {
    key: namespace === undefined ? textOf(name) : `${textOf(namespace)}/${textOf(name)}`,
    uid: textOf(uid),
    resourceVersion: textOf(resourceVersion),
  };
}

function generationOf({ metadata }: RawObject): Pick<KeptObject, 'generation'> {
  const generation = isMapping(metadata) ? metadata['generation'] : undefined;
  return typeof generation === 'number' ? { generation } : {};
}

/** Namespace and name in a key. */
export function partsOfKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, Math.max(slash, 0)), name: key.slice(slash + 1) };
}

function unlessEqual(old: SourceRow, next: SourceRow): SourceRow {
  if (old.kind === 'shard' && next.kind === 'shard') return equalShards(old.row, next.row) ? old : next;
  return isDeepStrictEqual(old.row, next.row) ? old : next;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
