import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ReflectorRig } from '../support/fake-api-server/reflector-rig.ts';
import { transports } from '../support/fake-api-server/transports.ts';

/** Nothing comes: because nothing happens, or because nobody is there. */

describe.each(transports)('a reflector that hears nothing, over $name', ({ tls }) => {
  let rig: ReflectorRig;

  beforeEach(async () => {
    rig = await ReflectorRig.following({ tls });
  });
  afterEach(() => rig.finish());

  it('gives up a watch that is not answered in 30 s, and asks again (kubernetes/K48)', async () => {
    const { resourceVersion } = rig.server;
    const end = rig.server.faults.always({ verb: 'watch' }, { kind: 'no-headers' });
    rig.server.endWatches('pods');
    rig.put('a', '2');
    const minutes = 10;
    await rig.time.pass(minutes * 60_000);
    expect(rig.requests().length).toBeGreaterThan(minutes / 2);
    expect(rig.requests().length).toBeLessThanOrEqual(2 * minutes);
    const [first, second] = rig.requests();
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(30_000);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeLessThan(35_000);
    expect(rig.resumed()[0]?.query['resourceVersion']).toBe(resourceVersion);
    end();
    await rig.time.pass(61_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.heard).toEqual(['put default/a']);
  });

  it('gives up a list that is not answered in 30 s, and asks again (kubernetes/K48)', async () => {
    rig.server.faults.always({ initialEvents: true }, { kind: 'status', code: 422 });
    rig.server.faults.times(2, { verb: 'list' }, { kind: 'no-headers' });
    rig.server.faults.once({ verb: 'watch' }, { kind: 'error-event', code: 410 });
    rig.server.endWatches('pods');
    rig.put('a', '2');
    await rig.time.pass(3 * 60_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.requests({ verb: 'list' })).toHaveLength(3);
  });

  it('leaves a silent watch after some minutes, and goes on from where it was (kubernetes/K49, kubernetes/K26)', async () => {
    const { resourceVersion } = rig.server;
    rig.server.faults.once({ verb: 'watch' }, { kind: 'silence' });
    rig.server.endWatches('pods');
    await rig.time.pass(5_000);
    rig.put('a', '2');
    await rig.time.pass(3 * 60_000 - 10_000);
    // Real bookmarks come as rarely as every two minutes: silence is normal for that long (K26).
    expect(rig.resumed()).toHaveLength(1);
    expect(rig.heard).toEqual([]);
    await rig.time.pass(2 * 60_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.heard).toEqual(['put default/a']);
    expect(rig.fullReads()).toEqual([]);
    expect(rig.resumed().map(({ query }) => query['resourceVersion'])).toEqual([resourceVersion, resourceVersion]);
    expect(rig.reflector.metrics().stalls).toBe(1);
  });

  it('says that it hears nothing while it does not, and that it follows again (kubernetes/K49)', async () => {
    const end = rig.server.faults.always({ verb: 'watch' }, { kind: 'silence' });
    rig.server.endWatches('pods');
    await rig.time.pass(10 * 60_000);
    expect(rig.health).toEqual(['stale']);
    end();
    await rig.time.pass(10 * 60_000);
    expect(rig.health).toEqual(['stale', 'following']);
    expect(rig.heard).toEqual([]);
  });

  it('does for two quiet hours nothing but take up its watch when its time is over (kubernetes/K13, kubernetes/K50)', async () => {
    const [alarms, connections] = [rig.time.alarms, rig.server.connections];
    await rig.time.pass(2 * 60 * 60_000);
    expect(rig.heard).toEqual([]);
    expect(rig.fullReads()).toEqual([]);
    // Watches of 5 to 10 minutes (K13).
    expect(rig.resumed().length).toBeGreaterThanOrEqual(11);
    expect(rig.resumed().length).toBeLessThanOrEqual(24);
    for (const { query } of rig.resumed()) {
      expect(query['allowWatchBookmarks']).toBe('true');
      expect(Number(query['timeoutSeconds'])).toBeGreaterThanOrEqual(300);
      expect(Number(query['timeoutSeconds'])).toBeLessThanOrEqual(600);
    }
    expect(rig.time.alarms).toBeLessThanOrEqual(alarms + 1);
    expect(rig.server.connections).toBeLessThanOrEqual(connections + 1);
    expect(rig.server.openWatches('pods')).toBe(1);
  });
});
