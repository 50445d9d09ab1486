import { applyPlan, changesOf, planWrites, type RowWrite } from './batch.ts';
import type { Commit, Consequences, QueryFailure, Watch, Write } from './commit.ts';
import type { Cause, Index, Query, Read, Table } from './definitions.ts';
import { wrongNodes, type Difference } from './audit.ts';
import { explainNode, type Explanation, type ExplanationLimits } from './explain.ts';
import { errorOf, Graph } from './graph.ts';
import { invariant } from './invariant.ts';
import { IndexNode, noResult, QueryNode, WatchNode, type Node } from './node.ts';
import { statisticsOf, type EngineStatistics } from './statistics.ts';

export interface EngineOptions {
  /**
   * Hears of every bug that was confined to a query or listener, once no query is running, so it may write rows. Without it,
   * the batch in which one appears throws it at its end.
   */
  readonly onFailure?: (failure: QueryFailure) => void;
}

interface Batch {
  readonly cause: Cause;
  readonly writes: RowWrite[];
  /** Filled in when the batch is carried out. */
  readonly commit: { -readonly [Field in keyof Commit]: Commit[Field] };
}

/**
 * Holds rows and keeps the watched results over them up to date. Synchronous; no clock, no I/O.
 *
 * A batch becomes one commit: rows change all at once, exactly the watched queries whose reads changed are run again (and those
 * that they need), then listeners hear of results that differ.
 */
export class Engine {
  /**
   * Reads a row, the keys under an index value, or a result. Inside a query the read is recorded; outside, a watched result is
   * there already and any other is computed and kept until the next commit. During a batch it shows the last commit.
   *
   * @throws ReadFailure when the query fails and never had a result
   */
  readonly read: Read;

  readonly #graph = new Graph();
  readonly #onFailure: ((failure: QueryFailure) => void) | undefined;
  readonly #commitListeners = new Set<(commit: Commit) => void>();
  #watchesCreated = 0;
  #watches = 0;

  /** The batch whose change is being collected. */
  #openBatch: Batch | undefined = undefined;
  readonly #batches: Batch[] = [];
  /** Batches and listeners are being worked off; further batches join the queue. */
  #committing = false;
  /** The part of it that computes. */
  #refreshing = false;
  /** Runs of the last commit, by query name. */
  #lastReran = new Map<string, number>();
  /** To be thrown by the batch in work. */
  readonly #unheard: unknown[] = [];

