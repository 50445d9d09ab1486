import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ReflectorRig } from '../support/fake-api-server/reflector-rig.ts';
import { transports } from '../support/fake-api-server/transports.ts';

/** Versions that the server does not know any more, or not yet. */

describe.each(transports)('a reflector whose version has expired, over $name', ({ tls }) => {
  let rig: ReflectorRig;

  beforeEach(async () => {
    rig = await ReflectorRig.following({ tls });
  });
  afterEach(() => rig.finish());

  /** While nobody watches, `a` changes, `b` goes and `d` comes; and the version that the reflector has is forgotten. */
  async function missed(): Promise<void> {
    await rig.server.down();
    rig.put('a', '2');
    rig.remove('b');
    rig.put('d');
    rig.server.forget();
    await rig.server.up();
  }

  it('reads all once more, of any version, after an ERROR event 410, and tells what differs (kubernetes/K35)', async () => {
    await missed();
    await rig.time.pass(60_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.heard.toSorted()).toEqual(['put default/a', 'put default/d', 'remove default/b']);
    expect(rig.fullReads()).toHaveLength(1);
    expect(rig.fullReads()[0]?.query['resourceVersion'] ?? '').toBe('');
    expect(rig.resumed().length).toBeLessThanOrEqual(3);
    expect(rig.reflector.metrics().expired).toBe(1);
  });

  it('does the same after an answer 410 (kubernetes/K36)', async () => {
    rig.server.faults.once({ verb: 'watch' }, { kind: 'status', code: 410 });
    await missed();
    await rig.time.pass(60_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.heard.toSorted()).toEqual(['put default/a', 'put default/d', 'remove default/b']);
    expect(rig.fullReads()).toHaveLength(1);
    expect(rig.fullReads()[0]?.query['resourceVersion'] ?? '').toBe('');
  });

  it('changes nothing when nothing has changed (kubernetes/K35)', async () => {
    rig.server.faults.once({ verb: 'watch' }, { kind: 'error-event', code: 410 });
    rig.server.endWatches('pods');
    await rig.time.pass(60_000);
    expect(rig.heard).toEqual([]);
    expect(rig.fullReads()).toHaveLength(1);
    rig.put('a', '2');
    await rig.rest();
    expect(rig.followed).toEqual(rig.served);
  });

  it('asks ever more slowly when everything expires for ever (kubernetes/K38)', async () => {
    const end = rig.server.faults.always({ verb: 'watch' }, { kind: 'error-event', code: 410 });
    rig.server.endWatches('pods');
    const minutes = 20;
    await rig.time.pass(minutes * 60_000);
    // 0.8 s, doubled up to 30 s: seven rounds in the first minute, then two a minute. A round is a watch that is refused, a list, and
    // perhaps a watch with everything that is refused too.
    const rounds = 7 + 2 * minutes;
    expect(rig.requests().length).toBeLessThanOrEqual(3 * rounds);
    expect(rig.requests().length).toBeGreaterThan(minutes / 2);
    expect(rig.heard).toEqual([]);
    end();
    rig.put('a', '2');
    await rig.time.pass(61_000);
    expect(rig.followed).toEqual(rig.served);
  });
});

describe.each(transports)('a reflector that reads page by page, over $name', ({ tls }) => {
  let rig: ReflectorRig;

  beforeEach(async () => {
    rig = await ReflectorRig.start({ tls, isLarge: true });
    // Without WatchList, a large kind is listed in pages.
    rig.server.faults.always({ initialEvents: true }, { kind: 'status', code: 422 });
    for (let number = 0; number < 1_200; number += 1) rig.put(`p${String(number).padStart(4, '0')}`);
  });
  afterEach(() => rig.finish());

  it('gets them all (kubernetes/K12)', async () => {
    await rig.follow();
    await rig.time.pass(1_000);
    expect(rig.followed).toEqual(rig.served);
    const lists = rig.requests({ verb: 'list' });
    expect(lists.map(({ query }) => query['limit'])).toEqual(['500', '500', '500']);
    expect(lists.every(({ query }) => (query['resourceVersion'] ?? '') === '')).toBe(true);
  });

  it('begins anew when a page has expired, and makes nothing of the pages before it (kubernetes/K37)', async () => {
    rig.server.faults.once({ continued: true }, { kind: 'status', code: 410 });
    await rig.follow();
    expect(rig.heard).toEqual([]);
    rig.remove('p0000');
    await rig.time.pass(5_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.heard).not.toContain('put default/p0000');
    expect(rig.requests({ verb: 'list', continued: false })).toHaveLength(2);
    expect(rig.requests({ verb: 'list' })).toHaveLength(5);
  });
});

describe.each(transports)('a reflector that is ahead of its server, over $name', ({ tls }) => {
  let rig: ReflectorRig;

  beforeEach(async () => {
    rig = await ReflectorRig.following({ tls });
    rig.server.faults.always({ initialEvents: true }, { kind: 'status', code: 422 });
  });
  afterEach(() => rig.finish());

  it('takes what there is when its version is too large (kubernetes/K39)', async () => {
    const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }];
    rig.server.faults.once({ verb: 'list' }, { kind: 'status', code: 504, causes, retryAfterSeconds: 1 });
    // Something that makes it list again with the version that it has.
    rig.server.say('pods', { type: 'ADDED', object: {} });
    rig.put('a', '2');
    await rig.time.pass(60_000);
    expect(rig.followed).toEqual(rig.served);
    const [tooLarge, anything, ...others] = rig.requests({ verb: 'list' });
    expect(tooLarge?.query['resourceVersion'] ?? '').not.toBe('');
    expect(anything?.query['resourceVersion'] ?? '').toBe('');
    expect(others).toEqual([]);
  });
});
