import { describe, expect, it } from 'vitest';
import { SubscriptionRig } from '../../test/support/subscription-rig.ts';

type TypeName = 'cluster' | 'endpoints' | 'listener' | 'routes';

function settled(wire: 'delta' | 'sotw', type: TypeName, world: Record<string, string>): SubscriptionRig {
  const rig = new SubscriptionRig(type, wire);
  rig.change(world);
  const names = type === 'cluster' || type === 'listener' ? [] : ['a', 'b', 'c', 'd'];
  if (wire === 'delta') rig.delta({ subscribe: names });
  else rig.sotw(names);
  rig.exchange(names);
  return rig;
}

describe('a NACK', () => {
  it.each(['sotw', 'delta'] as const)(
    'is a request with an error, and nothing else is (xds-protocol/X48): %s',
    (wire) => {
      const kinds = [{ version: '' }, { version: 'old' }, { version: 'new' }].flatMap(({ version }) =>
        [undefined, { code: 3, message: 'no' }, { code: 14, message: '' }].map((error) => {
          const rig = new SubscriptionRig('cluster', wire);
          rig.change({ a: '1' });
          if (wire === 'delta') rig.delta({});
          else rig.sotw([]);
          const nonce = rig.flush()?.nonce ?? '';
          return wire === 'delta' ? rig.delta({ nonce, error }).kind : rig.sotw([], { nonce, error, version }).kind;
        }),
      );
      expect(kinds).toEqual(Array.from({ length: 3 }, () => ['acked', 'nacked', 'nacked']).flat());
    },
  );

  it.each([
    ['delta', 'cluster'],
    ['delta', 'routes'],
    ['sotw', 'cluster'],
    ['sotw', 'routes'],
  ] as const)('is not answered with the same content (xds-protocol/X49, xds-protocol/X102): %s %s', (wire, type) => {
    const rig = settled(wire, type, { a: '1' });
    rig.change({ a: 'bad' });
    expect(rig.flush()?.resources).toEqual(['a@bad']);
    rig.nack('Error adding a: bad', type === 'routes' ? ['a', 'b', 'c', 'd'] : []);
    expect(rig.flush()).toBeUndefined();
    rig.now = 1e9;
    expect(rig.flush()).toBeUndefined();
    rig.change({ a: 'good' });
    expect(rig.flush()?.resources).toEqual(['a@good']);
  });

  it.each(['sotw', 'delta'] as const)(
    'of content that is on its way anew leaves nothing behind once that is accepted (xds-protocol/X301, xds-protocol/X53): %s',
    (wire) => {
      const answer = (nonce: string | undefined, error?: { readonly code: number; readonly message: string }) =>
        wire === 'delta' ? rig.delta({ nonce: nonce ?? '', error }) : rig.sotw([], { nonce: nonce ?? '', error });
      const rig = settled(wire, 'cluster', { a: '1' });
      rig.change({ a: 'bad' });
      const refused = rig.flush()?.nonce;
      rig.change({ a: '1' });
      rig.now += 1_000;
      const mended = rig.flush();
      expect(mended?.resources).toEqual(['a@1']);
      answer(refused, { code: 13, message: 'Error adding a: bad' });
      answer(mended?.nonce);
      expect(rig.flush()).toBeUndefined();
      expect(rig.subscription.lastNack).toBeUndefined();
    },
  );

  it('is not answered with the same content when something else changes', () => {
    const rig = settled('delta', 'cluster', { a: '1', b: '1' });
    rig.change({ a: 'bad' });
    rig.flush();
    rig.nack('Error adding/updating cluster(s) a: bad');
    rig.change({ b: '2' });
    expect(rig.exchange()).toMatchObject([{ resources: ['b@2'] }]);
  });

  it('is not answered with the same content when what refers to it changes', () => {
    const rig = settled('delta', 'endpoints', { a: '1' });
    rig.change({ a: 'bad' });
    rig.flush();
    rig.nack('a is bad');
    rig.subscription.force(['a'], 'cluster-a', true, 0);
    expect(rig.flush()).toBeUndefined();
  });

  it('is answered when the client asks for the name again (xds-protocol/X49)', () => {
    const rig = settled('delta', 'endpoints', { a: '1' });
    rig.change({ a: 'bad' });
    rig.flush();
    rig.nack('a is bad');
    rig.delta({ subscribe: ['a'] });
    expect(rig.flush()?.resources).toEqual(['a@bad']);
  });

  it.each(['sotw', 'delta'] as const)('does not hide the wishes beside it (xds-protocol/X50): %s', (wire) => {
    const rig = settled(wire, 'endpoints', { a: '1', b: '1' });
    rig.change({ a: 'bad' });
    const nonce = rig.flush()?.nonce ?? '';
    const error = { code: 14, message: 'a is bad' };
    if (wire === 'sotw') {
      rig.sotw(['a'], { nonce, error });
      // grpc-js-xds repeats nonce and error when it unsubscribes.
      expect(rig.sotw([], { nonce, error }).kind).toBe('none');
    } else rig.delta({ nonce, error, unsubscribe: ['a', 'b', 'c', 'd'] });
    expect(rig.subscription.named.size).toBe(0);
    rig.change({ a: '2', b: '2' });
    expect(rig.flush()).toBeUndefined();
    expect(rig.subscription.lastNack).toBeUndefined();
  });

  it('frees the slot (xds-protocol/X52)', () => {
    const rig = settled('delta', 'cluster', { a: '1', b: '1' });
    rig.change({ a: 'bad' });
    rig.flush();
    rig.change({ b: '2' });
    expect(rig.flush()).toBeUndefined();
    rig.nack('a is bad');
    expect(rig.flush()?.resources).toEqual(['b@2']);
  });

  it('is kept with the first KiB of its words, the names at fault and the objects behind them (xds-protocol/X53)', () => {
    const rig = settled('delta', 'cluster', { b: '1' });
    const origin = { source: 'files', file: 'mesh/a.yaml', document: 1, line: 3 };
    const object = { kind: 'networking.istio.io/DestinationRule', namespace: 'shop', name: 'reviews', origin };
    rig.change({ a: 'bad' }, { provenance: [{ ...object, path: 'spec.trafficPolicy' }] });
    rig.flush();
    rig.now = 5;
    rig.nack(`cluster a: ${'x'.repeat(2000)}`);
    const nack = rig.subscription.lastNack;
    expect(nack).toMatchObject({ at: 5, names: ['a'], objects: [{ name: 'reviews', path: 'spec.trafficPolicy' }] });
    expect(Buffer.byteLength(nack?.message ?? '')).toBe(1024);
    rig.change({ a: 'good' });
    rig.exchange();
    expect(rig.subscription.lastNack).toBeUndefined();
  });

  it('leaves what was held before it known: going back to it is sent', () => {
    const rig = settled('delta', 'cluster', { a: '1' });
    rig.change({ a: 'bad' });
    rig.flush();
    rig.nack('a is bad');
    // What the client runs now is not certain (X304), so it is told even of what it had.
    rig.change({ a: '1' });
    expect(rig.exchange()).toMatchObject([{ resources: ['a@1'] }]);
  });

  it('of something that changed meanwhile lets the new content go', () => {
    const rig = settled('delta', 'cluster', { a: '1' });
    rig.change({ a: 'bad' });
    rig.flush();
    rig.change({ a: '1' });
    rig.nack('a is bad');
    expect(rig.exchange()).toMatchObject([{ resources: ['a@1'] }]);
  });
});