  constructor(options: EngineOptions = {}) {
    this.#onFailure = options.onFailure;
    this.#graph.onRun = (state) => {
      state.runs++;
      const { name } = state.definition;
      if (this.#refreshing) this.#lastReran.set(name, (this.#lastReran.get(name) ?? 0) + 1);
    };
    this.read = ((source: Query<string, unknown>, key: string) => this.#readFromAnywhere(source, key)) as Read;
  }

  /** Sequence of the last commit; 0 before the first. */
  get sequence(): number {
    return this.#graph.sequence;
  }

  /**
   * Changes rows, all or none, then brings every watched query up to date and tells the listeners. Inside another batch's change
   * it joins that batch; inside a listener it is carried out after the listeners of the current commit. In both cases the commit
   * given back is filled in later.
   *
   * @throws what `change` throws; nothing has changed then
   */
  batch(cause: Cause, change: (write: Write) => void): Commit {
    invariant(!this.#graph.isRunning, 'a query changes no rows');
    const outer = this.#openBatch;
    const batch = outer ?? {
      cause,
      writes: [],
      commit: { sequence: this.sequence, cause, changedRows: [], reran: new Map() },
    };
    const writesBefore = batch.writes.length;
    this.#openBatch = batch;
    try {
      change(this.#write);
    } catch (error) {
      // A nested change that throws takes back its own writes alone, in case the outer one catches and goes on.
      batch.writes.length = writesBefore;
      throw error;
    } finally {
      this.#openBatch = outer;
    }
    if (outer === undefined) {
      this.#batches.push(batch);
      if (!this.#committing) this.#carryOutBatches();
    }
    return batch.commit;
  }

  /**
   * Keeps a query up to date and calls back after each commit that changed its result, in order of creation of the watches.
   * Never throws for a failing query: the watch's `value` does.
   */
  watch<Key extends string, Value>(
    query: Query<Key, Value>,
    key: Key,
    listener: (value: Value, commit: Commit) => void,
  ): Watch<Value> {
    const graph = this.#graph;
    invariant(!graph.isRunning, 'a query watches nothing');
    const node = graph.queryState(query).nodeOf(key);
    const watch = new WatchNode(node, ++this.#watchesCreated, listener, this.#onStop);
    graph.link(node, watch);
    this.#watches++;
    graph.refresh(node);
    this.#reportFailures();
    return watch as Watch<Value>;
  }

  readonly #onStop = (watch: WatchNode): void => {
    this.#watches--;
    this.#graph.unlink(watch.node, watch);
  };

  /** Calls back at the end of every commit, after the watches' listeners. Gives the function that ends it. */
  onCommit(listener: (commit: Commit) => void): () => void {
    this.#commitListeners.add(listener);
    return () => void this.#commitListeners.delete(listener);
  }

  /** What a result, row or index value was made from, and when each part last changed. */
  explain<Key extends string, Value>(
    source: Table<Key, Value> | Index<Key, string, Value> | Query<Key, Value>,
    key: Key,
    limits?: ExplanationLimits,
  ): Explanation {
    invariant(!this.#graph.isRunning, 'a query explains nothing');
    const node = this.#graph.stateOf(source).nodeOf(key);
    this.#graph.loosen(node);
    if (node instanceof QueryNode) this.#graph.refresh(node);
    this.#reportFailures();
    return explainNode(node, limits);
  }

  /**
   * What follows from a row: the keys under which a query has results that were made from it, directly or not, in no particular order. The
   * opposite of `explain`; costs as much as a change of the row marks.
   */
  consequences<Key extends string, Row, Value>(
    table: Table<Key, Row>,
    row: Key,
    query: Query<string, Value>,
  ): Consequences {
    invariant(!this.#graph.isRunning, 'a query asks for no consequences');
    const node = this.#graph.tableState(table).nodes.get(row);
    if (node === undefined) return { changedAt: 0, keys: [] };
    return { changedAt: node.changedAt, keys: this.#graph.keysReachedFrom(node, this.#graph.queryState(query)) };
  }

  /** The rows of a table as of the last commit, in no particular order. Not for queries: such a read could not be recorded. */
  *rows<Key extends string, Row>(table: Table<Key, Row>): Generator<Row, void, void> {
    invariant(!this.#graph.isRunning, 'a query reads rows by key or by index');
    for (const { value } of this.#graph.tableState(table).nodes.values()) if (value !== undefined) yield value as Row;
  }

  /** Counts what is held; linear in the number of nodes. */
  statistics(): EngineStatistics {
    const counts = statisticsOf(this.#graph.states(), this.#lastReran);
    return { sequence: this.sequence, watches: this.#watches, ...counts };
  }

  /**
   * Computes everything held again, piece by piece, and puts right what increments have made wrong, in a commit of its own whose source
   * is `audit` (hot-path H408). Other batches may come between two pieces.
   *
   * @param now milliseconds of the monotonic clock
   * @returns after each piece what was wrong with it, which is a bug; undefined for nothing
   */
  *audit(now: () => number): Generator<Difference | undefined, void> {
    for (const node of wrongNodes(this.#graph)) {
      if (node !== undefined) this.#putRight(node, { source: 'audit', at: now() });
      yield (
        node && {
          kind: node instanceof QueryNode ? 'result' : 'index',
          name: node.source.definition.name,
          key: node.key,
        }
      );
    }
  }

  #putRight(node: QueryNode | IndexNode, cause: Cause): void {
    const sequence = ++this.#graph.sequence;
    this.#committing = true;
    if (node instanceof IndexNode) node.changedAt = sequence;
    const watches = this.#refreshWatches([node]);
    this.#tell(watches, { sequence, cause, changedRows: [], reran: this.#lastReran });
    this.#reportFailures();
    // What listeners wrote; and it is there that nobody's failures are thrown.
    this.#carryOutBatches();
  }

  #readFromAnywhere(source: Query<string, unknown>, key: string): unknown {
    try {
      return this.#graph.read(source, key);
    } finally {
      if (!this.#graph.isRunning) this.#reportFailures();
    }
  }

  readonly #write: Write = {
    put: (table, row) => this.#note(table, table.keyOf(row), row),
    remove: (table, key) => this.#note(table, key, undefined),
  };

  #note(table: object, key: string, row: unknown): void {
    invariant(this.#openBatch !== undefined, 'rows are written inside a batch');
    this.#openBatch.writes.push({ table: this.#graph.tableState(table), key, row });
  }

  #carryOutBatches(): void {
    const errors: unknown[] = [];
    this.#committing = true;
    for (let batch = this.#batches.shift(); batch !== undefined; batch = this.#batches.shift()) {
      try {
        this.#carryOut(batch);
      } catch (error) {
        // Equality of a table or an index function threw, before anything changed. The batches behind this one still count.
        errors.push(error);
      }
    }
    this.#committing = false;
    errors.push(...this.#unheard.splice(0));
    if (errors.length > 0) throw errorOf(errors[0]);
  }

  #carryOut({ writes, commit }: Batch): void {
    const graph = this.#graph;
    const plan = planWrites(writes);
    commit.sequence = graph.sequence;
    graph.sweep();
    if (plan.rows.length === 0) return;
    commit.sequence = ++graph.sequence;
    commit.changedRows = changesOf(plan);
    const watches = this.#refreshWatches(applyPlan(plan, commit.sequence));
    commit.reran = this.#lastReran;
    this.#tell(watches, commit);
    this.#reportFailures();
  }

  /** Brings every watched query up to date and drops what is no longer needed. Gives the watches that may have a new result. */
  #refreshWatches(changed: readonly Node[]): readonly WatchNode[] {
    const graph = this.#graph;
    this.#lastReran = new Map();
    this.#refreshing = true;
    for (const node of changed) graph.loosen(node);
    const watches = graph.mark(changed);
    for (const watch of watches) graph.refresh(watch.node);
    graph.sweep();
    this.#refreshing = false;
    return watches;
  }

  #tell(watches: readonly WatchNode[], commit: Commit): void {
    for (const watch of watches) {
      const { node } = watch;
      if (watch.stopped || node.changedAt !== commit.sequence || node.value === noResult) continue;
      this.#guard(node.source.definition.name, node.key, () => watch.listener(node.value as never, commit as never));
    }
    for (const listener of Array.from(this.#commitListeners)) this.#guard('(commit)', '', () => listener(commit));
  }

  #guard(query: string, key: string, call: () => void): void {
    try {
      call();
    } catch (thrown) {
      this.#graph.failures.push({ kind: 'listener', query, key, error: errorOf(thrown) });
    }
  }

  #reportFailures(): void {
    const { failures } = this.#graph;
    for (let failure = failures.shift(); failure !== undefined; failure = failures.shift()) {
      try {
        if (this.#onFailure !== undefined) this.#onFailure(failure);
        // Outside a commit the reader is thrown the failure anyway.
        else if (this.#committing) this.#unheard.push(failure.error);
      } catch (thrown) {
        this.#unheard.push(thrown);
      }
    }
  }
}
