import type { Table } from '../incremental/definitions.ts';

/** For what stands between a source and the tables: is this the table that concerns it? */

/** The row, where it is one of the table that is wanted. */
export function rowOf<Key extends string, Row>(wanted: Table<Key, Row>, table: object, row: unknown): Row | undefined {
  return table === wanted ? (row as Row) : undefined;
}

/** The key, where it is one of the table that is wanted. */
export function keyOf<Key extends string, Row>(wanted: Table<Key, Row>, table: object, key: string): Key | undefined {
  return table === wanted ? (key as Key) : undefined;
}
