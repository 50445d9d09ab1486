import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Engine } from '../incremental/engine.ts';
import { nodeKey } from '../model/keys.ts';
import type { Namespace } from '../model/workload.ts';
import { namespaces, nodes } from '../model/tables.ts';
import { unknownLocality } from '../model/workload.ts';
import { SharedRows } from './shared-rows.ts';

function aMesh() {
  const engine = new Engine();
  const shared = new SharedRows(engine);
  const sources = [0, 1, 2].map((rank) => shared.writerOf(rank));
  let at = 0;
  return {
    give: (rank: number, name: string, label: string) =>
      sources[rank]?.batch({ source: `s${rank}`, at: ++at }, (write) =>
        write.put(namespaces, { name, labels: { label } }),
      ),
    take: (rank: number, name: string) =>
      sources[rank]?.batch({ source: `s${rank}`, at: ++at }, (write) => write.remove(namespaces, name)),
    rows: () =>
      Object.fromEntries([...engine.rows(namespaces)].map((row: Namespace) => [row.name, row.labels['label']])),
    engine,
    sources,
  };
}

describe('rows that several sources give', () => {
  it('are those of the source that comes first, whoever speaks first', () => {
    const { give, rows } = aMesh();
    give(1, 'shop', 'second');
    expect(rows()).toEqual({ shop: 'second' });
    give(0, 'shop', 'first');
    expect(rows()).toEqual({ shop: 'first' });
    give(1, 'shop', 'second again');
    expect(rows()).toEqual({ shop: 'first' });
  });

  it('pass to the next source when the first takes its row away', () => {
    const { give, take, rows } = aMesh();
    give(0, 'shop', 'first');
    give(2, 'shop', 'third');
    give(1, 'shop', 'second');
    take(2, 'shop');
    take(0, 'shop');
    expect(rows()).toEqual({ shop: 'second' });
    take(1, 'shop');
    expect(rows()).toEqual({});
  });

  it('are unchanged by a batch that throws', () => {
    const { give, take, rows, sources } = aMesh();
    give(1, 'shop', 'second');
    expect(() =>
      sources[0]?.batch({ source: 's0', at: 9 }, (write) => {
        write.put(namespaces, { name: 'shop', labels: { label: 'first' } });
        throw new Error('in the middle');
      }),
    ).toThrow('in the middle');
    expect(rows()).toEqual({ shop: 'second' });
    take(1, 'shop');
    expect(rows()).toEqual({});
  });

  it('are told from rows whose keys name their source, which go straight through', () => {
    const { engine, sources } = aMesh();
    const node = { key: nodeKey('s1', 'node-1'), name: 'node-1', locality: unknownLocality };
    sources[1]?.batch({ source: 's1', at: 1 }, (write) => write.put(nodes, node));
    expect([...engine.rows(nodes)]).toEqual([node]);
  });

  it('end the same after any history: each name with what its first source gave last', () => {
    const step = fc.record({
      rank: fc.nat({ max: 2 }),
      name: fc.constantFrom('a', 'b'),
      label: fc.option(fc.constantFrom('x', 'y', 'z'), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { give, take, rows } = aMesh();
        const given = new Map<string, string>();
        for (const { rank, name, label } of steps) {
          if (label === undefined) take(rank, name);
          else give(rank, name, label);
          if (label === undefined) given.delete(`${name}${rank}`);
          else given.set(`${name}${rank}`, label);
        }
        const expected: Record<string, string> = {};
        for (const name of ['a', 'b'])
          for (const rank of [2, 1, 0]) {
            const label = given.get(`${name}${rank}`);
            if (label !== undefined) expected[name] = label;
          }
        expect(rows()).toEqual(expected);
      }),
    );
  });
});
