/**
 * What the engine can be asked about. Definitions are plain constants: all state lives in an `Engine`, so one definition
 * serves any number of engines, and a test makes a fresh world by making a fresh engine.
 */

/** Rows written by sources. A row carries its own key. */
export interface Table<Key extends string, Row> {
  readonly name: string;
  readonly keyOf: (row: Row) => Key;
  /** Whether a written row changes nothing. Default: `Object.is`. */
  readonly equal?: (a: Row, b: Row) => boolean;
}

/** The keys of the rows of one table that carry a value, in ascending order of key. */
export interface Index<Value extends string, Key extends string, Row> {
  readonly name: string;
  readonly table: Table<Key, Row>;
  /** Pure function of the row alone; repeated values count once. */
  readonly valuesOf: (row: Row) => Iterable<Value>;
  /**
   * The values that one of two rows has and the other lacks, for rows with so many values that looking at all of them takes long.
   * Default: found by `valuesOf`.
   */
  readonly difference?: (before: Row, after: Row) => ValueDifference<Value>;
}

/** Repeated values count once. */
export interface ValueDifference<Value extends string> {
  readonly left: Iterable<Value>;
  readonly joined: Iterable<Value>;
}

/** A pure, synchronous function of a key. What it reads is recorded, and it is re-run only when that changed. */
export interface Query<Key extends string, Value> {
  readonly name: string;
  readonly compute: (read: Read, key: Key) => Value;
  /** Whether a new result is the old one; dependents of an equal result are not re-run. Default: `Object.is`. */
  readonly equal?: (a: Value, b: Value) => boolean;
}

/** Reads a row, the keys under an index value, or a query's result. */
export interface Read {
  <Key extends string, Row>(table: Table<Key, Row>, key: Key): Row | undefined;
  <Value extends string, Key extends string, Row>(index: Index<Value, Key, Row>, value: Value): readonly Key[];
  <Key extends string, Value>(query: Query<Key, Value>, key: Key): Value;
}

/** Works out a query's result, and keeps it up to date for a while. */
export type Keep = <Value>(query: Query<string, Value>, key: string) => void;

/** Why rows were changed: named by the source that changed them, with the time at which it heard of the change. */
export interface Cause {
  readonly source: string;
  /** Milliseconds of the monotonic clock (`performance.now()`) at which the source heard of the change. */
  readonly at: number;
}
