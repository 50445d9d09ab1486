import { isDeepStrictEqual } from 'node:util';
import type { Graph } from './graph.ts';
import { noResult, State, type IndexNode, type QueryNode, type QueryState } from './node.ts';
import type { IndexState, TableState } from './table-state.ts';

/**
 * Whether increments have made of the rows what a fresh start would make of them. They always have, unless there is a bug in a query (one
 * that is not pure), in an index, or in the engine.
 */

/** Something held that was not what its rows give. It has been put right. */
export interface Difference {
  readonly kind: 'result' | 'index';
  /** Of the query or index. */
  readonly name: string;
  readonly key: string;
}

/** Looks at everything held, one piece at a time; rows may change between two pieces. Gives what is wrong, undefined for what is right. */
export function* wrongNodes(graph: Graph): Generator<QueryNode | IndexNode | undefined, void> {
  for (const state of [...graph.states()]) {
    if (state.kind === 'index') yield* wrongValues(state, graph.tableState(state.definition.table));
  }
  for (const state of [...graph.states()]) {
    if (state.kind !== 'query') continue;
    for (const node of state.nodes.values()) yield isWrong(node, state, graph) ? node : undefined;
  }
}

function isWrong(node: QueryNode, { definition }: QueryState, graph: Graph): boolean {
  // What fails is retried by whatever changes its reads, and its last good value is meant to stay.
  if (node.state !== State.clean || node.failure !== undefined || node.value === noResult) return false;
  try {
    const value = definition.compute(graph.read, node.key);
    return !(definition.equal?.(node.value, value) ?? isDeepStrictEqual(node.value, value));
  } catch {
    return true;
  }
}

/** Values of an index that lack a key of a row, or have one too many. */
function* wrongValues(index: IndexState, table: TableState): Generator<IndexNode | undefined, void> {
  for (const row of table.nodes.values()) {
    for (const value of row.value === undefined ? [] : index.definition.valuesOf(row.value)) {
      yield isListed(index.valueAt(value), row.key) ? undefined : putRight(value, index, table);
    }
  }
  for (const value of index.values()) {
    for (const key of index.valueAt(value)) {
      if (hasValue(index, table, key, value)) yield undefined;
      else {
        yield putRight(value, index, table);
        break;
      }
    }
  }
}

/** @param keys sorted */
function isListed(keys: readonly string[], key: string): boolean {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return keys[low] === key;
}

function hasValue({ definition }: IndexState, table: TableState, key: string, value: string): boolean {
  const row = table.nodes.get(key)?.value;
  return row !== undefined && [...definition.valuesOf(row)].includes(value);
}

function putRight(value: string, index: IndexState, table: TableState): IndexNode {
  const keys = [...table.nodes.keys()].filter((key) => hasValue(index, table, key, value));
  index.setKeys(value, keys.sort());
  return index.nodeOf(value);
}
