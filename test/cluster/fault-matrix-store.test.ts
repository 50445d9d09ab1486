import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ReflectorRig } from '../support/fake-api-server/reflector-rig.ts';

/** Events that say something else than one would expect. */

describe('a reflector', () => {
  let rig: ReflectorRig;

  beforeEach(async () => {
    rig = await ReflectorRig.following();
  });
  afterEach(() => rig.finish());

  /** A pod that the server does not have, under the version that comes next. */
  function pod(name: string, uid = 'not-there'): Readonly<Record<string, unknown>> {
    rig.server.skipVersions(1);
    const { resourceVersion } = rig.server;
    const labels = { version: 'said' };
    return { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name, uid, labels, resourceVersion } };
  }

  /** The version from which it takes up its watch. */
  async function versionOfTheNextWatch(): Promise<string | undefined> {
    rig.server.endWatches('pods');
    await rig.time.pass(10_000);
    return rig.resumed().at(-1)?.query['resourceVersion'];
  }

  it('goes on to the version of a bookmark, and tells nobody (kubernetes/K57)', async () => {
    rig.server.skipVersions(50);
    rig.server.bookmark();
    await rig.rest();
    expect(rig.heard).toEqual([]);
    expect(await versionOfTheNextWatch()).toBe(rig.server.resourceVersion);
    expect(rig.fullReads()).toEqual([]);
  });

  it('ignores the removal of what it does not know, save for its version (kubernetes/K58)', async () => {
    rig.server.say('pods', { type: 'DELETED', object: pod('unknown') });
    await rig.rest();
    expect(rig.heard).toEqual([]);
    expect(await versionOfTheNextWatch()).toBe(rig.server.resourceVersion);
    expect(rig.followed).toEqual(rig.served);
  });

  it('takes what is added twice for changed (kubernetes/K59)', async () => {
    const { resourceVersion } = rig.server;
    rig.put('a', '2');
    await rig.rest();
    const [a] = rig.server.objects.list('pods');
    rig.server.say('pods', { type: 'ADDED', object: { apiVersion: 'v1', kind: 'Pod', ...a } });
    rig.put('a', '3');
    await rig.rest();
    expect(rig.followed).toEqual(rig.served);
    expect(rig.heard.every((what) => what === 'put default/a')).toBe(true);
    expect(rig.heard.length).toBeGreaterThanOrEqual(2);
    expect(Number(rig.server.resourceVersion)).toBeGreaterThan(Number(resourceVersion));
    expect(rig.requests()).toEqual([]);
  });

  it('takes a change of what it does not know for new (kubernetes/K60)', async () => {
    rig.server.say('pods', { type: 'MODIFIED', object: pod('d') });
    await rig.rest();
    expect(rig.heard).toEqual(['put default/d']);
    expect(rig.replayed.get('default/d')?.text).toBe('said');
    expect(rig.requests()).toEqual([]);
  });

  it('takes the same name with another uid for a removal and something new (kubernetes/K61)', async () => {
    const before = rig.replayed.get('default/a')?.uid;
    rig.server.say('pods', { type: 'MODIFIED', object: pod('a', 'another') });
    await rig.rest();
    expect(rig.heard).toEqual(['remove default/a', 'put default/a']);
    expect(rig.removedUids).toEqual([before]);
    expect(rig.replayed.get('default/a')?.uid).toBe('another');
  });

  it('takes it so too when it was away meanwhile (kubernetes/K61)', async () => {
    const before = rig.replayed.get('default/a')?.uid;
    await rig.server.down();
    rig.remove('a');
    rig.put('a', '2');
    rig.server.forget();
    await rig.server.up();
    await rig.time.pass(60_000);
    expect(rig.heard).toEqual(['remove default/a', 'put default/a']);
    expect(rig.removedUids).toEqual([before]);
    expect(rig.followed).toEqual(rig.served);
  });

  it('takes objects without labels, annotations and managed fields as they are (kubernetes/K62)', async () => {
    rig.server.skipVersions(1);
    const { resourceVersion } = rig.server;
    const bare = { metadata: { namespace: 'default', name: 'bare', uid: 'bare', resourceVersion } };
    rig.server.say('pods', { type: 'ADDED', object: bare });
    rig.put('a', '2');
    await rig.rest();
    expect(rig.heard).toEqual(['put default/bare', 'put default/a']);
    expect(rig.requests()).toEqual([]);
  });

  it('tells of a reading that lacks a tenth exactly that tenth (kubernetes/K63)', async () => {
    for (let number = 0; number < 997; number += 1) rig.put(`p${String(number).padStart(3, '0')}`);
    await rig.time.pass(5_000);
    expect(rig.followed).toEqual(rig.served);
    rig.forget();
    await rig.server.down();
    const gone = rig.server.objects.list('pods').filter((_, index) => index % 10 === 3);
    for (const { metadata } of gone) rig.remove(metadata.name);
    rig.server.forget();
    await rig.server.up();
    await rig.time.pass(60_000);
    expect(rig.heard.toSorted()).toEqual(gone.map(({ metadata }) => `remove default/${metadata.name}`));
    expect(rig.followed).toEqual(rig.served);
    expect(rig.fullReads()).toHaveLength(1);
  });

  it('goes on when its handler throws (kubernetes/K64)', async () => {
    rig.beforeHearing = () => {
      throw new Error('scripted');
    };
    rig.put('a', '2');
    await rig.rest();
    expect(rig.heard).toEqual([]);
    expect(rig.reflector.metrics().handlerErrors).toBe(1);
    rig.beforeHearing = () => undefined;
    rig.put('b', '2');
    await rig.rest();
    expect(rig.heard).toContain('put default/b');
    expect(await versionOfTheNextWatch()).toBe(rig.server.resourceVersion);
    expect(rig.fullReads()).toEqual([]);
  });
});

describe('a reflector of some objects', () => {
  it('says which with every request, and hears of those that come to be of them or cease to be (kubernetes/K72)', async () => {
    const selection = { namespace: 'default', fieldSelector: 'metadata.name!=hidden', labelSelector: 'version!=3' };
    const rig = await ReflectorRig.start({ selection, isLarge: true });
    rig.server.faults.always({ initialEvents: true }, { kind: 'status', code: 422 });
    for (let number = 0; number < 600; number += 1) rig.put(`p${String(number).padStart(3, '0')}`);
    rig.put('a');
    rig.put('b', '3');
    rig.put('hidden');
    rig.put('a', '1', { namespace: 'elsewhere' });
    await rig.follow();
    await rig.time.pass(5_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.followed).toHaveLength(601);
    rig.heard.length = 0;
    rig.put('a', '3');
    rig.put('b', '1');
    rig.put('hidden', '2');
    await rig.rest();
    expect(rig.heard).toEqual(['remove default/a', 'put default/b']);
    const asked = rig.requests().map(({ path, query: { fieldSelector, labelSelector } }) => ({
      path,
      fieldSelector,
      labelSelector,
    }));
    const { namespace: _, ...selectors } = selection;
    const each = { path: '/api/v1/namespaces/default/pods', ...selectors };
    expect(asked).toEqual([each, each, each, each]);
    await rig.finish();
  });
});
