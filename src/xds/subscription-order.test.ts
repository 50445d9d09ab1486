import { describe, expect, it } from 'vitest';
import { SubscriptionRig } from '../../test/support/subscription-rig.ts';
import { aResource } from '../../test/support/tiny-mesh.ts';
import { warmingRules } from './order.ts';

function endpointsRig(world: Record<string, string>, subscribe: readonly string[]): SubscriptionRig {
  const rig = new SubscriptionRig('endpoints', 'delta');
  rig.change(world);
  rig.delta({ subscribe });
  rig.exchange();
  return rig;
}

function clusterRig(wire: 'delta' | 'sotw', world: Record<string, string>): SubscriptionRig {
  const rig = new SubscriptionRig('cluster', wire);
  rig.change(world);
  if (wire === 'delta') rig.delta({});
  else rig.sotw([]);
  rig.exchange();
  return rig;
}

describe('what a changed cluster refers to', () => {
  it('goes again byte for byte (xds-protocol/X60, hot-path/H612)', () => {
    const rig = endpointsRig({ a: '1' }, ['a']);
    rig.subscription.force(['a'], 'a', true, 0);
    expect(rig.exchange()).toMatchObject([{ resources: ['a@1'] }]);
    expect(rig.flush()).toBeUndefined();
  });

  it('goes for all changed clusters at once (xds-protocol/X62, hot-path/H612)', () => {
    const rig = endpointsRig({ a: '1', b: '1', c: '1' }, ['a', 'b', 'c']);
    rig.subscription.force(['a'], 'a', true, 0);
    rig.subscription.force(['c'], 'c', true, 0);
    expect(rig.exchange()).toMatchObject([{ resources: ['a@1', 'c@1'] }]);
  });

  it('goes with the first request, even if the client holds it (xds-protocol/X60)', () => {
    const rig = new SubscriptionRig('endpoints', 'delta');
    rig.change({ a: '1', b: '1' });
    rig.subscription.force(['a'], 'a', true, 0);
    rig.delta({ subscribe: ['a', 'b'], held: { a: rig.versionOf('a'), b: rig.versionOf('b') } });
    expect(rig.exchange()).toMatchObject([{ resources: ['a@1'] }]);
  });

  it('goes before the client can ask, and its question is not answered again (xds-protocol/X302)', () => {
    const rig = endpointsRig({ a: '1', b: '1' }, ['a']);
    rig.subscription.force(['b'], 'b', true, 0);
    expect(rig.exchange()).toMatchObject([{ resources: ['b@1'] }]);
    rig.delta({ subscribe: ['b'] });
    expect(rig.flush()).toBeUndefined();
    rig.change({ b: '2' });
    expect(rig.exchange()).toMatchObject([{ resources: ['b@2'] }]);
    // A second question is one: the client may have dropped it.
    rig.delta({ subscribe: ['b'] });
    expect(rig.exchange()).toMatchObject([{ resources: ['b@2'] }]);
  });

  it('is not pushed unasked where that is not wanted (xds-protocol/X28)', () => {
    const rig = endpointsRig({ a: '1', b: '1' }, ['a']);
    rig.subscription.force(['b'], 'listener', false, 0);
    expect(rig.flush()).toBeUndefined();
  });

  it('is not followed on for a cluster that is gone before the client asked', () => {
    const rig = endpointsRig({ a: '1', b: '1' }, ['a']);
    rig.subscription.force(['b'], 'cluster-b', true, 0);
    rig.exchange();
    rig.subscription.stopAnticipating(['cluster-b']);
    rig.change({ b: '2' });
    expect(rig.flush()).toBeUndefined();
    expect(rig.subscription.named.has('b')).toBe(false);
  });

  it('goes again for a cluster that was removed and added again (xds-protocol/X66)', () => {
    const rig = endpointsRig({ a: '1' }, ['a']);
    rig.delta({ unsubscribe: ['a'] });
    rig.subscription.force(['a'], 'a', true, 0);
    expect(rig.exchange()).toMatchObject([{ resources: ['a@1'] }]);
  });
});

