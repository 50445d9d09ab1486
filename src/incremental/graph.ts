import { CycleError, ReadFailure, type QueryFailure } from './commit.ts';
import type { Read } from './definitions.ts';
import { eachDependent, withDependent, withoutDependent } from './dependents.ts';
import { invariant } from './invariant.ts';
import { nameOfNode, noResult, QueryNode, QueryState, resultOf, RowNode, State, WatchNode } from './node.ts';
import type { Dependent, ErasedQuery, Node } from './node.ts';
import { IndexState, TableState, type ErasedIndex, type ErasedTable } from './table-state.ts';

/** Beyond this many reads in one run, asking a set whether a node was read already is faster than looking. */
const longestScan = 16;

/** What a running query has read. As long as it reads what the run before read, in that order, nothing has to be kept. */
interface Frame {
  readonly before: readonly Node[];
  /** How many of them have been read again. */
  same: number;
  /** All reads, each once, since the first that was another. */
  reads: Node[] | undefined;
  /** The same as a set, once there are many. */
  seen: Set<Node> | undefined;
}

/**
 * Results and what they read: the engine's clever half. After a change it goes in two steps.
 *
 * *Marking* walks from changed rows to everything that may depend on them: direct readers become stale, the rest suspect.
 * *Refreshing* goes the other way, from each marked watch down: a stale query is run; a suspect one has its reads refreshed in
 * the order in which it read them, and is run only if one of them really changed. So a result that comes out equal ends the
 * wave, and no query is run for the sake of a read that its reader would no longer make.
 *
 * When a commit is over every node is clean and is reached by some watch; what is not has been swept. Results of reads from
 * outside stay until the next commit.
 */
export class Graph {
  /** Given to every query, and to the outside: who is reading is known by whether a query is running. */
  readonly read: Read;
  /** Of the commit in work, else of the last one. */
  sequence = 0;
  /** Told of every run. */
  onRun: (state: QueryState) => void = () => undefined;
  /** Failures that nobody has been told of yet. */
  readonly failures: QueryFailure[] = [];

  readonly #states = new Map<object, TableState | IndexState | QueryState>();
  /** Of the query that is running; undefined while none runs. */
  #frame: Frame | undefined = undefined;
  /** Queries being refreshed, outermost first: what a circle is reported from. */
  readonly #active: QueryNode[] = [];
  /** Nodes without dependents: swept before and after the next commit unless one came. */
  readonly #loose = new Set<Node>();
  /** Queries that closed a circle. The read that closed it is no edge, so the graph has no circles; they are retried by every commit. */
  readonly #circular = new Set<QueryNode>();

