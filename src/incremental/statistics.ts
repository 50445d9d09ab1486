import type { QueryState } from './node.ts';
import type { IndexState, TableState } from './table-state.ts';

/** Figures of one query. */
export interface QueryStatistics {
  /** Keys held. */
  readonly nodes: number;
  /** Keys whose last run failed. */
  readonly failing: number;
  readonly runsInLastCommit: number;
  /** Since the engine was made. */
  readonly runs: number;
}

export interface EngineStatistics {
  /** Sequence of the last commit. */
  readonly sequence: number;
  readonly watches: number;
  /** Results held, of all queries. */
  readonly nodes: number;
  readonly queries: ReadonlyMap<string, QueryStatistics>;
  /** Rows by table. */
  readonly rows: ReadonlyMap<string, number>;
}

/**
 * Counts what an engine holds; linear in the number of nodes.
 *
 * @param lastReran runs of the last commit, by query name
 */
export function statisticsOf(
  states: Iterable<TableState | IndexState | QueryState>,
  lastReran: ReadonlyMap<string, number>,
): Pick<EngineStatistics, 'nodes' | 'queries' | 'rows'> {
  const queries = new Map<string, QueryStatistics>();
  const rows = new Map<string, number>();
  let nodes = 0;
  for (const state of states) {
    if (state.kind === 'table')
      rows.set(
        state.definition.name,
        countIf(state.nodes, (node) => node.value !== undefined),
      );
    if (state.kind !== 'query') continue;
    const { name } = state.definition;
    nodes += state.nodes.size;
    queries.set(name, {
      nodes: state.nodes.size,
      failing: countIf(state.nodes, (node) => node.failure !== undefined),
      runsInLastCommit: lastReran.get(name) ?? 0,
      runs: state.runs,
    });
  }
  return { nodes, queries, rows };
}

function countIf<Node>(nodes: ReadonlyMap<string, Node>, holds: (node: Node) => boolean): number {
  let count = 0;
  for (const node of nodes.values()) if (holds(node)) count++;
  return count;
}