it.each(['cluster', 'listener'] as const)(
  'secrets go after a changed %s that refers to them (xds-protocol/X64)',
  (type) => {
    const rig = new SubscriptionRig('secret', 'delta');
    rig.change({ default: '1', other: '1' });
    rig.delta({ subscribe: ['default', 'other'] });
    rig.exchange();
    const parent = aResource(type, 'tls', '2', { secrets: ['default', 'unasked'], children: ['other'] });
    for (const rule of warmingRules.filter(({ parent: from, child }) => from === type && child === 'secret')) {
      rig.subscription.force(rule.namesIn(parent), parent.name, rule.anticipates, 0);
    }
    expect(rig.exchange()).toMatchObject([{ resources: ['default@1'] }]);
  },
);

describe('clusters while one of them warms', () => {
  it.each(['delta', 'sotw'] as const)('wait for the ACK for a second and no longer (xds-protocol/X301): %s', (wire) => {
    const rig = clusterRig(wire, { a: '1' });
    rig.change({ a: '2' });
    rig.flush();
    rig.change({ a: '3' });
    rig.now = 999;
    expect(rig.flush()).toBeUndefined();
    rig.now = 1_000;
    expect(rig.flush()?.resources).toEqual(['a@3']);
    rig.change({ a: '4' });
    expect(rig.flush()).toBeUndefined();
  });

  it('are settled by their ACKs one by one when those come at last (xds-protocol/X301)', () => {
    const rig = clusterRig('delta', { a: '1' });
    rig.change({ a: '2' });
    const first = rig.flush()?.nonce ?? '';
    rig.now = 1_000;
    rig.change({ a: '3' });
    const second = rig.flush()?.nonce ?? '';
    expect([rig.delta({ nonce: first }).kind, rig.delta({ nonce: second }).kind]).toEqual(['acked', 'acked']);
    expect(rig.subscription.pendingSince).toBeUndefined();
  });

  it('are the only type that may do so (xds-protocol/X67)', () => {
    const rig = endpointsRig({ a: '1' }, ['a']);
    rig.change({ a: '2' });
    rig.flush();
    rig.change({ a: '3' });
    rig.now = 1e9;
    expect(rig.flush()).toBeUndefined();
  });
});

describe('a removal', () => {
  it('waits until it may go, and additions do not wait for it (xds-protocol/X55)', () => {
    const rig = clusterRig('delta', { old: '1' });
    rig.mayRemove = () => false;
    rig.change({ old: undefined, new: '1' });
    expect(rig.exchange()).toMatchObject([{ resources: ['new@1'], removed: [] }]);
    expect(rig.flush()).toBeUndefined();
    rig.mayRemove = () => true;
    expect(rig.exchange()).toMatchObject([{ resources: [], removed: ['old'] }]);
  });

  it('is asked about with the commit that made it', () => {
    const rig = clusterRig('delta', { a: '1', b: '1' });
    rig.change({ a: undefined });
    const released = rig.sequence;
    rig.change({ b: undefined });
    rig.mayRemove = ({ sequence }) => sequence <= released;
    expect(rig.exchange()).toMatchObject([{ removed: ['a'] }]);
  });

  it('that waits is part of a full state, which says so by its version (xds-protocol/X16, xds-protocol/X18)', () => {
    const rig = clusterRig('sotw', { old: '1' });
    rig.mayRemove = () => false;
    rig.change({ old: undefined, new: '1' });
    const [before] = rig.exchange();
    expect(before?.resources.toSorted()).toEqual(['new@1', 'old@1']);
    rig.mayRemove = () => true;
    const [after] = rig.exchange();
    expect(after?.resources).toEqual(['new@1']);
    expect(after?.version).not.toBe(before?.version);
  });

  it('that is taken back while it waits is an update', () => {
    const rig = clusterRig('delta', { a: '1' });
    rig.mayRemove = () => false;
    rig.change({ a: undefined });
    rig.flush();
    rig.change({ a: '2' });
    expect(rig.exchange()).toMatchObject([{ resources: ['a@2'], removed: [] }]);
  });

  it('of what a client still holds when it comes back waits like any other (xds-protocol/X55)', () => {
    const rig = new SubscriptionRig('cluster', 'delta');
    rig.mayRemove = () => false;
    rig.delta({ held: { gone: 'x' } });
    expect(rig.exchange()).toMatchObject([{ removed: [] }]);
    rig.mayRemove = () => true;
    expect(rig.exchange()).toMatchObject([{ removed: ['gone'] }]);
  });
});

