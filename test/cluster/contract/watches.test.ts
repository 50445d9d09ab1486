import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { refusal, Session, summary, type WatchSession } from './session.ts';
import { subjects, type ContractServer } from './subjects.ts';

const streamingList = { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: 'true' };

describe.each(subjects)('watches of $name', (subject) => {
  let server: ContractServer;
  let session: Session;
  const opened: WatchSession[] = [];

  beforeAll(async () => {
    server = await subject.start();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    session = await Session.begin(server.client);
  });
  afterEach(() => {
    for (const watch of opened.splice(0)) watch.close();
  });

  async function watch(query: Readonly<Record<string, string>> = {}, kind = 'secrets'): Promise<WatchSession> {
    const watching = await session.watch(kind, query);
    opened.push(watching);
    return watching;
  }

  function secret(name: string, labels: Readonly<Record<string, string>> = {}) {
    return session.create('secrets', { metadata: { name, labels } });
  }

  it('tell what happens after the version that they start from (kubernetes/K13)', async () => {
    await secret('before');
    const { metadata } = await session.list('secrets');
    const watching = await watch({ resourceVersion: metadata.resourceVersion });
    const made = await secret('a');
    const changed = await session.merge('secrets', 'a', { metadata: { labels: { x: 'y' } } });
    await session.delete('secrets', 'a');
    const [added, modified, deleted] = [await watching.next(), await watching.next(), await watching.next()];
    expect([added, modified, deleted].map(summary)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a']);
    expect(added?.object).toMatchObject({ apiVersion: 'v1', kind: 'Secret' });
    expect(added?.object.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
    expect(modified?.object.metadata.resourceVersion).toBe(changed.metadata.resourceVersion);
    // The version of the deletion, with the object as it last was.
    expect(deleted?.object.metadata.labels).toEqual({ x: 'y' });
    expect(deleted?.object.metadata.resourceVersion).not.toBe(changed.metadata.resourceVersion);
    await secret('b');
    const resumed = await watch({ resourceVersion: deleted?.object.metadata.resourceVersion ?? '' });
    expect(await resumed.take(1)).toEqual(['ADDED b']);
  });

  it('start with what there is when they are given no version', async () => {
    await secret('a');
    await secret('b');
    expect([...(await (await watch()).take(2))].sort()).toEqual(['ADDED a', 'ADDED b']);
  });

  it('show as removed what ceases to be selected, and as added what begins to be (kubernetes/K72)', async () => {
    const { metadata } = await session.list('secrets');
    const watching = await watch({ resourceVersion: metadata.resourceVersion, labelSelector: 'team=blue' });
    await secret('other', { team: 'red' });
    await secret('a', { team: 'blue' });
    await session.merge('secrets', 'a', { metadata: { labels: { team: 'red' } } });
    await session.merge('secrets', 'a', { metadata: { labels: { team: 'blue' } } });
    expect(await watching.take(3)).toEqual(['ADDED a', 'DELETED a', 'ADDED a']);
  });

  it('can begin with everything and say where that ends (kubernetes/K16, kubernetes/K153)', async () => {
    await secret('a');
    await secret('b');
    const watching = await watch(streamingList);
    expect([...(await watching.take(2))].sort()).toEqual(['ADDED a', 'ADDED b']);
    const end = await watching.next();
    expect(end?.type).toBe('BOOKMARK');
    expect(end?.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
    await secret('c');
    expect(await watching.take(1)).toEqual(['ADDED c']);
    const resumed = await watch({ resourceVersion: end?.object.metadata.resourceVersion ?? '' });
    expect(await resumed.take(1)).toEqual(['ADDED c']);
  });

  it('never say where the beginning ends without leave to send bookmarks (kubernetes/K153)', async () => {
    await secret('a');
    const watching = await watch({ sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' });
    expect(await watching.take(1)).toEqual(['ADDED a']);
    await secret('b');
    expect(await watching.take(1)).toEqual(['ADDED b']);
  });

  it('cannot begin with everything as of no matter when (kubernetes/K153)', async () => {
    const refused = await refusal(watch({ sendInitialEvents: 'true', allowWatchBookmarks: 'true' }));
    expect(refused).toMatchObject({ status: 422, reason: 'Invalid' });
  });

  it('send a bookmark before their time is up, and then end without an error (kubernetes/K13)', async () => {
    const { resourceVersion } = (await session.list('secrets')).metadata;
    const watching = await watch({ resourceVersion, allowWatchBookmarks: 'true', timeoutSeconds: '4' });
    // Nothing new, no bookmark.
    const made = await secret('a');
    expect(await watching.take(1)).toEqual(['ADDED a']);
    const bookmark = await watching.next();
    expect(bookmark?.type).toBe('BOOKMARK');
    const { metadata, ...rest } = bookmark?.object ?? made;
    expect(rest).toEqual(expect.objectContaining({ apiVersion: 'v1', kind: 'Secret' }));
    expect(Number(metadata.resourceVersion)).toBeGreaterThanOrEqual(Number(made.metadata.resourceVersion));
    let next = await watching.next();
    while (next?.type === 'BOOKMARK') next = await watching.next();
    expect(summary(next)).toBe('end');
  });

  it('end when the server does, go on from the newest version, and know older ones no more (kubernetes/K14, kubernetes/K154)', async () => {
    const { metadata } = await session.list('secrets');
    await secret('a');
    const newest = await secret('b');
    const broken = await watch({ resourceVersion: newest.metadata.resourceVersion });
    const ending = broken.next().then(summary, () => 'broken');
    await server.restart();
    expect(['end', 'broken']).toContain(await ending);

    const stale = await watch({ resourceVersion: metadata.resourceVersion });
    const told = await stale.next();
    expect(told).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } });
    expect(summary(await stale.next())).toBe('end');

    const current = (await session.list('secrets')).metadata.resourceVersion;
    const resumed = await watch({ resourceVersion: current });
    await secret('c');
    expect(await resumed.take(1)).toEqual(['ADDED c']);
  });
});
