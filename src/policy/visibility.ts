import type { Index, Read } from '../incremental/definitions.ts';

/** Which namespaces see an object: `.` its own, `*` all, `~` nobody, or names; nothing said means the mesh's default (policy G3). */

export type ExportTo = readonly string[] | undefined;

/**
 * Whether an object is exported to a namespace (policy G3).
 *
 * @param fallback the mesh's default for objects of this kind
 * @param owner namespace of the object
 */
export function isExportedTo(
  exportTo: ExportTo,
  fallback: readonly string[],
  owner: string,
  namespace: string,
): boolean {
  const targets = exportTo === undefined || exportTo.length === 0 ? fallback : exportTo;
  if (targets.includes('~')) return false;
  return targets.includes('*') || targets.includes(namespace) || (targets.includes('.') && owner === namespace);
}

/**
 * Index values under which an object is found by the namespaces that see it, so that a namespace's objects are a few lookups
 * and an edit that does not touch visibility changes none of them.
 */
export function visibilityValues(exportTo: ExportTo, owner: string): readonly string[] {
  if (exportTo === undefined || exportTo.length === 0) return ['default', `default of ${owner}`];
  if (exportTo.includes('~')) return [];
  if (exportTo.includes('*')) return ['everybody'];
  return exportTo.map((target) => `only ${target === '.' ? owner : target}`);
}

/**
 * Keys of the objects that every namespace sees.
 *
 * @param index by `visibilityValues`
 */
export function keysSeenByEverybody<Key extends string, Row>(
  read: Read,
  index: Index<string, Key, Row>,
  fallback: readonly string[],
): readonly Key[] {
  const declared = read(index, 'everybody');
  if (!fallback.includes('*') || fallback.includes('~')) return declared;
  return joined(declared, read(index, 'default'));
}

/** Keys of the objects that a namespace sees and not everybody does. */
export function keysSeenBy<Key extends string, Row>(
  read: Read,
  index: Index<string, Key, Row>,
  fallback: readonly string[],
  namespace: string,
): readonly Key[] {
  const declared = read(index, `only ${namespace}`);
  if (fallback.includes('*') || fallback.includes('~')) return declared;
  if (fallback.includes(namespace)) return joined(declared, read(index, 'default'));
  return fallback.includes('.') ? joined(declared, read(index, `default of ${namespace}`)) : declared;
}

function joined<Key>(a: readonly Key[], b: readonly Key[]): readonly Key[] {
  if (a.length === 0) return b;
  return b.length === 0 ? a : [...a, ...b];
}

/** Stands for every namespace that nobody names. */
export const anyOtherNamespace = '';

/** Namespaces that see all of some objects, with `anyOtherNamespace` standing for those that none of them names. */
export function sharedAudience(
  objects: readonly { readonly exportTo: ExportTo; readonly namespace: string }[],
  fallback: readonly string[],
): readonly string[] {
  const named = objects.flatMap(({ exportTo, namespace }) => [namespace, ...(exportTo ?? fallback)]);
  const namespaces = new Set([...named.filter((name) => !['*', '.', '~'].includes(name)), anyOtherNamespace]);
  return [...namespaces].filter((namespace) =>
    objects.every((object) => isExportedTo(object.exportTo, fallback, object.namespace, namespace)),
  );
}
