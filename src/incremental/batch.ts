import type { RowChange } from './commit.ts';
import type { ValueDifference } from './definitions.ts';
import type { IndexNode, RowNode } from './node.ts';
import type { ErasedIndex, IndexState, TableState } from './table-state.ts';

/**
 * From the writes of a batch to changed rows and index values. Writes are collected and carried out at the end, so that a batch
 * that throws has changed nothing, and everything that may throw (equality, index functions) is called before the first change.
 */

export interface RowWrite {
  readonly table: TableState;
  readonly key: string;
  /** undefined: remove. */
  readonly row: unknown;
}

/** What will change, worked out and not yet done. */
export interface Plan {
  readonly rows: readonly {
    readonly table: TableState;
    readonly key: string;
    readonly before: unknown;
    readonly after: unknown;
  }[];
  /** Per index and value: the keys that join (true) and leave (false). */
  readonly members: ReadonlyMap<IndexState, ReadonlyMap<string, ReadonlyMap<string, boolean>>>;
}

/** Reduces writes to net changes: the last write of a key counts, and only if it differs from what is there. */
export function planWrites(writes: readonly RowWrite[]): Plan {
  const rows: Plan['rows'][number][] = [];
  const members = new Map<IndexState, Map<string, Map<string, boolean>>>();
  for (const [table, lastByKey] of lastWrites(writes)) {
    for (const [key, after] of lastByKey) {
      const before = table.nodes.get(key)?.value;
      if (
        before === after ||
        (before !== undefined && after !== undefined && table.definition.equal?.(before, after) === true)
      )
        continue;
      rows.push({ table, key, before, after });
      for (const index of table.indexes) planMembership(members, index, key, before, after);
    }
  }
  return { rows, members };
}

function lastWrites(writes: readonly RowWrite[]): ReadonlyMap<TableState, ReadonlyMap<string, unknown>> {
  const byTable = new Map<TableState, Map<string, unknown>>();
  for (const { table, key, row } of writes) {
    let byKey = byTable.get(table);
    if (byKey === undefined) byTable.set(table, (byKey = new Map()));
    byKey.set(key, row);
  }
  return byTable;
}

function planMembership(
  members: Map<IndexState, Map<string, Map<string, boolean>>>,
  index: IndexState,
  key: string,
  before: unknown,
  after: unknown,
): void {
  const note = (value: string, joins: boolean): void => {
    let byValue = members.get(index);
    if (byValue === undefined) members.set(index, (byValue = new Map()));
    let byKey = byValue.get(value);
    if (byKey === undefined) byValue.set(value, (byKey = new Map()));
    byKey.set(key, joins);
  };
  const { left, joined } = differenceOf(index.definition, before, after);
  for (const value of left) note(value, false);
  for (const value of joined) note(value, true);
}

function differenceOf(index: ErasedIndex, before: unknown, after: unknown): ValueDifference<string> {
  if (before !== undefined && after !== undefined && index.difference !== undefined) {
    return index.difference(before, after);
  }
  const valuesBefore = before === undefined ? [] : [...index.valuesOf(before)];
  const valuesAfter = after === undefined ? [] : [...index.valuesOf(after)];
  return { left: missingIn(valuesAfter, valuesBefore), joined: missingIn(valuesBefore, valuesAfter) };
}

const fewValues = 8;

function missingIn(others: readonly string[], values: readonly string[]): readonly string[] {
  if (others.length <= fewValues) return values.filter((value) => !others.includes(value));
  const known = new Set(others);
  return values.filter((value) => !known.has(value));
}

/** Carries a plan out. Gives the nodes that changed; cannot fail. */
export function applyPlan(plan: Plan, sequence: number): readonly (RowNode | IndexNode)[] {
  const changed: (RowNode | IndexNode)[] = [];
  for (const { table, key, after } of plan.rows) {
    const node = table.nodeOf(key);
    node.value = after;
    node.changedAt = sequence;
    changed.push(node);
  }
  for (const [index, byValue] of plan.members) {
    for (const [value, byKey] of byValue) {
      index.setKeys(value, mergeMembers(index.valueAt(value), byKey));
      const node = index.nodes.get(value);
      if (node === undefined) continue;
      node.changedAt = sequence;
      changed.push(node);
    }
  }
  return changed;
}

/** One pass over a sorted list, so that ten thousand keys joining at once cost one copy and not ten thousand. */
function mergeMembers(keys: readonly string[], changes: ReadonlyMap<string, boolean>): readonly string[] {
  const joining: string[] = [];
  for (const [key, joins] of changes) if (joins) joining.push(key);
  joining.sort();
  const merged: string[] = [];
  let next = 0;
  for (const key of keys) {
    for (let joiner = joining[next]; joiner !== undefined && joiner < key; joiner = joining[++next])
      merged.push(joiner);
    if (changes.get(key) !== false) merged.push(key);
  }
  for (; next < joining.length; next++) merged.push(joining[next] as string);
  // A copy has no spare slots; an array that grew by pushing has up to sixteen, and most values have one key.
  return merged.slice();
}

export function changesOf(plan: Plan): readonly RowChange[] {
  return plan.rows.map(({ table, key, before, after }) => ({
    table: table.definition.name,
    key,
    kind: before === undefined ? 'added' : after === undefined ? 'removed' : 'updated',
  }));
}
