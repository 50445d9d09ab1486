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

export class TableState {
  readonly kind = 'table';
  /** What reading a row that is not there gives. */
  readonly blank = undefined;
  readonly definition: ErasedTable;
  readonly nodes = new Map<string, RowNode>();
  /** Those that somebody has read: an index costs nothing before. */
  readonly indexes: IndexState[] = [];

  constructor(definition: ErasedTable) {
    this.definition = definition;
  }

  nodeOf(key: string): RowNode {
    let node = this.nodes.get(key);
    if (node === undefined) this.nodes.set(key, (node = new RowNode(this, key)));
    return node;
  }
}

export class IndexState {
  readonly kind = 'index';
  /** What reading a value that no row has gives. */
  readonly blank: readonly string[] = [];
  readonly definition: ErasedIndex;
  readonly nodes = new Map<string, IndexNode>();

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
    for (const [value, keys] of keysByValue) this.nodeOf(value).value = keys.sort();
    table.indexes.push(this);
  }

  nodeOf(value: string): IndexNode {
    let node = this.nodes.get(value);
    if (node === undefined) this.nodes.set(value, (node = new IndexNode(this, value)));
    return node;
  }
}
