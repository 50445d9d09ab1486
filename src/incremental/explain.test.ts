import { expect, it } from 'vitest';
import type { Cause, Query, Table } from './definitions.ts';
import { Engine } from './engine.ts';
import { printExplanation } from './explain.ts';

interface Item {
  readonly id: string;
  readonly price: number;
}

const items: Table<string, Item> = { name: 'items', keyOf: (item) => item.id };
const price: Query<string, number> = {
  name: 'price',
  compute: (read, key) => {
    const item = read(items, key);
    if (item === undefined) throw new Error(`${key} has no price`);
    return item.price;
  },
};
const total: Query<string, number> = {
  name: 'total',
  compute: (read, key) => key.split('+').reduce((sum, id) => sum + read(price, id), 0) + read(price, 'a'),
};
const cause: Cause = { source: 'test', at: 0 };

function engineWith(...rows: readonly Item[]): Engine {
  const engine = new Engine();
  for (const row of rows) engine.batch(cause, (write) => write.put(items, row));
  return engine;
}

it('shows what a result was read from and when each part last changed', () => {
  const engine = engineWith({ id: 'a', price: 1 }, { id: 'b', price: 2 });
  const explanation = engine.explain(total, 'a+b');
  expect(explanation).toMatchObject({ kind: 'query', source: 'total', key: 'a+b', value: '4', changedAt: 2 });
  expect(printExplanation(explanation)).toBe(
    [
      'query total(a+b) @2 = 4',
      '  query price(a) @2 = 1',
      "    row items(a) @1 = { id: 'a', price: 1 }",
      '  query price(b) @2 = 2',
      "    row items(b) @2 = { id: 'b', price: 2 }",
    ].join('\n'),
  );
});

it('opens a query once, and stops at its limits', () => {
  const engine = engineWith({ id: 'a', price: 1 }, { id: 'b', price: 2 });
  const twice: Query<string, number> = { name: 'twice', compute: (read) => read(total, 'a+b') + read(price, 'a') };
  expect(printExplanation(engine.explain(twice, 'x'))).toContain('\n  query price(a) @2 = 1  (see above)');
  expect(engine.explain(twice, 'x', { depth: 1 }).reads?.[0]).toMatchObject({ reads: [], omitted: 2 });
  expect(engine.explain(twice, 'x', { breadth: 1 })).toMatchObject({ omitted: 1 });
});

it('explains rows, missing rows and failures', () => {
  const engine = engineWith({ id: 'a', price: 1 });
  expect(engine.explain(items, 'a')).toEqual({
    kind: 'row',
    source: 'items',
    key: 'a',
    value: "{ id: 'a', price: 1 }",
    changedAt: 1,
  });
  expect(engine.explain(items, 'b').value).toBe('(nothing)');
  expect(printExplanation(engine.explain(price, 'b'))).toBe(
    'query price(b) @1 = (no result)  FAILS: b has no price\n  row items(b) @0 = (nothing)',
  );
});

it('says what follows from a row, directly or not, and when the row last changed', () => {
  const engine = engineWith({ id: 'a', price: 1 }, { id: 'b', price: 2 });
  for (const key of ['a', 'a+b', 'b+a']) engine.watch(total, key, () => undefined);
  const { changedAt, keys } = engine.consequences(items, 'b', total);
  expect([changedAt, keys.toSorted()]).toEqual([2, ['a+b', 'b+a']]);
  expect(engine.consequences(items, 'b', price).keys).toEqual(['b']);
  expect(engine.consequences(items, 'none', total)).toEqual({ changedAt: 0, keys: [] });
});
