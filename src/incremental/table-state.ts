import type { ValueDifference } from './definitions.ts';
import { IndexNode, RowNode } from './node.ts';

/** Rows and indexes of one engine. */

/** A table with its type parameters forgotten. Methods, because their parameters are compared both ways. */
export interface ErasedTable {
  readonly name: string;
  keyOf(row: unknown): string;
  equal?(a: unknown, b: unknown): boolean;
}

/** An index with its type parameters forgotten. */
export interface ErasedIndex {
  readonly name: string;
  readonly table: object;
  valuesOf(row: unknown): Iterable<string>;
  difference?(before: unknown, after: unknown): ValueDifference<string>;
}

/** Most values that are asked for have no rows: one list for all of them. */
const noKeys: readonly string[] = [];

export class TableState {
  readonly kind = 'table';
  readonly definition: ErasedTable;
  readonly nodes = new Map<string, RowNode>();
  /** Those that somebody has read: an index costs nothing before. */
  readonly indexes: IndexState[] = [];

  constructor(definition: ErasedTable) {
    this.definition = definition;
  }

  valueAt(key: string): unknown {
    return this.nodes.get(key)?.value;
  }

  nodeOf(key: string): RowNode {
    let node = this.nodes.get(key);
    if (node === undefined) this.nodes.set(key, (node = new RowNode(this, key)));
    return node;
  }
}

export class IndexState {
  readonly kind = 'index';
  readonly definition: ErasedIndex;
  /** Those that somebody reads. */
  readonly nodes = new Map<string, IndexNode>();
  /** Value -> its keys. Most values have one: an array around it, and a node that nobody reads, would take several times as much. */
  readonly #keys = new Map<string, string | readonly string[]>();

  /** Builds the index from the rows that are there and joins the table's indexes. */
  constructor(definition: ErasedIndex, table: TableState) {
    this.definition = definition;
    const keysByValue = new Map<string, string[]>();
    for (const node of table.nodes.values()) {
      if (node.value === undefined) continue;
      for (const value of new Set(definition.valuesOf(node.value))) {
        const keys = keysByValue.get(value);
        if (keys === undefined) keysByValue.set(value, [node.key]);
        else keys.push(node.key);
      }
    }
    for (const [value, keys] of keysByValue) this.setKeys(value, keys.sort());
    table.indexes.push(this);
  }

  /** Values that rows have. */
  values(): Iterable<string> {
    return this.#keys.keys();
  }

  valueAt(value: string): readonly string[] {
    const keys = this.#keys.get(value);
    if (keys === undefined) return noKeys;
    return typeof keys === 'string' ? [keys] : keys;
  }

  /** @param keys sorted; not changed afterwards, since readers hold them */
  setKeys(value: string, keys: readonly string[]): void {
    const [only] = keys;
    if (only === undefined) this.#keys.delete(value);
    else this.#keys.set(value, keys.length === 1 ? only : keys);
  }

  nodeOf(value: string): IndexNode {
    let node = this.nodes.get(value);
    if (node === undefined) this.nodes.set(value, (node = new IndexNode(this, value)));
    return node;
  }
}
