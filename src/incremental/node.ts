import { ReadFailure } from './commit.ts';
import type { Read } from './definitions.ts';
import { invariant } from './invariant.ts';
import type { IndexState, TableState } from './table-state.ts';
import type { Dependents } from './dependents.ts';

/**
 * The graph: what was read (rows, index values, results) and who read it. There are hundreds of thousands of nodes, so they
 * hold no closures, an edge is one slot on each side, and fields stay few.
 */

/** A definition with its type parameters forgotten. Methods, because their parameters are compared both ways. */
export interface ErasedQuery {
  readonly name: string;
  compute(read: Read, key: string): unknown;
  equal?(a: unknown, b: unknown): boolean;
}

/** The value of a query that has never had a result; `undefined` is a result. */
export const noResult = Symbol('no result');

/** One row of a table, present or read in vain. */
export class RowNode {
  readonly source: TableState;
  readonly key: string;
  /** undefined: there is no such row, but somebody asked. */
  value: unknown = undefined;
  /** Sequence of the commit that last changed the value. */
  changedAt = 0;
  dependents: Dependents = undefined;

  constructor(source: TableState, key: string) {
    this.source = source;
    this.key = key;
  }
}

/** The keys under one value of an index, for those who read it. */
export class IndexNode {
  readonly source: IndexState;
  readonly key: string;
  /** Sequence of the commit that last changed the value, since somebody reads it. */
  changedAt = 0;
  dependents: Dependents = undefined;

  constructor(source: IndexState, key: string) {
    this.source = source;
    this.key = key;
  }

  /** Sorted. */
  get value(): readonly string[] {
    return this.source.valueAt(this.key);
  }
}

/**
 * `clean`: up to date. `suspect`: something behind its reads changed, perhaps without effect on them. `stale`: a read changed.
 * `active`: being brought up to date right now; whoever reads it meanwhile closes a circle.
 */
export const State = { clean: 0, suspect: 1, stale: 2, active: 3 } as const;
export type State = (typeof State)[keyof typeof State];

/** One key of one query. */
export class QueryNode {
  readonly source: QueryState;
  readonly key: string;
  /** The result, the last good one while `failure` is set, or `noResult`. */
  value: unknown = noResult;
  /** Sequence of the commit that last changed the value, or as of which it was first computed. */
  changedAt = 0;
  dependents: Dependents = undefined;
  state: State = State.stale;
  /** What the last run read, each once, in order of first reading. */
  reads: readonly Node[] = [];
  failure: Error | undefined = undefined;

  constructor(source: QueryState, key: string) {
    this.source = source;
    this.key = key;
  }
}

/** All that an engine holds of one query. */
export class QueryState {
  readonly kind = 'query';
  readonly definition: ErasedQuery;
  readonly nodes = new Map<string, QueryNode>();
  runs = 0;

  constructor(definition: ErasedQuery) {
    this.definition = definition;
  }

  nodeOf(key: string): QueryNode {
    let node = this.nodes.get(key);
    if (node === undefined) this.nodes.set(key, (node = new QueryNode(this, key)));
    return node;
  }
}

/** A watch is a dependent like any other, so that marking finds it and sweeping spares what it reaches. */
export class WatchNode {
  readonly node: QueryNode;
  /** Rises with every watch: the order in which listeners run. */
  readonly order: number;
  readonly listener: (value: never, commit: never) => void;
  readonly #onStop: (watch: WatchNode) => void;
  stopped = false;

  /** @param onStop one function for all watches: a closure each would weigh more than the watch */
  constructor(
    node: QueryNode,
    order: number,
    listener: (value: never, commit: never) => void,
    onStop: (watch: WatchNode) => void,
  ) {
    this.node = node;
    this.order = order;
    this.listener = listener;
    this.#onStop = onStop;
  }

  get value(): unknown {
    return resultOf(this.node);
  }

  get failure(): Error | undefined {
    return this.node.failure;
  }

  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.#onStop(this);
  }
}

export type Node = RowNode | IndexNode | QueryNode;
export type Dependent = QueryNode | WatchNode;

/** @throws ReadFailure when the query fails and never had a result */
export function resultOf(node: QueryNode): unknown {
  if (node.value !== noResult) return node.value;
  invariant(node.failure !== undefined, 'a refreshed query has a result or a failure');
  throw new ReadFailure(node.source.definition.name, node.key, node.failure);
}

/** `query(key)`, as failures and cycles name it. */
export function nameOfNode(node: QueryNode): string {
  return `${node.source.definition.name}(${node.key})`;
}