describe('a NACK of several resources', () => {
  it('that names the bad one: the others go again, alone and once (xds-protocol/X304, xds-protocol/X51)', () => {
    const rig = settled('delta', 'cluster', {});
    rig.change({ good: '1', bad: '1', fine: '1' });
    rig.flush();
    rig.nack('Error adding/updating cluster(s) bad: no such thing');
    expect(rig.exchange()).toMatchObject([{ resources: ['good@1', 'fine@1'] }]);
    rig.change({ bad: '2' });
    expect(rig.exchange()).toMatchObject([{ resources: ['bad@2'] }]);
  });

  it('that names nobody: halves go again until the bad one is alone (xds-protocol/X51)', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const rig = settled('delta', 'cluster', {});
    rig.change(Object.fromEntries(names.map((name) => [name, name === 'f' ? 'bad' : 'ok'])));
    const accepted = new Set<string>();
    const refused: string[] = [];
    for (let sent = rig.flush(); sent !== undefined; sent = rig.flush()) {
      if (sent.resources.includes('f@bad')) {
        refused.push(sent.resources.join());
        rig.nack('Invalid duration');
      } else {
        for (const resource of sent.resources) accepted.add(resource);
        rig.ack();
      }
    }
    expect([...accepted].toSorted()).toEqual(['a@ok', 'b@ok', 'c@ok', 'd@ok', 'e@ok', 'g@ok', 'h@ok']);
    expect(refused).toHaveLength(4);
    expect(new Set(refused).size).toBe(4);
    expect(rig.subscription.lastNack?.names).toEqual(['f']);
  });

  it('sends again what is newer, not what was refused', () => {
    const rig = settled('delta', 'cluster', {});
    rig.change({ good: '1', bad: '1' });
    rig.flush();
    rig.change({ good: '2' });
    rig.nack('cluster bad: no');
    expect(rig.exchange()).toMatchObject([{ resources: ['good@2'] }]);
  });

  it('sends again what changed and changed back, since nobody knows what the client has of it (xds-protocol/X304)', () => {
    const rig = settled('delta', 'cluster', { good: '1' });
    rig.change({ good: '2', bad: '1' });
    rig.flush();
    rig.nack('cluster bad: no');
    rig.change({ good: '3' });
    rig.change({ good: '2' });
    expect(rig.exchange()).toMatchObject([{ resources: ['good@2'] }]);
  });

  it('sends again what changed before the NACK and changed back after it (xds-protocol/X304)', () => {
    const rig = settled('delta', 'cluster', { good: '1' });
    rig.change({ good: '2', bad: '1' });
    rig.flush();
    rig.change({ good: '3' });
    rig.nack('cluster bad: no');
    rig.change({ good: '2' });
    expect(rig.exchange()).toMatchObject([{ resources: ['good@2'] }]);
  });

  it('sends removals again that were in it', () => {
    const rig = settled('delta', 'cluster', { gone: '1' });
    rig.change({ bad: '1', gone: undefined });
    expect(rig.flush()).toMatchObject({ resources: ['bad@1'], removed: ['gone'] });
    rig.nack('cluster bad: no');
    expect(rig.exchange()).toMatchObject([{ resources: [], removed: ['gone'] }]);
  });
});