describe('confirmed', () => {
  it('is what was ACKed, up to the commit that it carried', () => {
    const rig = endpointsRig({ a: '1' }, ['a']);
    rig.change({ a: '2' });
    const { sequence } = rig;
    rig.flush();
    expect(rig.subscription.confirmed(sequence)).toBe(false);
    // Changes that come while it is on its way do not make it wait for ever.
    rig.change({ a: '3' });
    rig.ack();
    expect([rig.subscription.confirmed(sequence), rig.subscription.confirmed(sequence + 1)]).toEqual([true, false]);
  });

  it('is nothing while the client refuses something', () => {
    const rig = endpointsRig({ a: '1' }, ['a']);
    rig.change({ a: 'bad' });
    rig.flush();
    rig.nack('a is bad');
    expect(rig.subscription.confirmed(0)).toBe(false);
  });

  it('is nothing of a type that was not asked for', () => {
    expect(new SubscriptionRig('listener', 'delta').subscription.confirmed(0)).toBe(false);
  });
});

describe('what is new to a client', () => {
  it('counts from when it is known here until it is ACKed, or until it was sent long ago', () => {
    const rig = clusterRig('delta', { a: '1' });
    const unconfirmed = (since = -1): readonly string[] => [...rig.subscription.unconfirmedNames(since)];
    const seen = [unconfirmed()];
    rig.change({ b: '1', c: '1' });
    seen.push(unconfirmed());
    rig.now = 5;
    rig.flush();
    rig.change({ d: '1' });
    seen.push(unconfirmed(4), unconfirmed(5));
    rig.ack();
    seen.push(unconfirmed());
    rig.exchange();
    rig.change({ b: '2' });
    rig.flush();
    seen.push(unconfirmed());
    expect(seen).toEqual([[], ['b', 'c'], ['b', 'c', 'd'], ['d'], ['d'], []]);
  });

  it('counts on while it goes again because of others, and no longer when it was refused itself', () => {
    const rig = clusterRig('delta', {});
    rig.change({ good: '1', bad: '1' });
    rig.flush();
    rig.nack('cluster bad: no');
    expect([...rig.subscription.unconfirmedNames(-1)]).toEqual(['good']);
    rig.flush();
    expect([...rig.subscription.unconfirmedNames(-1)]).toEqual(['good']);
    rig.ack();
    expect([...rig.subscription.unconfirmedNames(-1)]).toEqual([]);
  });
});

describe('what refers to something new', () => {
  it('waits for it, and nothing else does (xds-protocol/X57)', () => {
    const rig = endpointsRig({ a: '1', b: '1' }, ['a', 'b']);
    rig.mayAdd = ({ name }) => name !== 'a';
    rig.change({ a: '2', b: '2' });
    expect(rig.exchange()).toMatchObject([{ resources: ['b@2'] }]);
    rig.change({ b: '3' });
    expect(rig.exchange()).toMatchObject([{ resources: ['b@3'] }]);
    rig.mayAdd = () => true;
    expect(rig.exchange()).toMatchObject([{ resources: ['a@2'] }]);
  });

  it('makes a full state wait as a whole, in which it could not be left out', () => {
    const rig = clusterRig('sotw', { a: '1', b: '1' });
    rig.mayAdd = ({ name }) => name !== 'a';
    rig.change({ a: '2', b: '2' });
    expect(rig.flush()).toBeUndefined();
    rig.mayAdd = () => true;
    expect(rig.exchange()).toMatchObject([{ resources: ['a@2', 'b@2'] }]);
  });

  it('is not passed over by an answer that says that there is nothing (xds-protocol/X41)', () => {
    const rig = new SubscriptionRig('listener', 'delta');
    rig.change({ a: '1' });
    rig.mayAdd = () => false;
    rig.delta({});
    expect(rig.flush()).toBeUndefined();
    rig.mayAdd = () => true;
    expect(rig.exchange()).toMatchObject([{ resources: ['a@1'] }]);
  });
});
