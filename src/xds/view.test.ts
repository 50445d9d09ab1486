import { messageOf } from './fragment.ts';
import { describe, expect, it } from 'vitest';
import { scopesNamed, TinyMesh, tinyQueries } from '../../test/support/tiny-mesh.ts';
import type { Publication } from './flight.ts';
import { ResourceStore } from './store.ts';
import { StoreView } from './view.ts';

/** A store, and views of it that write down what they hear. */
class Rig {
  readonly mesh = new TinyMesh();
  readonly store = new ResourceStore(this.mesh.engine, tinyQueries, () => 42);
  readonly heard: string[] = [];
  readonly publications: Publication[] = [];

  view(type: 'cluster' | 'endpoints', scopes: readonly string[] = ['all'], label = 'view'): StoreView {
    return new StoreView(this.store, type, scopes, {
      changed: (name, previous, publication) => {
        const was = previous === undefined ? '-' : Buffer.from(messageOf(previous)).toString();
        this.heard.push(`${label}: ${name} was ${was}`);
        this.publications.push(publication);
      },
      report: () => ({ nodeId: label, standing: { kind: 'confirmed' } }),
    });
  }

  /** What was heard since the last look. */
  news(): readonly string[] {
    return this.heard.splice(0);
  }
}

function contents(view: StoreView): readonly string[] {
  return [...view.resources()].map((each) => `${each.name}@${Buffer.from(messageOf(each)).toString()}`).toSorted();
}

describe('a view', () => {
  it('sees what it named, when it comes, changes and goes', () => {
    const rig = new Rig();
    rig.mesh.put('endpoints', 'a', '1');
    const view = rig.view('endpoints');
    view.follow('a');
    view.follow('late');
    expect(contents(view)).toEqual(['a@1']);
    rig.mesh.put('endpoints', 'a', '2');
    rig.mesh.put('endpoints', 'late', '1');
    rig.mesh.put('endpoints', 'other', '1');
    rig.mesh.remove('endpoints', 'a');
    expect(rig.news()).toEqual(['view: a was 1', 'view: late was -', 'view: a was 2']);
    expect(contents(view)).toEqual(['late@1']);
  });

  it('sees everything, with what joins and leaves', () => {
    const rig = new Rig();
    rig.mesh.put('cluster', 'a', '1');
    const view = rig.view('cluster');
    view.followAll();
    rig.mesh.put('cluster', 'b', '1');
    rig.mesh.put('cluster', 'a', '2');
    rig.mesh.remove('cluster', 'b');
    expect(rig.news()).toEqual(['view: b was -', 'view: a was 1', 'view: b was 1']);
    expect([...view.names()]).toEqual(['a']);
    view.unfollowAll();
    rig.mesh.put('cluster', 'a', '3');
    expect(rig.news()).toEqual([]);
  });

  it('hears once of what it both named and has by wildcard', () => {
    const rig = new Rig();
    rig.mesh.put('cluster', 'a', '1');
    const view = rig.view('cluster');
    view.followAll();
    view.follow('a');
    rig.mesh.put('cluster', 'a', '2');
    expect(rig.news()).toEqual(['view: a was 1']);
    expect(contents(view)).toEqual(['a@2']);
    view.unfollow('a');
    rig.mesh.put('cluster', 'a', '3');
    expect(rig.news()).toEqual(['view: a was 2']);
  });

  it('takes of several scopes the first that has a name', () => {
    const rig = new Rig();
    rig.mesh.put('cluster', 'both', 'second', { scope: 'inbound' });
    const view = rig.view('cluster', ['client', 'inbound']);
    view.followAll();
    expect(contents(view)).toEqual(['both@second']);
    rig.mesh.put('cluster', 'both', 'first', { scope: 'client' });
    rig.mesh.put('cluster', 'both', 'hidden', { scope: 'inbound' });
    rig.mesh.put('cluster', 'own', '1', { scope: 'inbound' });
    expect(rig.news()).toEqual(['view: both was second', 'view: own was -']);
    expect(contents(view)).toEqual(['both@first', 'own@1']);
    rig.mesh.remove('cluster', 'both', 'client');
    expect(rig.news()).toEqual(['view: both was first']);
    expect(contents(view)).toEqual(['both@hidden', 'own@1']);
  });

  it('hears on a change of scopes of what differs, and of nothing else (hot-path/H215)', () => {
    const rig = new Rig();
    for (const scope of ['old', 'new']) rig.mesh.put('cluster', 'same', '1', { scope });
    rig.mesh.put('cluster', 'changed', '1', { scope: 'old' });
    rig.mesh.put('cluster', 'changed', '2', { scope: 'new' });
    rig.mesh.put('cluster', 'left', '1', { scope: 'old' });
    rig.mesh.put('cluster', 'joined', '1', { scope: 'new' });
    const view = rig.view('cluster', ['old']);
    view.followAll();
    view.follow('changed');
    const publication = { cause: { source: 'test', at: 0 }, committedAt: 0, sequence: 1 };
    view.setScopes(scopesNamed('new').cluster, publication);
    expect(rig.news().toSorted()).toEqual(['view: changed was 1', 'view: joined was -', 'view: left was 1']);
    expect(contents(view)).toEqual(['changed@2', 'joined@1', 'same@1']);
    rig.mesh.put('cluster', 'same', '2', { scope: 'old' });
    expect(rig.news()).toEqual([]);
    expect(rig.store.size.groups).toBe(1);
    view.setScopes(scopesNamed('new').cluster, publication);
    expect(rig.news()).toEqual([]);
  });

  it('has the version of its content, whatever the way to it (hot-path/H407)', () => {
    const rig = new Rig();
    const named = rig.view('cluster');
    const wildcard = rig.view('cluster');
    const empty = named.version();
    named.follow('b');
    named.follow('a');
    wildcard.followAll();
    expect([named.version(), wildcard.version()]).toEqual([empty, empty]);
    rig.mesh.put('cluster', 'a', '1');
    rig.mesh.put('cluster', 'b', '1');
    const both = named.version();
    expect(wildcard.version()).toBe(both);
    rig.mesh.put('cluster', 'b', '2');
    expect(wildcard.version()).not.toBe(both);
    rig.mesh.put('cluster', 'b', '1');
    expect([named.version(), wildcard.version()]).toEqual([both, both]);
    rig.mesh.remove('cluster', 'a');
    rig.mesh.remove('cluster', 'b');
    expect([named.version(), wildcard.version()]).toEqual([empty, empty]);
  });

  it('is not taken in by names that would be read as another key', () => {
    const rig = new Rig();
    rig.mesh.put('cluster', 'a', '1', { scope: 'all' });
    const view = rig.view('cluster');
    for (const name of ['a b', '', ' a', 'a ']) view.follow(name);
    expect(contents(view)).toEqual([]);
  });

  it('shares one text of a name with all others (hot-path/H203)', () => {
    const rig = new Rig();
    const [first, second] = [rig.view('endpoints'), rig.view('endpoints')];
    first.follow('name');
    expect(second.follow(['na', 'me'].join(''))).toBe('name');
    expect(rig.store.size).toEqual({ groups: 1, records: 1, subscriptions: 2 });
  });
});

