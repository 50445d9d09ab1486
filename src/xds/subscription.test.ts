import { describe, expect, it } from 'vitest';
import { SubscriptionRig } from '../../test/support/subscription-rig.ts';
import type { ResourceTypeName } from './resource-types.ts';

function deltaRig(type: ResourceTypeName, world: Record<string, string>) {
  const rig = new SubscriptionRig(type, 'delta');
  rig.change(world);
  return rig;
}

/** A stream of a named type that holds everything that it asked for. */
function settled(names: readonly string[], world: Record<string, string>): SubscriptionRig {
  const rig = deltaRig('endpoints', world);
  rig.delta({ subscribe: names });
  rig.exchange();
  return rig;
}

describe('a delta stream', () => {
  it('answers an empty first request of a wildcard type with everything', () => {
    const rig = deltaRig('cluster', { a: '1', b: '1' });
    rig.delta({});
    expect(rig.flush()).toMatchObject({ resources: ['a@1', 'b@1'], removed: [] });
  });

  it.each(['cluster', 'listener'] as const)('answers a wildcard over nothing (xds-protocol/X41): %s', (type) => {
    const rig = deltaRig(type, {});
    rig.delta({});
    expect(rig.flush()).toMatchObject({ resources: [], removed: [] });
  });

  it('sends nothing before the first request (xds-protocol/X303)', () => {
    const rig = deltaRig('endpoints', { a: '1' });
    rig.subscription.force(['a'], 'cluster-a', true, 0);
    expect(rig.flush()).toBeUndefined();
  });

  it('says nothing to a pure ACK', () => {
    const rig = settled(['a'], { a: '1' });
    expect(rig.flush()).toBeUndefined();
    expect(rig.subscription.pendingSince).toBeUndefined();
  });

  it('answers for a name again when it is asked for again (xds-protocol/X31)', () => {
    const rig = settled(['a'], { a: '1' });
    rig.delta({ subscribe: ['a'] });
    expect(rig.flush()?.resources).toEqual(['a@1']);
  });

  it('says that a name does not exist, and sends it when it comes (xds-protocol/X32)', () => {
    const rig = deltaRig('endpoints', {});
    rig.delta({ subscribe: ['late'] });
    expect(rig.exchange()).toMatchObject([{ resources: [], removed: ['late'] }]);
    rig.change({ late: '1' });
    expect(rig.flush()?.resources).toEqual(['late@1']);
  });

  it('answers the empty name as one that does not exist', () => {
    const rig = deltaRig('endpoints', {});
    rig.delta({ subscribe: [''] });
    expect(rig.flush()?.removed).toEqual(['']);
  });

  it('keeps the subscription of what was removed (xds-protocol/X33)', () => {
    const rig = deltaRig('cluster', { a: '1', b: '1' });
    rig.delta({ subscribe: ['a'] });
    rig.exchange();
    rig.change({ a: undefined });
    expect(rig.exchange()).toMatchObject([{ removed: ['a'] }]);
    rig.change({ a: '1' });
    expect(rig.exchange()).toMatchObject([{ resources: ['a@1'] }]);
  });

  it('does not say that load assignments or routes were deleted, and sends them when they are back', () => {
    const rig = settled(['a'], { a: '1' });
    rig.change({ a: undefined });
    expect(rig.flush()).toBeUndefined();
    rig.change({ a: '1' });
    expect(rig.flush()?.resources).toEqual(['a@1']);
  });

  it('ignores an unsubscribe of what was never subscribed, and answers none (xds-protocol/X34)', () => {
    const rig = settled(['a', 'b'], { a: '1', b: '1' });
    rig.delta({ unsubscribe: ['zzz'] });
    expect(rig.flush()).toBeUndefined();
    rig.delta({ unsubscribe: ['b'] });
    expect(rig.flush()).toBeUndefined();
    rig.change({ a: '2', b: '2' });
    expect(rig.flush()?.resources).toEqual(['a@2']);
  });

  it('says what holds of a name that leaves the explicit list of a wildcard (xds-protocol/X35)', () => {
    const rig = deltaRig('cluster', { a: '1' });
    rig.change({ hidden: '1' }, { onDemand: true });
    rig.delta({ subscribe: ['*', 'a', 'hidden'] });
    expect(rig.exchange()[0]?.resources.toSorted()).toEqual(['a@1', 'hidden@1']);
    rig.delta({ unsubscribe: ['a'] });
    expect(rig.exchange()).toMatchObject([{ resources: ['a@1'], removed: [] }]);
    rig.delta({ unsubscribe: ['hidden'] });
    expect(rig.exchange()).toMatchObject([{ resources: [], removed: ['hidden'] }]);
  });

  it('applies what a request wishes whatever its nonce (xds-protocol/X36)', () => {
    const rig = settled(['a'], { a: '1', b: '1' });
    rig.change({ a: '2' });
    rig.flush();
    rig.delta({ nonce: 'stale', subscribe: ['b'] });
    expect(rig.flush()).toBeUndefined();
    rig.ack();
    expect(rig.flush()?.resources).toEqual(['b@1']);
  });

  it('takes one message as ACK and subscription (xds-protocol/X37)', () => {
    const rig = deltaRig('endpoints', { a: '1', b: '1' });
    rig.delta({ subscribe: ['a'] });
    const nonce = rig.flush()?.nonce ?? '';
    expect(rig.delta({ nonce, subscribe: ['b'] }).kind).toBe('acked');
    expect(rig.flush()?.resources).toEqual(['b@1']);
  });

  it('subscribes before it unsubscribes: both of the wildcard mean nothing yet (xds-protocol/X38)', () => {
    const rig = deltaRig('cluster', { a: '1', b: '1' });
    rig.delta({ subscribe: ['*'], unsubscribe: ['*'] });
    expect(rig.flush()).toBeUndefined();
    rig.delta({ subscribe: ['a'] });
    expect(rig.flush()?.resources).toEqual(['a@1']);
  });

  it('ends a legacy wildcard by both of the wildcard in one message (xds-protocol/X38)', () => {
    const rig = deltaRig('cluster', { a: '1' });
    rig.delta({});
    rig.exchange();
    rig.delta({ subscribe: ['*'], unsubscribe: ['*'] });
    rig.change({ a: '2' });
    expect(rig.flush()).toBeUndefined();
  });

  it('keeps a legacy wildcard until it is unsubscribed, and never brings it back (xds-protocol/X39)', () => {
    const rig = deltaRig('cluster', { a: '1', b: '1' });
    rig.delta({});
    rig.exchange();
    rig.delta({ subscribe: ['a'] });
    expect(rig.exchange()).toMatchObject([{ resources: ['a@1'] }]);
    rig.change({ b: '2' });
    expect(rig.exchange()).toMatchObject([{ resources: ['b@2'] }]);
    rig.delta({ unsubscribe: ['*'] });
    rig.change({ a: '2', b: '3' });
    expect(rig.exchange()).toMatchObject([{ resources: ['a@2'] }]);
    rig.delta({ unsubscribe: ['a'] });
    rig.change({ a: '3', b: '4' });
    expect(rig.exchange()).toEqual([]);
    rig.delta({});
    expect(rig.flush()).toBeUndefined();
  });

  it('joins a wildcard to names that it was given before, without sending those again', () => {
    const rig = deltaRig('cluster', { a: '1', b: '1' });
    rig.delta({ subscribe: ['a'] });
    rig.exchange();
    rig.delta({ subscribe: ['*'] });
    expect(rig.exchange()).toMatchObject([{ resources: ['b@1'] }]);
  });
});

