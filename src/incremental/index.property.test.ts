import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Index, Table } from './definitions.ts';
import { Engine } from './engine.ts';

interface Row {
  readonly key: string;
  readonly values: readonly string[];
}

const rows: Table<string, Row> = { name: 'rows', keyOf: (row) => row.key };
const byValue: Index<string, string, Row> = { name: 'byValue', table: rows, valuesOf: (row) => row.values };
const alphabet = Array.from({ length: 16 }, (_, index) => `v${index}`);

it('an index follows rows whose values come, go, move and repeat', () => {
  const values = fc.array(fc.constantFrom(...alphabet), { maxLength: 24 });
  const edit = fc.record({ key: fc.constantFrom('a', 'b'), values: fc.option(values, { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 8 }), (edits) => {
      const engine = new Engine();
      const world = new Map<string, Row>();
      // The first read builds the index: from then on it is kept up to date.
      engine.read(byValue, 'v0');
      engine.watch({ name: 'reader', compute: (read) => read(byValue, 'v0') }, '', () => undefined);
      for (const { key, values: next } of edits) {
        engine.batch({ source: 'test', at: 0 }, (write) => {
          if (next === undefined) write.remove(rows, key);
          else write.put(rows, { key, values: next });
        });
        if (next === undefined) world.delete(key);
        else world.set(key, { key, values: next });
        for (const value of alphabet) {
          const expected = [...world.values()].filter((row) => row.values.includes(value)).map((row) => row.key);
          expect(engine.read(byValue, value)).toEqual(expected.toSorted());
        }
      }
    }),
    { numRuns: 300 },
  );
});
