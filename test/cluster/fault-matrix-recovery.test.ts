import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ReflectorRig } from '../support/fake-api-server/reflector-rig.ts';
import { transports } from '../support/fake-api-server/transports.ts';

/** How soon a reflector has again what the server has, and how soon one sees that it may not. */

/** Each breaks the watch, or says something odd on it. */
const faults: Readonly<Record<string, (rig: ReflectorRig) => Promise<void> | void>> = {
  'an expired version': ({ server }) => {
    server.faults.once({ verb: 'watch', initialEvents: false }, { kind: 'error-event', code: 410 });
    server.endWatches('pods');
  },
  'a version that is refused': ({ server }) => {
    server.faults.once({ verb: 'watch', initialEvents: false }, { kind: 'status', code: 410 });
    server.endWatches('pods');
  },
  'a list that breaks off': ({ server }) => {
    server.faults.once({ verb: 'watch', initialEvents: false }, { kind: 'error-event', code: 410 });
    server.faults.once({ initialEvents: true }, { kind: 'status', code: 422 });
    server.faults.once({ verb: 'list' }, { kind: 'reset', bytes: 200 });
    server.endWatches('pods');
  },
  'a list without items': ({ server }) => {
    const text = '{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"101"}}';
    server.faults.once({ verb: 'watch', initialEvents: false }, { kind: 'status', code: 410 });
    server.faults.once({ initialEvents: true }, { kind: 'status', code: 422 });
    server.faults.once({ verb: 'list' }, { kind: 'body', text });
    server.endWatches('pods');
  },
  'a line that is no JSON': ({ server }) => {
    server.faults.once({ verb: 'watch', initialEvents: false }, { kind: 'line', text: '{"type":"MODIF' });
    server.endWatches('pods');
  },
  'half a line': ({ server }) => {
    server.faults.once({ verb: 'watch' }, { kind: 'reset', bytes: 25 });
    server.endWatches('pods');
  },
  'a dead socket': async ({ server }) => {
    await server.down();
    await server.up();
  },
  'a restart': ({ server }) => server.restart(),
  'what is said twice': ({ server }) => {
    for (const pod of server.objects.list('pods')) server.say('pods', { type: 'ADDED', object: { ...pod } });
  },
  'a removal of nothing': ({ server }) => {
    const metadata = { namespace: 'default', name: 'nobody', uid: 'nobody', resourceVersion: server.resourceVersion };
    server.say('pods', { type: 'DELETED', object: { metadata } });
  },
};

describe.each(transports)('a reflector over $name', ({ tls }) => {
  let rig: ReflectorRig;

  beforeEach(async () => {
    rig = await ReflectorRig.following({ tls });
  });
  afterEach(() => rig.finish());

  it('has after each of 500 faults what the server has within 30 s (reliability/SC9)', async () => {
    const removed = new Set<string>();
    const remove = (name: string): void => {
      const uid = rig.server.objects.get('pods', `default/${name}`)?.metadata.uid;
      if (uid !== undefined) removed.add(uid);
      rig.remove(name);
    };
    const choices = fc.tuple(
      fc.constantFrom(...Object.keys(faults)),
      fc.constantFrom('a', 'b', 'c'),
      fc.nat({ max: 3 }),
    );
    for (const [fault, name, edit] of fc.sample(choices, { seed: 9, numRuns: 500 })) {
      await faults[fault]?.(rig);
      if (edit === 0) remove(name);
      else rig.put(name, String(edit));
      await rig.time.pass(30_000);
      expect({ fault, objects: rig.followed }).toEqual({ fault, objects: rig.served });
      expect({ fault, unused: rig.server.faults.unused }).toEqual({ fault, unused: [] });
      // Faults that follow each other closely are answered ever more slowly: these do not.
      await rig.time.pass(125_000);
    }
    expect(rig.removedUids.filter((uid) => !removed.has(uid))).toEqual([]);
  });

  it('gives up a list that comes byte by byte, one a second, and asks for another (kubernetes/K47)', async () => {
    rig.server.faults.once({ verb: 'watch' }, { kind: 'status', code: 410 });
    rig.server.faults.always({ initialEvents: true }, { kind: 'status', code: 422 });
    rig.server.faults.once({ verb: 'list' }, { kind: 'drip', bytes: 1, everyMs: 1_000 });
    rig.server.endWatches('pods');
    rig.put('a', '2');
    await rig.time.pass(10 * 60_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.requests({ verb: 'list' })).toHaveLength(2);
  });

  it('shows a stall within 90 s, and no stall where there is only nothing to say (reliability/SC9)', async () => {
    const longest = (): number => rig.reflector.metrics().silenceMs ?? Infinity;
    for (let minutes = 0; minutes < 60; minutes += 0.5) {
      await rig.time.pass(30_000);
      expect(longest()).toBeLessThanOrEqual(61_000);
    }
    for (let stalls = 0; stalls < 30; stalls += 1) {
      rig.server.faults.once({ verb: 'watch' }, { kind: 'silence' });
      rig.server.endWatches('pods');
      await rig.time.pass(90_000);
      expect(longest()).toBeGreaterThanOrEqual(88_000);
      await rig.time.pass(10 * 60_000);
      expect(longest()).toBeLessThanOrEqual(61_000);
    }
    expect(rig.reflector.metrics().stalls).toBe(30);
    expect(rig.heard).toEqual([]);
    expect(rig.fullReads()).toEqual([]);
  });

  it.each([1, 5, 30])(
    'has what the server has within 30 s of its return, %i minutes away (reliability/SC9)',
    async (minutes) => {
      await rig.server.down();
      rig.put('a', 'while it was away');
      await rig.time.pass(minutes * 60_000);
      expect(rig.health).toContain('stale');
      // What it kept is too old by then: the first answer says so.
      await rig.server.restart();
      await rig.server.up();
      await rig.time.pass(30_000);
      expect(rig.followed).toEqual(rig.served);
      expect(rig.removedUids).toEqual([]);
    },
  );

  it('finds within twelve hours what it was never told, and counts it (kubernetes/K20)', async () => {
    const [a] = rig.server.objects.list('pods');
    rig.server.say('pods', { type: 'DELETED', object: { ...a } });
    await rig.rest();
    expect(rig.heard).toEqual(['remove default/a']);
    await rig.time.pass(12.5 * 60 * 60_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.heard).toEqual(['remove default/a', 'put default/a']);
    expect(rig.reflector.metrics().drift).toBe(1);
    expect(rig.fullReads()).toHaveLength(1);
  });
});

describe('a reflector over HTTP/2 whose server dies without a word', () => {
  it('says so within 90 s, and follows again when it is back (kubernetes/K7, kubernetes/K21, reliability/SC9)', async () => {
    const rig = await ReflectorRig.following({ tls: true, relayed: true });
    for (let deaths = 0; deaths < 10; deaths += 1) {
      rig.relay?.die();
      rig.put('a', `dead ${deaths}`);
      await rig.time.pass(90_000);
      expect(rig.health).toEqual(['stale']);
      expect(rig.heard).toEqual([]);
      await rig.time.pass(deaths * 60_000);
      rig.relay?.revive();
      // It may be waiting for an answer (30 s), and then once more before it asks again (up to 60 s).
      await rig.time.pass(95_000);
      expect(rig.followed).toEqual(rig.served);
      expect(rig.health).toEqual(['stale', 'following']);
      expect(rig.heard).toEqual(['put default/a']);
      expect(rig.fullReads()).toEqual([]);
      await rig.time.pass(125_000);
      rig.forget();
    }
    await rig.finish();
  });
});