describe('a delta stream that comes back', () => {
  it('is sent what differs from what it holds, and told what it should not hold (xds-protocol/X30)', () => {
    const rig = deltaRig('cluster', { same: '1', newer: '2', fresh: '1' });
    rig.delta({ held: { same: rig.versionOf('same'), newer: 'old', gone: 'x' } });
    expect(rig.exchange()).toMatchObject([{ resources: ['newer@2', 'fresh@1'], removed: ['gone'] }]);
  });

  it('is told so for every type (xds-protocol/X30)', () => {
    const rig = deltaRig('endpoints', { a: '1', unwanted: '1' });
    rig.delta({
      subscribe: ['a', 'gone'],
      held: { a: rig.versionOf('a'), gone: 'x', unwanted: rig.versionOf('unwanted') },
    });
    expect(rig.exchange()).toMatchObject([{ resources: [], removed: ['gone', 'unwanted'] }]);
  });

  it('is sent nothing when it holds everything (hot-path/H902)', () => {
    const rig = deltaRig('endpoints', { a: '1', b: '1' });
    rig.delta({ subscribe: ['a', 'b'], held: { a: rig.versionOf('a'), b: rig.versionOf('b') } });
    expect(rig.flush()).toBeUndefined();
    rig.change({ b: '2' });
    expect(rig.flush()?.resources).toEqual(['b@2']);
  });

  it('gets its wildcard answered even so, by an empty response', () => {
    const rig = deltaRig('cluster', { a: '1' });
    rig.delta({ held: { a: rig.versionOf('a') } });
    expect(rig.exchange()).toMatchObject([{ resources: [], removed: [] }]);
  });

  it('treats a first request as one, whatever its nonce (xds-protocol/X26)', () => {
    const rig = deltaRig('cluster', { a: '1' });
    expect(rig.delta({ nonce: 'from-the-stream-before' }).kind).toBe('none');
    expect(rig.flush()?.resources).toEqual(['a@1']);
  });
});

