import { isDeepStrictEqual } from 'node:util';
import type { Write } from '../incremental/commit.ts';
import { keyOfConfig, type ConfigObject } from '../model/config-object.ts';
import type { EndpointShard } from '../model/endpoint.ts';
import type { Origin } from '../model/provenance.ts';
import type { Service } from '../model/service.ts';
import { configs, endpointShards, namespaces, nodes, services, workloads } from '../model/tables.ts';
import type { Namespace, Node, Workload } from '../model/workload.ts';

/** A row of any table that a source of objects fills. */
export type SourceRow =
  | { readonly kind: 'service'; readonly row: Service }
  | { readonly kind: 'shard'; readonly row: EndpointShard }
  | { readonly kind: 'workload'; readonly row: Workload }
  | { readonly kind: 'node'; readonly row: Node }
  | { readonly kind: 'namespace'; readonly row: Namespace }
  | { readonly kind: 'config'; readonly row: ConfigObject };

function putRow(write: Write, { kind, row }: SourceRow): void {
  switch (kind) {
    case 'service':
      return write.put(services, row);
    case 'shard':
      return write.put(endpointShards, row);
    case 'workload':
      return write.put(workloads, row);
    case 'node':
      return write.put(nodes, row);
    case 'namespace':
      return write.put(namespaces, row);
    case 'config':
      return write.put(configs, row);
  }
}

export function removeRow(write: Write, { kind, row }: SourceRow): void {
  switch (kind) {
    case 'service':
      return write.remove(services, row.key);
    case 'shard':
      return write.remove(endpointShards, row.key);
    case 'workload':
      return write.remove(workloads, row.key);
    case 'node':
      return write.remove(nodes, row.key);
    case 'namespace':
      return write.remove(namespaces, row.name);
    case 'config':
      return write.remove(configs, keyOfConfig(row));
  }
}

/** Writes what differs between the rows of an object before and now. A row that is the same object is not written. */
export function replaceRows(write: Write, before: readonly SourceRow[], rows: readonly SourceRow[]): void {
  for (const row of rows) if (!before.some((old) => old.row === row.row)) putRow(write, row);
  for (const old of before) if (!rows.some((row) => isSameKey(old, row))) removeRow(write, old);
}

/**
 * The rows that take the place of others, each the old one of its key where that does as well.
 *
 * @param successor of two rows with one key, the old one first
 */
export function successors(
  before: readonly SourceRow[],
  next: readonly SourceRow[],
  successor: (old: SourceRow, next: SourceRow) => SourceRow,
): readonly SourceRow[] {
  if (before.length === 0) return next;
  return next.map((row) => {
    const old = before.find((candidate) => isSameKey(candidate, row));
    return old === undefined ? row : successor(old, row);
  });
}

function isSameKey(a: SourceRow, b: SourceRow): boolean {
  return a.kind === b.kind && keyOfRow(a) === keyOfRow(b);
}

/** Key of a row within its table. */
function keyOfRow({ kind, row }: SourceRow): string {
  switch (kind) {
    case 'service':
    case 'shard':
    case 'workload':
    case 'node':
      return row.key;
    case 'namespace':
      return row.name;
    case 'config':
      return keyOfConfig(row);
  }
}

/**
 * The row that takes the place of another: the old one where nothing but its place in the file is different, since an edit above a
 * document must not touch what follows from it. The generation of a configuration object rises with its content, even where its author
 * left `metadata.generation` as it was.
 */
export function successorOf(old: SourceRow, next: SourceRow): SourceRow {
  const isSame = isDeepStrictEqual(withoutPlace(old), withoutPlace(next));
  const isInSameFile = originOf(old)?.file === originOf(next)?.file;
  if (old.kind !== 'config' || next.kind !== 'config') return isSame && isInSameFile ? old : next;
  const generation = Math.max(next.row.generation, old.row.generation + (isSame ? 0 : 1));
  if (isSame && isInSameFile && generation === old.row.generation) return old;
  return { kind: 'config', row: { ...next.row, generation } };
}

function originOf({ row }: SourceRow): Origin | undefined {
  if ('origin' in row) return row.origin;
  return 'declaredBy' in row ? row.declaredBy.origin : undefined;
}

/** What an edit above the document, or of the number that its author counts by, does not change. */
function withoutPlace({ row }: SourceRow): unknown {
  if ('origin' in row) return { ...row, origin: undefined, generation: undefined };
  if ('declaredBy' in row) return { ...row, declaredBy: { ...row.declaredBy, origin: undefined } };
  return row;
}