describe('a store', () => {
  it('tells all who want a resource, and nobody else (hot-path/H210)', () => {
    const rig = new Rig();
    rig.mesh.put('endpoints', 'a', '1');
    const views = ['one', 'two', 'three'].map((label) => rig.view('endpoints', ['all'], label));
    for (const view of views.slice(0, 2)) view.follow('a');
    views[2]?.follow('b');
    rig.mesh.put('endpoints', 'a', '2');
    expect(rig.news().toSorted()).toEqual(['one: a was 1', 'two: a was 1']);
  });

  it('has told everybody when the batch returns, with one publication for all (hot-path/H217)', () => {
    const rig = new Rig();
    const view = rig.view('cluster');
    view.followAll();
    const cause = { source: 'files', at: 7 };
    rig.mesh.engine.batch(cause, () => {
      rig.mesh.put('cluster', 'a', '1');
      rig.mesh.put('cluster', 'b', '1');
      expect(rig.heard).toEqual([]);
    });
    expect(rig.heard).toHaveLength(2);
    expect(new Set(rig.publications).size).toBe(1);
    expect(rig.publications[0]).toMatchObject({ cause, committedAt: 42, sequence: rig.mesh.engine.sequence });
  });

  it('says nothing of a write that changes no content (hot-path/H406)', () => {
    const rig = new Rig();
    rig.mesh.put('endpoints', 'a', '1');
    const view = rig.view('endpoints');
    view.follow('a');
    rig.mesh.put('endpoints', 'a', '1');
    expect(rig.news()).toEqual([]);
  });

  it('computes only what somebody wants, and keeps nothing after they left (hot-path/H1104)', () => {
    const rig = new Rig();
    rig.mesh.put('cluster', 'a', '1');
    rig.mesh.put('cluster', 'b', '1');
    const view = rig.view('cluster');
    view.followAll();
    view.follow('missing');
    expect(rig.mesh.engine.statistics().watches).toBe(4);
    view.close();
    expect(rig.mesh.engine.statistics().watches).toBe(0);
    expect(rig.store.size).toEqual({ groups: 0, records: 0, subscriptions: 0 });
  });
});
