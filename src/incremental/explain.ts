import { inspect } from 'node:util';
import { noResult, QueryNode, type Node } from './node.ts';

/** Where a value came from: the reads behind it as data, and as text for people. */

export interface Explanation {
  readonly kind: 'row' | 'index' | 'query';
  /** Name of the table, index or query. */
  readonly source: string;
  readonly key: string;
  /** The value, shortened to one line. */
  readonly value: string;
  /** Sequence of the commit that last changed the value; 0: it was there before the first commit or never. */
  readonly changedAt: number;
  /** Why the query has no current result. */
  readonly failure?: string;
  /** What the last run read, in order. Absent where the same part is explained above. */
  readonly reads?: readonly Explanation[];
  /** How many further reads the limits cut off. */
  readonly omitted?: number;
}

export interface ExplanationLimits {
  /** Levels of reads below the top; 8 by default. */
  readonly depth?: number;
  /** Reads shown of one query; 50 by default. */
  readonly breadth?: number;
}

/** Every query is opened once; where it is read again, its value alone is shown. */
export function explainNode(top: Node, { depth = 8, breadth = 50 }: ExplanationLimits = {}): Explanation {
  const opened = new Set<Node>();
  const explain = (node: Node, level: number): Explanation => {
    const { source, key, changedAt } = node;
    const base = { source: source.definition.name, key, value: shortForm(node.value), changedAt };
    if (!(node instanceof QueryNode)) return { kind: source.kind === 'table' ? 'row' : 'index', ...base };
    const failed = node.failure === undefined ? {} : { failure: node.failure.message };
    if (opened.has(node)) return { kind: 'query', ...base, ...failed };
    if (level === depth) return { kind: 'query', ...base, ...failed, reads: [], omitted: node.reads.length };
    opened.add(node);
    const reads = node.reads.slice(0, breadth).map((read) => explain(read, level + 1));
    const omitted = node.reads.length - reads.length;
    return { kind: 'query', ...base, ...failed, reads, ...(omitted === 0 ? {} : { omitted }) };
  };
  return explain(top, 0);
}

/** An explanation as an indented tree, a line for each part. */
export function printExplanation(explanation: Explanation, indent = ''): string {
  const { kind, source, key, value, changedAt, failure, reads, omitted } = explanation;
  const line = `${indent}${kind} ${source}(${key}) @${changedAt} = ${value}${failure === undefined ? '' : `  FAILS: ${failure}`}`;
  const above = kind === 'query' && reads === undefined ? ['  (see above)'] : [];
  const below = (reads ?? []).map((read) => printExplanation(read, `${indent}  `));
  const rest = omitted === undefined ? [] : [`${indent}  … ${omitted} more`];
  return [[line, ...above].join(''), ...below, ...rest].join('\n');
}

const longestValue = 120;

function shortForm(value: unknown): string {
  if (value === noResult) return '(no result)';
  if (value === undefined) return '(nothing)';
  const text = inspect(value, {
    depth: 4,
    breakLength: Infinity,
    compact: true,
    maxArrayLength: 8,
    maxStringLength: 80,
  });
  return text.length <= longestValue ? text : `${text.slice(0, longestValue - 1)}…`;
}
