import type { Cause, Table } from './definitions.ts';

/** What crosses the engine's door: changes in, commits, watches and failures out. */

/** Changes rows inside a batch. What is read meanwhile is still the state of the last commit. */
export interface Write {
  /** Adds the row, or replaces the one with its key; nothing when the table calls them equal. */
  put<Key extends string, Row>(table: Table<Key, Row>, row: Row): void;
  /** Removes the row; nothing when there is none. */
  remove<Key extends string, Row>(table: Table<Key, Row>, key: Key): void;
}

export interface RowChange {
  /** Name of the table. */
  readonly table: string;
  readonly key: string;
  readonly kind: 'added' | 'updated' | 'removed';
}

/** What one batch did. */
export interface Commit {
  /** 1 for the first commit of an engine that changed something; one more for each further one. */
  readonly sequence: number;
  readonly cause: Cause;
  /** Net changes: a row put and removed again is not among them. Empty when the batch changed nothing, which is then no commit. */
  readonly changedRows: readonly RowChange[];
  /** Runs of queries that it took to bring the watched ones up to date, by query name. */
  readonly reran: ReadonlyMap<string, number>;
}

/** A watched query: kept up to date by every commit until stopped. */
export interface Watch<Value> {
  /**
   * The result as of the last commit; the last good one while the query fails.
   *
   * @throws ReadFailure when the query fails and never had a result
   */
  readonly value: Value;
  /** Why the query has no current result; undefined while it has. */
  readonly failure: Error | undefined;
  /** Ends the watch; its listener is not called again. Further calls do nothing. */
  stop(): void;
}

/** What was made from a row. */
export interface Consequences {
  /** Sequence of the commit that last changed the row; 0: there is none. */
  readonly changedAt: number;
  readonly keys: readonly string[];
}

/** A bug in a query or in a listener, confined to it. Reported once until it is gone or becomes another. */
export interface QueryFailure {
  readonly kind: 'query' | 'listener';
  /** Name of the query; of the watched query for a listener; `(commit)` for a commit listener. */
  readonly query: string;
  readonly key: string;
  readonly error: Error;
}

/** Thrown to whoever reads a query that fails and never had a result. The query's own error is the `cause`. */
export class ReadFailure extends Error {
  override readonly name = 'ReadFailure';

  constructor(query: string, key: string, cause: Error) {
    super(`${query}(${key}) has no result: ${cause.message}`, { cause });
  }
}

/** A query that needs its own result. */
export class CycleError extends Error {
  override readonly name = 'CycleError';
  /** `query(key)` of each query of the cycle, in reading order; the first is repeated as the last. */
  readonly chain: readonly string[];

  constructor(chain: readonly string[]) {
    super(`queries read each other in a circle: ${chain.join(' -> ')}`);
    this.chain = chain;
  }
}
