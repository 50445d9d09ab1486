import { describe, expect, it } from 'vitest';
import { aResource } from '../../test/support/tiny-mesh.ts';
import { aftermathOf, differenceOfViews, interestChange, namesIn } from './differ.ts';

describe('interestChange', () => {
  const nothing = { wildcard: false, named: new Set<string>(), hasListed: false };

  it.each([
    ['an empty first list of a wildcard type', undefined, [], true, { wildcard: true, added: [], dropped: [] }],
    ['an empty first list of another type', undefined, [], false, { wildcard: false, added: [], dropped: [] }],
    ['an explicit wildcard', undefined, ['*', 'a'], true, { wildcard: true, added: ['a'], dropped: [] }],
    ['the same again', { ...nothing, wildcard: true }, [], true, { wildcard: true, added: [], dropped: [] }],
    [
      'an empty list after an explicit wildcard',
      { ...nothing, wildcard: true, hasListed: true },
      [],
      true,
      { wildcard: false, added: [], dropped: [] },
    ],
    [
      'a list that differs',
      { wildcard: false, named: new Set(['a', 'b']), hasListed: true },
      ['b', 'c', 'c'],
      true,
      { wildcard: false, added: ['c'], dropped: ['a'] },
    ],
  ] as const)('reads %s', (_, before, names, wildcardWhenEmpty, expected) => {
    expect(interestChange(before, names, wildcardWhenEmpty)).toEqual(expected);
  });
});

it('finds what differs between views by name and content (hot-path/H215)', () => {
  const view = (...entries: readonly (readonly [name: string, content: string])[]) =>
    new Map(entries.map(([name, content]) => [name, aResource('cluster', name, content)]));
  const before = view(['same', '1'], ['changed', '1'], ['gone', '1']);
  const different = differenceOfViews(before, view(['same', '1'], ['changed', '2'], ['new', '1']));
  expect([...different.keys()].toSorted()).toEqual(['changed', 'gone', 'new']);
  expect([different.get('changed'), different.get('gone'), different.get('new')]).toEqual([
    before.get('changed'),
    before.get('gone'),
    undefined,
  ]);
});

describe('namesIn', () => {
  it.each([
    ["Error adding/updating cluster(s) c6: Didn't find a registered implementation", ['c6', 'c'], ['c6']],
    ['Error adding/updating cluster(s) c6: x, c60: y', ['c6', 'c60', 'c600'], ['c6', 'c60']],
    ['Only a single wildcard domain is permitted in route r1', ['r1', 'r'], ['r1']],
    ['Only a single wildcard domain is permitted in route 80', ['80', '8080'], ['80']],
    ['Invalid path on line 80', ['80'], []],
    [
      'duplicate name outbound|80||a.shop found',
      ['outbound|80||a.shop', 'a.shop', 'outbound|80||a'],
      ['outbound|80||a.shop'],
    ],
    ['listener 0.0.0.0_8080: bind failed.', ['0.0.0.0_80', '0.0.0.0_8080'], ['0.0.0.0_8080']],
    ['cluster ends here a.b.', ['a.b'], ['a.b']],
    ['Invalid duration: Expected positive duration', ['a', '', 'duration-x'], []],
  ])('%s', (message, names, expected) => {
    expect(namesIn(message, names)).toEqual(expected);
  });
});

describe('aftermathOf', () => {
  it.each([
    ['the only one is at fault', 'no', ['a'], { culprits: ['a'], retries: [] }],
    ['the named ones are at fault', 'c1: no', ['c1', 'c2', 'c3'], { culprits: ['c1'], retries: [['c2', 'c3']] }],
    ['all of them are named', 'c1: no, c2: no', ['c1', 'c2'], { culprits: ['c1', 'c2'], retries: [] }],
    ['nobody is named', 'no', ['c1', 'c2', 'c3'], { culprits: [], retries: [['c1', 'c2'], ['c3']] }],
    ['nothing was in it', 'no', [], { culprits: [], retries: [] }],
  ])('%s', (_, message, names, expected) => {
    expect(aftermathOf(message, names)).toEqual(expected);
  });
});
