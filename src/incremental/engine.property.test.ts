import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cause, Index, Query, Table } from './definitions.ts';
import { Engine } from './engine.ts';

/**
 * Random worlds: rows whose content decides, per run, what the queries over them read, so that reads come and go; and an
 * oracle that knows nothing of increments, a fresh engine over the same rows.
 */

interface Row {
  readonly key: string;
  readonly group: string;
  readonly value: number;
  /** Rows that the query of this row goes on to. */
  readonly next: readonly string[];
}

const rows: Table<string, Row> = {
  name: 'rows',
  keyOf: (row) => row.key,
  equal: (a, b) => JSON.stringify(a) === JSON.stringify(b),
};
const byGroup: Index<string, string, Row> = { name: 'byGroup', table: rows, valuesOf: (row) => [row.group, 'all'] };
const cause: Cause = { source: 'test', at: 0 };
const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
const groups = ['odd', 'even'];

/** Called with what each run of a query read, value by value. */
type Note = (
  query: string,
  key: string,
  reads: readonly (readonly [source: string, key: string, value: string])[],
) => void;

/** The queries of a world. Each tells `note` what it read. Rows point only to later rows, so there are no circles. */
function queriesNoting(note: Note) {
  const define = (name: string, compute: Query<string, unknown>['compute']): Query<string, number> => ({
    name,
    compute: (read, key) => {
      const made: (readonly [string, string, string])[] = [];
      const noting = ((source: { readonly name: string }, at: string) => {
        let text = 'failed';
        try {
          const value: unknown = read(source as Query<string, unknown>, at);
          text = JSON.stringify(value) ?? 'undefined';
          return value;
        } finally {
          made.push([source.name, at, text]);
        }
      }) as typeof read;
      try {
        return compute(noting, key) as number;
      } finally {
        note(name, key, made);
      }
    },
  });
  const cell: Query<string, number> = define('cell', (read, key) => {
    const row = read(rows, key);
    if (row === undefined) return 0;
    if (row.value === 13) throw new Error(`bad luck in ${key}`);
    return row.value + row.next.reduce((sum, next) => sum + read(cell, next), 0);
  });
  const parity: Query<string, number> = define('parity', (read, key) => read(cell, key) % 2);
  const groupSum: Query<string, number> = define('groupSum', (read, group) =>
    read(byGroup, group).reduce((sum, key) => sum + (read(parity, key) === 1 ? read(cell, key) : 0), 0),
  );
  const overall: Query<string, number> = define('overall', (read) => {
    const [first, second] = [read(groupSum, 'odd'), read(groupSum, 'even')];
    return first > second ? first : read(groupSum, 'all');
  });
  return [cell, parity, groupSum, overall] as const;
}

type Edit = { readonly kind: 'put'; readonly row: Row } | { readonly kind: 'remove'; readonly key: string };
type Step =
  | { readonly kind: 'batch'; readonly edits: readonly Edit[]; readonly fails: boolean }
  | { readonly kind: 'watch' | 'read'; readonly query: number; readonly key: string }
  | { readonly kind: 'stop'; readonly watch: number };

function arbitraryStep(values: fc.Arbitrary<number>): fc.Arbitrary<Step> {
  const row = fc
    .record({
      at: fc.nat(keys.length - 1),
      group: fc.constantFrom(...groups),
      value: values,
      next: fc.subarray(keys, { maxLength: 2 }),
    })
    .map(({ at, group, value, next }): Row => {
      return { key: keys[at] as string, group, value, next: next.filter((key) => keys.indexOf(key) > at) };
    });
  const edit: fc.Arbitrary<Edit> = fc.oneof(
    { weight: 4, arbitrary: row.map((made): Edit => ({ kind: 'put', row: made })) },
    { weight: 1, arbitrary: fc.constantFrom(...keys).map((key): Edit => ({ kind: 'remove', key })) },
  );
  const place = { query: fc.nat(3), key: fc.constantFrom(...keys, ...groups) };
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .record({ edits: fc.array(edit, { maxLength: 4 }), fails: fc.nat(9) })
        .map(({ edits, fails }): Step => ({ kind: 'batch', edits, fails: fails === 0 })),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('watch', 'read'), ...place }) },
    { weight: 1, arbitrary: fc.nat(9).map((watch): Step => ({ kind: 'stop', watch })) },
  );
}

const small = fc.nat(6);
const unlucky = fc.constantFrom(1, 2, 3, 13);

/** Carries edits out on a plain map, the oracle's idea of a table. */
function edited(before: ReadonlyMap<string, Row>, edits: readonly Edit[]): Map<string, Row> {
  const after = new Map(before);
  for (const edit of edits) {
    if (edit.kind === 'put') after.set(edit.row.key, edit.row);
    else after.delete(edit.key);
  }
  return after;
}

function freshOver(world: ReadonlyMap<string, Row>): Engine {
  const engine = new Engine();
  engine.batch(cause, (write) => world.forEach((row) => write.put(rows, row)));
  return engine;
}

function applyEdits(engine: Engine, edits: readonly Edit[], fails: boolean): void {
  try {
    engine.batch(cause, (write) => {
      for (const edit of edits) {
        if (edit.kind === 'put') write.put(rows, edit.row);
        else write.remove(rows, edit.key);
      }
      if (fails) throw new Error('taken back');
    });
  } catch (error) {
    expect(error).toMatchObject({ message: 'taken back' });
  }
}