  constructor() {
    this.read = ((source: ErasedTable | ErasedIndex | ErasedQuery, key: string) => this.#read(source, key)) as Read;
  }

  get isRunning(): boolean {
    return this.#frame !== undefined;
  }

  /** Everything that was ever written or read. */
  states(): Iterable<TableState | IndexState | QueryState> {
    return this.#states.values();
  }

  // --- definitions and their state ---

  stateOf(source: object): TableState | IndexState | QueryState {
    const known = this.#states.get(source);
    if (known !== undefined) return known;
    const state = isQuery(source)
      ? new QueryState(source)
      : isIndex(source)
        ? new IndexState(source, this.tableState(source.table))
        : new TableState(source as ErasedTable);
    this.#states.set(source, state);
    return state;
  }

  tableState(table: object): TableState {
    const state = this.stateOf(table);
    invariant(state.kind === 'table', 'rows belong to a table');
    return state;
  }

  queryState(query: object): QueryState {
    const state = this.stateOf(query);
    invariant(state.kind === 'query', 'results belong to a query');
    return state;
  }

  // --- reading ---

  #read(source: object, key: string): unknown {
    const state = this.stateOf(source);
    if (state.kind === 'query') return this.#readQuery(state, key);
    if (this.#frame === undefined) return state.valueAt(key);
    const node = state.nodeOf(key);
    record(node, this.#frame);
    return node.value;
  }

  #readQuery(state: QueryState, key: string): unknown {
    const node = state.nodeOf(key);
    if (node.state === State.active) throw this.#circleClosedBy(node);
    if (this.#frame === undefined) this.loosen(node);
    else record(node, this.#frame);
    this.refresh(node);
    return resultOf(node);
  }

  // --- marking ---

  /** Marks what may depend on the changed nodes, and results that are wrong. Gives the watches among it, in order of their creation. */
  mark(changed: readonly Node[]): readonly WatchNode[] {
    const watches: WatchNode[] = [];
    const suspects: QueryNode[] = [];
    const suspect = (dependent: Dependent): void => {
      if (dependent instanceof WatchNode) watches.push(dependent);
      else if (dependent.state === State.clean) {
        dependent.state = State.suspect;
        suspects.push(dependent);
      }
    };
    const makeStale = (dependent: Dependent): void => {
      suspect(dependent);
      if (dependent instanceof QueryNode) dependent.state = State.stale;
    };
    for (const node of changed) {
      if (node instanceof QueryNode) {
        node.state = State.stale;
        eachDependent(node.dependents, suspect);
      } else eachDependent(node.dependents, makeStale);
    }
    for (const node of this.#circular) makeStale(node);
    // A stack, not recursion: chains of reads may be long, and each node is expanded once, when it stops being clean.
    for (let node = suspects.pop(); node !== undefined; node = suspects.pop()) eachDependent(node.dependents, suspect);
    return watches.sort((a, b) => a.order - b.order);
  }

  /** The keys of a query that were made from a node, directly or not. */
  keysReachedFrom(start: Node, query: QueryState): readonly string[] {
    const reached = new Set<QueryNode>();
    const open: Node[] = [start];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      eachDependent(node.dependents, (dependent) => {
        if (dependent instanceof WatchNode || reached.has(dependent)) return;
        reached.add(dependent);
        open.push(dependent);
      });
    }
    return [...reached].filter(({ source }) => source === query).map(({ key }) => key);
  }

  // --- refreshing ---

  /** Brings a result up to date. Never throws: a query that fails keeps its last good value. */
  refresh(node: QueryNode): void {
    if (node.state === State.clean) return;
    if (node.state === State.stale || this.#someReadChanged(node)) this.#run(node);
    else node.state = State.clean;
  }

  #someReadChanged(node: QueryNode): boolean {
    node.state = State.active;
    this.#active.push(node);
    // A changed row or index value would have made the node stale, so only results are left to ask. As long as none of them
    // differs the node would read them again in this order: none is refreshed in vain, and an active one closes a circle.
    const changed = node.reads.some((read) => {
      if (!(read instanceof QueryNode)) return false;
      if (read.state === State.active) return true;
      this.refresh(read);
      return read.changedAt === this.sequence;
    });
    this.#active.pop();
    return changed;
  }

  #run(node: QueryNode): void {
    const { definition } = node.source;
    const outer = this.#frame;
    const frame: Frame = { before: node.reads, same: 0, reads: undefined, seen: undefined };
    this.#frame = frame;
    node.state = State.active;
    this.#active.push(node);
    this.onRun(node.source);
    try {
      const value = definition.compute(this.read, node.key);
      if (node.value === noResult || !(definition.equal?.(node.value, value) ?? Object.is(node.value, value))) {
        node.value = value;
        node.changedAt = this.sequence;
      }
      node.failure = undefined;
      this.#circular.delete(node);
    } catch (thrown) {
      this.#fail(node, errorOf(thrown));
    }
    this.#active.pop();
    node.state = State.clean;
    this.#frame = outer;
    this.#adoptReads(node, frame);
  }

  /** The last good value stays, so dependents notice nothing; without one they fail too, and must be run to find out. */
  #fail(node: QueryNode, error: Error): void {
    const known = node.failure?.message === error.message;
    node.failure = error;
    if (error instanceof CycleError) this.#circular.add(node);
    else this.#circular.delete(node);
    if (known) return;
    if (node.value === noResult) node.changedAt = this.sequence;
    // What was read has been reported; its readers fail for no reason of their own.
    if (error instanceof ReadFailure) return;
    this.failures.push({ kind: 'query', query: node.source.definition.name, key: node.key, error });
  }

  #circleClosedBy(node: QueryNode): CycleError {
    const circle = this.#active.slice(this.#active.indexOf(node));
    return new CycleError([...circle, node].map(nameOfNode));
  }

  // --- edges ---

  /** Makes what the last run read the node's edges. Most runs read what the run before did, and then nothing is touched. */
  #adoptReads(node: QueryNode, { before, same, reads }: Frame): void {
    if (reads === undefined && same === before.length) return;
    // A copy has no spare slots; an array that grew by pushing has up to sixteen.
    node.reads = reads === undefined ? before.slice(0, same) : reads.slice();
    const gone = before.length === same ? undefined : new Set(before.slice(same));
    for (let at = same; at < node.reads.length; at++) {
      const read = node.reads[at] as Node;
      if (gone?.delete(read) !== true) read.dependents = withDependent(read.dependents, node);
    }
    if (gone !== undefined) for (const read of gone) this.unlink(read, node);
  }

  link(node: QueryNode, watch: WatchNode): void {
    node.dependents = withDependent(node.dependents, watch);
  }

  unlink(node: Node, dependent: Dependent): void {
    node.dependents = withoutDependent(node.dependents, dependent);
    this.loosen(node);
  }

  /** Has the next sweep look at a node, if nobody depends on it. */
  loosen(node: Node): void {
    if (node.dependents === undefined) this.#loose.add(node);
  }

  /** Drops what nobody depends on, and then what only that depended on. Rows stay, and so does what the indexes hold. */
  sweep(): void {
    // Dropping a node may loosen those that it read: they join the set, and the same loop comes to them.
    for (const node of this.#loose) {
      this.#loose.delete(node);
      if (node.dependents !== undefined) continue;
      if (node instanceof QueryNode) {
        node.source.nodes.delete(node.key);
        this.#circular.delete(node);
        for (const read of node.reads) this.unlink(read, node);
      } else if (!(node instanceof RowNode) || node.value === undefined) {
        node.source.nodes.delete(node.key);
      }
    }
  }
}

function record(node: Node, frame: Frame): void {
  if (frame.reads === undefined) {
    if (frame.before[frame.same] === node) {
      frame.same++;
      return;
    }
    frame.reads = frame.before.slice(0, frame.same);
    if (frame.same > longestScan) frame.seen = new Set(frame.reads);
  }
  const { reads } = frame;
  if (frame.seen?.has(node) ?? reads.includes(node)) return;
  reads.push(node);
  if (frame.seen !== undefined) frame.seen.add(node);
  else if (reads.length > longestScan) frame.seen = new Set(reads);
}

export function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function isQuery(source: object): source is ErasedQuery {
  return 'compute' in source;
}

function isIndex(source: object): source is ErasedIndex {
  return 'valuesOf' in source;
}
