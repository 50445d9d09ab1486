import { describe, expect, it } from 'vitest';
import { TinyMesh, tinyQueries } from '../../test/support/tiny-mesh.ts';
import type { Publication } from './flight.ts';
import { Group, type Change, type Onlooker } from './group.ts';

/** A group, and onlookers that write down what they hear. */
class Rig {
  readonly mesh = new TinyMesh();
  readonly group: Group;
  readonly heard: string[] = [];

  constructor() {
    const { engine } = this.mesh;
    const publicationOf = (): Publication => ({ cause: { source: 'test', at: 0 }, committedAt: 0, sequence: 1 });
    this.group = new Group({ engine, queries: tinyQueries, publicationOf }, 'endpoints all', false);
  }

  enter(label: string): number {
    const onlooker: Onlooker = {
      noticed: ({ name }: Change, isNamed) => this.heard.push(`${label}: ${name}${isNamed ? ' by name' : ''}`),
      report: () => ({ nodeId: label, standing: { kind: 'confirmed' } }),
    };
    return this.group.enter(onlooker);
  }

  /** What was heard since the last look. */
  news(): readonly string[] {
    return this.heard.splice(0);
  }
}

describe('a seat', () => {
  it('is taken again only when nothing knows its number any more (hot-path/H202)', () => {
    const rig = new Rig();
    rig.mesh.put('endpoints', 'a', '1');
    rig.mesh.put('endpoints', 'b', '1');
    const [stays, leaves] = [rig.enter('stays'), rig.enter('leaves')];
    rig.group.follow('a', stays);
    rig.group.follow('a', leaves);
    rig.group.follow('b', leaves);
    rig.group.followAll(leaves);
    rig.group.leave(leaves);
    const next = rig.enter('next');
    expect(next).toBe(leaves);
    expect(rig.group.follows('a', next)).toBe(false);
    expect([...rig.group.followed(next)]).toEqual([]);
    expect(rig.group.content('a', next)).toBeUndefined();
    rig.mesh.put('endpoints', 'a', '2');
    rig.mesh.put('endpoints', 'b', '2');
    expect(rig.news()).toEqual(['stays: a by name']);
  });

  it('is the lowest free one, so that numbers stay small however many come and go (hot-path/H908)', () => {
    const rig = new Rig();
    const seats = Array.from({ length: 100 }, (_, index) => rig.enter(String(index)));
    expect(seats).toEqual(Array.from({ length: 100 }, (_, index) => index));
    for (const seat of [7, 3, 50]) rig.group.leave(seat);
    expect([rig.enter('x'), rig.enter('y'), rig.enter('z'), rig.enter('end')]).toEqual([3, 7, 50, 100]);
    for (let seat = 0; seat <= 100; seat++) rig.group.leave(seat);
    expect(rig.group.isEmpty).toBe(true);
    expect(rig.enter('first again')).toBe(0);
  });
});

describe('a name', () => {
  it('that only a client mentioned is kept until the last that mentioned it is gone (hot-path/H203)', () => {
    const rig = new Rig();
    const [one, other] = [rig.enter('one'), rig.enter('other')];
    rig.group.follow('made up', one);
    rig.group.follow('made up', other);
    rig.group.follow('made up', other);
    expect(rig.group.size).toEqual({ records: 1, subscriptions: 2 });
    rig.group.unfollow('made up', one);
    rig.group.unfollow('made up', one);
    expect(rig.group.size).toEqual({ records: 1, subscriptions: 1 });
    rig.group.leave(other);
    expect(rig.group.size).toEqual({ records: 0, subscriptions: 0 });
  });

  it('is told to each that wants it, once, in whatever way (xds-protocol/X161)', () => {
    const rig = new Rig();
    rig.mesh.put('endpoints', 'a', '1');
    const seats = Array.from({ length: 70 }, (_, index) => rig.enter(String(index)));
    for (const seat of seats) if (seat % 2 === 0) rig.group.follow('a', seat);
    for (const seat of seats) if (seat % 3 === 0) rig.group.followAll(seat);
    rig.mesh.put('endpoints', 'a', '2');
    const expected = seats
      .filter((seat) => seat % 2 === 0 || seat % 3 === 0)
      .map((seat) => `${seat}: a${seat % 2 === 0 ? ' by name' : ''}`);
    expect(rig.news()).toEqual(expected);
  });

  it('joins and leaves for those who want everything and did not name it', () => {
    const rig = new Rig();
    const [named, wildcard] = [rig.enter('named'), rig.enter('wildcard')];
    rig.group.follow('a', named);
    rig.group.followAll(named);
    rig.group.followAll(wildcard);
    rig.mesh.put('endpoints', 'a', '1');
    expect(rig.news().toSorted()).toEqual(['named: a by name', 'wildcard: a']);
    rig.mesh.remove('endpoints', 'a');
    expect(rig.news().toSorted()).toEqual(['named: a by name', 'wildcard: a']);
    expect(rig.group.content('a', wildcard)).toBeUndefined();
  });
});
