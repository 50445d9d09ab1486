import { describe, expect, it } from 'vitest';
import type { Index, Query, Table } from './definitions.ts';
import { Engine } from './engine.ts';

interface Row {
  readonly key: string;
  readonly colour: string;
}

const rows: Table<string, Row> = { name: 'rows', keyOf: (row) => row.key };
const cause = { source: 'test', at: 0 };

/** Asks a world for its colours, of which a query keeps the number. */
function aWorld(valuesOf: Index<string, string, Row>['valuesOf'], bias: () => number = () => 0) {
  const byColour: Index<string, string, Row> = { name: 'byColour', table: rows, valuesOf };
  const count: Query<string, number> = {
    name: 'count',
    compute: (read, colour) => read(byColour, colour).length + bias(),
  };
  const listed: Query<string, readonly string[]> = {
    name: 'listed',
    compute: (read, colour) => [`${read(count, colour)}`],
  };
  const engine = new Engine();
  const heard: (readonly string[])[] = [];
  engine.batch(cause, (write) => {
    write.put(rows, { key: 'a', colour: 'red' });
    write.put(rows, { key: 'b', colour: 'red' });
  });
  const watch = engine.watch(listed, 'red', (value) => heard.push(value));
  const audit = () => [...engine.audit(() => 1)].filter((difference) => difference !== undefined);
  return { engine, watch, heard, audit };
}

describe('hot-path/H408 an audit computes everything again', () => {
  it('finds nothing where increments were right, and tells nobody', () => {
    const { engine, heard, audit } = aWorld((row) => [row.colour]);
    engine.batch(cause, (write) => write.put(rows, { key: 'c', colour: 'red' }));
    engine.batch(cause, (write) => write.put(rows, { key: 'a', colour: 'blue' }));
    expect(heard).toEqual([['3'], ['2']]);
    const sequence = engine.sequence;
    expect(audit()).toEqual([]);
    expect(engine.sequence).toBe(sequence);
    expect(heard).toHaveLength(2);
  });

  it('puts right a result that has become another without any of its reads changing', () => {
    let bias = 0;
    const { watch, heard, audit } = aWorld(
      (row) => [row.colour],
      () => bias,
    );
    bias = 5;
    expect(audit()).toEqual([{ kind: 'result', name: 'count', key: 'red' }]);
    expect(watch.value).toEqual(['7']);
    expect(heard).toEqual([['7']]);
    expect(audit()).toEqual([]);
  });

  it('puts right an index whose function has changed its mind', () => {
    let isBlind = false;
    const { watch, audit } = aWorld((row) => (isBlind && row.key === 'a' ? [] : [row.colour]));
    isBlind = true;
    expect(audit()).toContainEqual({ kind: 'index', name: 'byColour', key: 'red' });
    expect(watch.value).toEqual(['1']);
    isBlind = false;
    expect(audit()).toContainEqual({ kind: 'index', name: 'byColour', key: 'red' });
    expect(watch.value).toEqual(['2']);
  });

  it('goes on where it was when rows change between two of its pieces', () => {
    const { engine, watch } = aWorld((row) => [row.colour]);
    let batches = 0;
    for (const difference of engine.audit(() => 1)) {
      expect(difference).toBeUndefined();
      if (batches++ < 5) engine.batch(cause, (write) => write.put(rows, { key: `n${batches}`, colour: 'red' }));
    }
    expect(watch.value).toEqual([`${2 + Math.min(batches, 5)}`]);
  });

  it('carries out what a listener writes after a repair', () => {
    let bias = 0;
    const { engine, watch, audit } = aWorld(
      (row) => [row.colour],
      () => bias,
    );
    engine.onCommit(({ cause: { source } }) => {
      if (source === 'audit') engine.batch(cause, (write) => write.put(rows, { key: 'z', colour: 'red' }));
    });
    bias = 1;
    audit();
    expect(watch.value).toEqual(['4']);
  });
});