describe('one response at a time', () => {
  it('merges a thousand updates of one name while the ACK is out (xds-protocol/X67, hot-path/H1424)', () => {
    const rig = settled(['a'], { a: '0' });
    let responses = 0;
    for (let update = 1; update <= 1000; update++) {
      rig.change({ a: String(update) });
      if (rig.flush() !== undefined) responses++;
    }
    rig.ack();
    expect(rig.exchange()).toMatchObject([{ resources: ['a@1000'] }]);
    expect(responses).toBe(1);
  });

  it('sends nothing when a change was taken back before it left', () => {
    const rig = settled(['a', 'b'], { a: '1', b: '1' });
    rig.change({ b: '2' });
    rig.flush();
    rig.change({ a: '2' });
    rig.change({ a: '1' });
    rig.ack();
    expect(rig.flush()).toBeUndefined();
  });

  it('says nothing of a name that came and went unheard (xds-protocol/X43)', () => {
    const rig = deltaRig('cluster', { a: '1' });
    rig.delta({});
    rig.flush();
    rig.change({ short: '1' });
    rig.change({ short: undefined });
    rig.ack();
    expect(rig.flush()).toBeUndefined();
  });

  it('says what was removed and put back by its new content alone (xds-protocol/X43)', () => {
    const rig = deltaRig('cluster', { a: '1' });
    rig.delta({});
    rig.flush();
    rig.change({ a: undefined });
    rig.change({ a: '2' });
    rig.ack();
    expect(rig.flush()).toMatchObject({ resources: ['a@2'], removed: [] });
  });

  it('ignores nonces of nothing (xds-protocol/X25)', () => {
    const rig = settled(['a'], { a: '1' });
    rig.change({ a: '2' });
    const sent = rig.flush();
    expect(rig.delta({ nonce: 'another-type' }).kind).toBe('none');
    expect(rig.subscription.deliveries.outstanding.map(({ nonce }) => nonce)).toEqual([sent?.nonce]);
  });

  it('does not resend what is in flight when it is forgotten and asked for again', () => {
    const rig = settled(['a'], { a: '1' });
    rig.change({ a: '2' });
    rig.flush();
    rig.delta({ unsubscribe: ['a'] });
    rig.change({ a: '3' });
    rig.ack();
    expect(rig.flush()).toBeUndefined();
    rig.delta({ subscribe: ['a'] });
    expect(rig.flush()?.resources).toEqual(['a@3']);
  });
});

describe('a response that would be too large', () => {
  it('goes in parts that do not wait for each other, each name in one of them (hot-path/H607)', () => {
    const rig = deltaRig('cluster', { a: 'x'.repeat(100), b: 'x'.repeat(100), c: 'x'.repeat(100) });
    rig.limit = 300;
    rig.delta({});
    const parts = [rig.flush(), rig.flush(), rig.flush()];
    expect(parts.flatMap((part) => part?.resources.map((text) => text[0]) ?? []).toSorted()).toEqual(['a', 'b', 'c']);
    expect(new Set(parts.map((part) => part?.nonce)).size).toBe(parts.filter((part) => part !== undefined).length);
    expect(parts.filter((part) => part !== undefined).length).toBeGreaterThan(1);
  });

  it('holds back what changed meanwhile until all parts are confirmed (xds-protocol/X45)', () => {
    const rig = deltaRig('endpoints', { a: 'x'.repeat(200), b: 'x'.repeat(200) });
    rig.limit = 100;
    rig.delta({ subscribe: ['a', 'b'] });
    const first = rig.flush();
    rig.change({ a: 'new' });
    const second = rig.flush();
    expect(second?.resources).toEqual([`b@${'x'.repeat(200)}`]);
    expect(rig.flush()).toBeUndefined();
    rig.delta({ nonce: second?.nonce ?? '' });
    expect(rig.flush()).toBeUndefined();
    rig.delta({ nonce: first?.nonce ?? '' });
    expect(rig.flush()?.resources).toEqual(['a@new']);
  });

  it('takes a part out of what is left when the client no longer wants it', () => {
    const rig = deltaRig('endpoints', { a: 'x'.repeat(200), b: 'x'.repeat(200) });
    rig.limit = 100;
    rig.delta({ subscribe: ['a', 'b'] });
    rig.flush();
    rig.delta({ unsubscribe: ['b'] });
    expect(rig.flush()).toBeUndefined();
    rig.ack();
    expect(rig.subscription.pendingSince).toBeUndefined();
  });
});
