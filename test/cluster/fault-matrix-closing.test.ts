import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ReflectorRig } from '../support/fake-api-server/reflector-rig.ts';
import { transports } from '../support/fake-api-server/transports.ts';

/** Watches that end, well or badly. */

describe.each(transports)('a reflector whose watch ends, over $name', ({ tls }) => {
  let rig: ReflectorRig;

  beforeEach(async () => {
    rig = await ReflectorRig.following({ tls });
  });
  afterEach(() => rig.finish());

  it('goes on from where it was after an ERROR event 500 (kubernetes/K40)', async () => {
    rig.put('a', '2');
    await rig.rest();
    const { resourceVersion } = rig.server;
    rig.server.faults.times(2, { verb: 'watch' }, { kind: 'error-event', code: 500 });
    rig.server.endWatches('pods');
    rig.put('a', '3');
    await rig.time.pass(30_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.fullReads()).toEqual([]);
    expect(rig.resumed().map(({ query }) => query['resourceVersion'])).toEqual(Array(3).fill(resourceVersion));
  });

  it('reads all again when there is nothing but ERROR events 500 for a long time (kubernetes/K40)', async () => {
    const end = rig.server.faults.always({ verb: 'watch', initialEvents: false }, { kind: 'error-event', code: 500 });
    rig.server.endWatches('pods');
    rig.put('a', '2');
    rig.remove('b');
    await rig.time.pass(10 * 60_000);
    expect(rig.fullReads().length).toBeGreaterThan(0);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.requests().length).toBeLessThanOrEqual(60);
    end();
    rig.put('c', '2');
    await rig.time.pass(61_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.heard.filter((what) => what.startsWith('remove'))).toEqual(['remove default/b']);
  });

  it('takes a watch that ends at once for a failure (kubernetes/K41)', async () => {
    const end = rig.server.faults.always({ verb: 'watch' }, { kind: 'close' });
    rig.server.endWatches('pods');
    await rig.time.pass(10 * 60_000);
    // 0.8 s, doubled up to 30 s.
    expect(rig.requests().length).toBeLessThanOrEqual(40);
    expect(rig.requests().length).toBeGreaterThan(5);
    expect(rig.reflector.metrics().shortWatches).toBe(rig.requests().length);
    expect(rig.heard).toEqual([]);
    end();
    rig.put('a', '2');
    await rig.time.pass(61_000);
    expect(rig.followed).toEqual(rig.served);
  });

  it('drops half a line, and hears the whole of it later (kubernetes/K42)', async () => {
    const { resourceVersion } = rig.server;
    rig.server.faults.times(20, { verb: 'watch' }, { kind: 'reset', bytes: 40 });
    rig.server.endWatches('pods');
    rig.put('a', '2');
    await rig.time.pass(20 * 60_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.heard).toEqual(['put default/a']);
    expect(rig.fullReads()).toEqual([]);
    expect(
      rig
        .resumed()
        .slice(0, 21)
        .map(({ query }) => query['resourceVersion']),
    ).toEqual(Array(21).fill(resourceVersion));
  });

  it('reads all again when a list breaks off, and takes nothing of the half (kubernetes/K42)', async () => {
    rig.server.faults.always({ initialEvents: true }, { kind: 'status', code: 422 });
    rig.server.faults.once({ verb: 'list' }, { kind: 'reset', bytes: 300 });
    rig.server.faults.once({ verb: 'watch' }, { kind: 'error-event', code: 410 });
    rig.server.endWatches('pods');
    rig.remove('c');
    await rig.time.pass(30_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.heard).toEqual(['remove default/c']);
    expect(rig.requests({ verb: 'list' })).toHaveLength(2);
  });
});

describe.each(transports)('a reflector that is stopped, over $name', ({ tls }) => {
  /** What goes on when it is stopped. What comes before is done, if it has to be. */
  interface Scene {
    readonly before?: (rig: ReflectorRig) => Promise<void>;
    readonly during?: (rig: ReflectorRig) => void;
  }

  const scenes: Readonly<Record<string, Scene>> = {
    'the initial events': {},
    'a list': { during: ({ server }) => server.faults.always({ initialEvents: true }, { kind: 'status', code: 422 }) },
    'a refusal': { during: ({ server }) => server.faults.always({}, { kind: 'status', code: 429 }) },
    'a reset': { during: ({ server }) => server.faults.always({}, { kind: 'reset', bytes: 30 }) },
    'no answer': { during: ({ server }) => server.faults.always({}, { kind: 'no-headers' }) },
    'an event': {
      before: (rig) => rig.follow(),
      during: (rig) => rig.put('a', '2'),
    },
    'the end of a watch': {
      before: (rig) => rig.follow(),
      during: ({ server }) => server.endWatches('pods'),
    },
    'the loss of a server': {
      before: (rig) => rig.follow(),
      during: ({ server }) => void server.down(),
    },
    'the reading of all once more': {
      before: (rig) => rig.follow(),
      during: ({ server }) => {
        server.faults.always({ verb: 'watch', initialEvents: false }, { kind: 'error-event', code: 410 });
        server.endWatches('pods');
      },
    },
  };

  it.each(Object.entries(scenes))(
    'in the middle of %s asks, waits and tells no more, and has settled (kubernetes/K43)',
    async (_, { before, during }) => {
      for (let turns = 0; turns < 32; turns += 1) {
        const rig = await ReflectorRig.start({ tls });
        for (const name of ['a', 'b', 'c']) rig.put(name);
        await before?.(rig);
        during?.(rig);
        if (before === undefined) rig.run();
        for (let turn = 0; turn < turns / 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        // Also between what one turn sets off.
        for (let step = 0; step < turns % 5; step += 1) await Promise.resolve();
        const ended = rig.end();
        const [heard, health] = [rig.heard.length, rig.health.length];
        await ended;
        // A request may be on its way.
        await rig.rest();
        const asked = rig.requests().length;
        await rig.server.up();
        rig.put('b', '2');
        await rig.time.pass(10 * 60_000);
        expect([rig.heard.length, rig.health.length, rig.requests().length]).toEqual([heard, health, asked]);
        expect(rig.server.openWatches('pods')).toBe(0);
        rig.client.close();
        await rig.rest();
        expect([rig.server.connections, rig.time.alarms]).toEqual([0, 0]);
        await rig.stop();
      }
    },
  );
});