/** A random history against an engine, with the oracle asked after every step. */
class History {
  world: Map<string, Row> = new Map();
  readonly engine = new Engine({ onFailure: () => undefined });
  readonly watches: {
    readonly query: Query<string, number>;
    readonly key: string;
    heard: number;
    watch: ReturnType<Engine['watch']>;
  }[] = [];
  readonly queries: readonly Query<string, number>[];

  constructor(note: Note) {
    this.queries = queriesNoting(note);
  }

  step(step: Step): void {
    if (step.kind === 'batch') {
      if (!step.fails) this.world = edited(this.world, step.edits);
      applyEdits(this.engine, step.edits, step.fails);
    } else if (step.kind === 'stop') this.watches.splice(step.watch, 1)[0]?.watch.stop();
    else if (step.kind === 'watch') this.watch(this.queries[step.query] as Query<string, number>, step.key);
    else this.engine.read(this.queries[step.query] as Query<string, number>, step.key);
  }

  watch(query: Query<string, number>, key: string): void {
    const entry = {
      query,
      key,
      heard: Number.NaN,
      watch: this.engine.watch(query, key, (value) => (entry.heard = value)),
    };
    entry.heard = entry.watch.value;
    this.watches.push(entry);
  }

  end(): void {
    for (const { watch } of this.watches.splice(0)) watch.stop();
    applyEdits(this.engine, [], false);
  }
}

describe('any history of edits, watches and reads', () => {
  it('leaves every watched result as a fresh engine computes it, and every listener has heard it', () => {
    fc.assert(
      fc.property(fc.array(arbitraryStep(small), { maxLength: 30 }), (steps) => {
        const history = new History(() => undefined);
        for (const step of steps) {
          history.step(step);
          const oracle = freshOver(history.world);
          for (const { query, key, heard, watch } of history.watches) {
            const expected = oracle.read(query, key);
            expect([query.name, key, watch.value, heard]).toEqual([query.name, key, expected, expected]);
          }
          for (const group of [...groups, 'all']) {
            expect(history.engine.read(byGroup, group)).toEqual(oracle.read(byGroup, group));
          }
        }
        history.end();
        expect(history.engine.statistics()).toMatchObject({ nodes: 0, watches: 0 });
      }),
      { numRuns: 400 },
    );
  });

  it('runs a query again only if a read of its last run has changed, and never twice in a commit', () => {
    fc.assert(
      fc.property(fc.array(arbitraryStep(small), { maxLength: 30 }), (steps) => {
        const lastReads = new Map<string, Parameters<Note>[2]>();
        let runs: string[] = [];
        const history = new History((query, key, reads) => {
          lastReads.set(`${query} ${key}`, reads);
          runs.push(`${query} ${key}`);
        });
        for (const step of steps) {
          const before = new Map(lastReads);
          const heldBefore = heldNodes(history);
          runs = [];
          history.step(step);
          if (step.kind !== 'batch') continue;
          expect(new Set(runs).size).toBe(runs.length);
          const oracle = freshOver(history.world);
          for (const run of runs) {
            if (!heldBefore.has(run)) continue;
            const reads = before.get(run) ?? [];
            const now = reads.map(([source, key]) => JSON.stringify(readByName(oracle, source, key)) ?? 'undefined');
            expect([run, now]).not.toEqual([run, reads.map(([, , value]) => value)]);
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  it('survives queries that throw: those that do not are right, and nothing leaks', () => {
    fc.assert(
      fc.property(fc.array(arbitraryStep(unlucky), { maxLength: 30 }), (steps) => {
        const history = new History(() => undefined);
        const [cell] = history.queries;
        const watches = keys.map(
          (key) => [key, history.engine.watch(cell as Query<string, number>, key, () => undefined)] as const,
        );
        for (const step of steps) {
          if (step.kind === 'batch') history.step(step);
          const oracle = freshOver(history.world);
          for (const [key, watch] of watches) {
            const failsNow = watch.failure !== undefined && !(watch.failure.name === 'ReadFailure');
            expect(failsNow).toBe(history.world.get(key)?.value === 13);
            if (reaches13(history.world, key)) continue;
            expect([key, watch.value]).toEqual([key, oracle.read(cell as Query<string, number>, key)]);
          }
        }
        for (const [, watch] of watches) watch.stop();
        history.end();
        expect(history.engine.statistics().nodes).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

/** `query key` of everything that some watch reaches: what a fresh engine holds after making the same watches. */
function heldNodes(history: History): ReadonlySet<string> {
  const held = new Set<string>();
  const noting = queriesNoting((query, key) => held.add(`${query} ${key}`));
  const oracle = freshOver(history.world);
  for (const { query, key } of history.watches) {
    oracle.read(noting.find(({ name }) => name === query.name) as Query<string, number>, key);
  }
  return held;
}

const silent = queriesNoting(() => undefined);

function readByName(engine: Engine, source: string, key: string): unknown {
  if (source === 'rows') return engine.read(rows, key);
  if (source === 'byGroup') return engine.read(byGroup, key);
  return engine.read(silent.find(({ name }) => name === source) as Query<string, number>, key);
}

function reaches13(world: ReadonlyMap<string, Row>, key: string): boolean {
  const row = world.get(key);
  return row !== undefined && (row.value === 13 || row.next.some((next) => reaches13(world, next)));
}
