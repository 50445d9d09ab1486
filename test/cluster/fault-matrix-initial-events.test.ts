import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ReflectorRig } from '../support/fake-api-server/reflector-rig.ts';
import { transports } from '../support/fake-api-server/transports.ts';

/** Watches that are asked to begin with everything, and do not. */

describe.each(transports)('a reflector that asks for the initial events, over $name', ({ tls }) => {
  let rig: ReflectorRig;

  beforeEach(async () => {
    rig = await ReflectorRig.start({ tls });
    for (const name of ['a', 'b', 'c']) rig.put(name);
  });
  afterEach(() => rig.finish());

  const all = ['put default/a', 'put default/b', 'put default/c', 'synced'];

  it('asks for them as the server wants it, and needs no list (kubernetes/K16, kubernetes/K153)', async () => {
    await rig.follow();
    expect(rig.heard).toEqual(all);
    const [request, ...others] = rig.requests();
    expect(others).toEqual([]);
    expect(request?.query).toMatchObject({
      watch: expect.stringMatching(/^(true|1)$/),
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: 'true',
    });
  });

  it.each([
    ['an answer 422', { kind: 'status', code: 422 }],
    ['an answer 400', { kind: 'status', code: 400 }],
    ['an ERROR event 500', { kind: 'error-event', code: 500 }],
  ] as const)('lists when it is refused by %s (kubernetes/K55)', async (_, fault) => {
    rig.server.faults.always({ initialEvents: true }, fault);
    await rig.follow();
    await rig.time.pass(5_000);
    expect(rig.heard).toEqual(all);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.requests({ verb: 'watch', initialEvents: true }).length).toBeLessThanOrEqual(2);
    expect(rig.requests({ verb: 'list' })).toHaveLength(1);
    rig.remove('b');
    await rig.rest();
    expect(rig.followed).toEqual(rig.served);
  });

  it.each([
    ['ends', { kind: 'close', afterLines: 2 }],
    ['breaks', { kind: 'reset', afterLines: 2, bytes: 20 }],
    ['fails', { kind: 'error-event', code: 500, afterLines: 2 }],
    ['holds no JSON', { kind: 'line', text: '{"type"', afterLines: 2 }],
  ] as const)('makes nothing of a beginning that %s before its end (kubernetes/K56)', async (_, fault) => {
    rig.server.faults.once({ initialEvents: true }, fault);
    await rig.follow();
    expect(rig.heard.length === 0 || rig.heard.length === 4).toBe(true);
    expect(rig.server.openWatches('pods')).toBeLessThanOrEqual(1);
    rig.remove('a');
    await rig.time.pass(60_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.fullReads().length).toBeLessThanOrEqual(3);
  });

  it('serves what it had until a new beginning is whole (kubernetes/K56)', async () => {
    await rig.follow();
    await rig.time.pass(150_000);
    rig.forget();
    rig.server.faults.once({ verb: 'watch', initialEvents: false }, { kind: 'error-event', code: 410 });
    rig.server.faults.once({ initialEvents: true }, { kind: 'silence', afterLines: 1 });
    const busy = rig.server.faults.always({ verb: 'list' }, { kind: 'status', code: 503 });
    rig.server.endWatches('pods');
    rig.remove('b');
    await rig.time.pass(60_000);
    expect(rig.heard).toEqual([]);
    busy();
    await rig.time.pass(15 * 60_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.heard).toEqual(['remove default/b']);
    expect(rig.requests().length).toBeLessThanOrEqual(30);
  });

  it('does not take the versions of initial events for where it is (kubernetes/K17)', async () => {
    // In the order of their names, not of their versions: the last one is the oldest.
    rig.put('a', '2');
    rig.server.faults.once({ initialEvents: true }, { kind: 'close', afterLines: 4 });
    await rig.follow();
    const { resourceVersion } = rig.server;
    await rig.time.pass(10_000);
    for (const { query } of rig.resumed()) expect(query['resourceVersion']).toBe(resourceVersion);
    expect(rig.heard.filter((what) => what === 'put default/a')).toHaveLength(1);
    expect(rig.followed).toEqual(rig.served);
  });
});
