import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anIstioObject } from '../../test/support/istio-objects.ts';
import { aService } from '../../test/support/mesh-rows.ts';
import { Engine } from '../incremental/engine.ts';
import { keyOfConfig } from '../model/config-object.ts';
import { nodeKey } from '../model/keys.ts';
import { placeText } from '../model/source.ts';
import { configs, namespaces, nodes, services, sourceProblems } from '../model/tables.ts';
import { unknownLocality, type Namespace } from '../model/workload.ts';
import { SharedRows, type SharingSource } from './shared-rows.ts';

function aMesh(kinds: readonly SharingSource['kind'][] = []) {
  const engine = new Engine();
  const shared = new SharedRows(engine);
  const sources = [0, 1, 2].map((rank) =>
    shared.writerOf({ name: `s${rank}`, kind: kinds[rank] ?? 'kubernetes', rank }),
  );
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

  it('are reported where they do not count, until one of the two goes', () => {
    const { engine, sources } = aMesh(['files', 'kubernetes']);
    const problems = () =>
      [...engine.rows(sourceProblems)].map(({ source, code, place }) => [source, code, placeText(place)]);
    const [files, cluster] = sources;
    const rule = anIstioObject('VirtualService', { hosts: ['web'] });
    cluster?.batch({ source: 's1', at: 1 }, (write) => write.put(configs, rule));
    expect(problems()).toEqual([]);
    files?.batch({ source: 's0', at: 2 }, (write) => write.put(configs, rule));
    expect(problems()).toEqual([['s1', 'WEIR2010', `VirtualService ${rule.namespace}/${rule.name}`]]);
    files?.batch({ source: 's0', at: 3 }, (write) => write.remove(configs, keyOfConfig(rule)));
    expect(problems()).toEqual([]);
    expect([...engine.rows(configs)]).toEqual([rule]);
  });

  it('kubernetes/K117 are no mistake where clusters of one mesh have the same services', () => {
    const { engine, sources } = aMesh();
    for (const source of sources) source.batch({ source: 's', at: 1 }, (write) => aService('web').put(write));
    expect([...engine.rows(sourceProblems)]).toEqual([]);
    expect([...engine.rows(services)].map(({ name }) => name)).toEqual(['web']);
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

it('of sources of equal rank are those of the first by name', () => {
  const engine = new Engine();
  const shared = new SharedRows(engine);
  const [west, east] = ['west', 'east'].map((name) => shared.writerOf({ name, kind: 'kubernetes', rank: 2 }));
  for (const [label, writer] of [
    ['west', west],
    ['east', east],
  ] as const) {
    writer?.batch({ source: label, at: 1 }, (write) => write.put(namespaces, { name: 'shop', labels: { label } }));
  }
  expect([...engine.rows(namespaces)]).toEqual([{ name: 'shop', labels: { label: 'east' } }]);
});
