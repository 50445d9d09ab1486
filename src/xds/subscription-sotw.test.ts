import { describe, expect, it } from 'vitest';
import { SubscriptionRig } from '../../test/support/subscription-rig.ts';

function sotwRig(type: 'cluster' | 'endpoints' | 'listener' | 'routes' | 'secret', world: Record<string, string>) {
  const rig = new SubscriptionRig(type, 'sotw');
  rig.change(world);
  return rig;
}

describe('a state-of-the-world stream', () => {
  it.each(['cluster', 'listener'] as const)('answers a wildcard over nothing (xds-protocol/X15): %s', (type) => {
    const rig = sotwRig(type, {});
    rig.sotw([]);
    expect(rig.flush()).toMatchObject({ resources: [] });
  });

  it('sends clusters and listeners as the full set every time (xds-protocol/X16)', () => {
    const rig = sotwRig('cluster', { a: '1', b: '1', c: '1' });
    rig.sotw([]);
    rig.exchange();
    rig.change({ b: '2' });
    expect(rig.exchange()).toMatchObject([{ resources: ['a@1', 'b@2', 'c@1'], changed: ['b'] }]);
  });

  it('sends the full set of names, too, and only of those (xds-protocol/X16)', () => {
    const rig = sotwRig('listener', { a: '1', b: '1', c: '1' });
    rig.sotw(['a', 'b']);
    rig.exchange(['a', 'b']);
    rig.change({ b: '2', c: '2' });
    expect(rig.exchange(['a', 'b'])).toMatchObject([{ resources: ['a@1', 'b@2'] }]);
  });

  it('sends an empty set when the last resource is gone (xds-protocol/X16)', () => {
    const rig = sotwRig('cluster', { a: '1' });
    rig.sotw([]);
    rig.exchange();
    rig.change({ a: undefined });
    expect(rig.flush()).toMatchObject({ resources: [] });
  });

  it('sends of other types what changed (xds-protocol/X17)', () => {
    const names = Array.from({ length: 100 }, (_, index) => `e${index}`);
    const rig = sotwRig('endpoints', Object.fromEntries(names.map((name) => [name, '1'])));
    rig.sotw(names);
    expect(rig.exchange(names)[0]?.resources).toHaveLength(100);
    rig.change({ e7: '2' });
    expect(rig.exchange(names)).toMatchObject([{ resources: ['e7@2'] }]);
  });

  it('does not take a deletion of another type for something to say (xds-protocol/X17)', () => {
    const rig = sotwRig('endpoints', { a: '1' });
    rig.sotw(['a']);
    rig.exchange(['a']);
    rig.change({ a: undefined });
    expect(rig.flush()).toBeUndefined();
  });

  it('changes the version if and only if the content changes (xds-protocol/X18)', () => {
    const versionOf = (world: Record<string, string>): string | undefined => {
      const rig = sotwRig('cluster', world);
      rig.sotw([]);
      return rig.flush()?.version;
    };
    expect(versionOf({ a: '1', b: '2' })).toBe(versionOf({ b: '2', a: '1' }));
    expect(versionOf({ a: '1', b: '2' })).not.toBe(versionOf({ a: '2', b: '1' }));
  });

  it('says nothing to a plain ACK (xds-protocol/X19)', () => {
    const rig = sotwRig('endpoints', { a: '1' });
    rig.sotw(['a']);
    rig.flush();
    expect(rig.ack(['a']).kind).toBe('acked');
    expect(rig.flush()).toBeUndefined();
  });

  it('sends names that were added, and again after they were taken off (xds-protocol/X20)', () => {
    const rig = sotwRig('endpoints', { a: '1', b: '1' });
    rig.sotw(['a']);
    expect(rig.flush()?.resources).toEqual(['a@1']);
    rig.ack(['a', 'b']);
    expect(rig.flush()?.resources).toEqual(['b@1']);
    rig.ack([]);
    expect(rig.flush()).toBeUndefined();
    rig.sotw(['a']);
    expect(rig.flush()?.resources).toEqual(['a@1']);
  });

  it('stops sending names that were taken off (xds-protocol/X21)', () => {
    const rig = sotwRig('endpoints', { a: '1', b: '1' });
    rig.sotw(['a', 'b']);
    rig.exchange(['a']);
    rig.change({ b: '2' });
    expect(rig.flush()).toBeUndefined();
  });

  it.each(['cluster', 'listener', 'endpoints', 'routes'] as const)(
    'takes an empty list after names for the end of all of them (xds-protocol/X22): %s',
    (type) => {
      const rig = sotwRig(type, { a: '1', b: '1' });
      rig.sotw(['a']);
      rig.exchange(['a']);
      rig.sotw([]);
      rig.change({ a: '2', b: '2' });
      expect(rig.flush()).toBeUndefined();
      expect(rig.subscription.wildcard).toBe(false);
    },
  );

  it('remembers names that do not exist (xds-protocol/X23)', () => {
    const rig = sotwRig('endpoints', {});
    rig.sotw(['late']);
    expect(rig.flush()).toBeUndefined();
    rig.change({ late: '1' });
    expect(rig.flush()?.resources).toEqual(['late@1']);
  });

  it('says by a full set that a named listener does not exist', () => {
    const rig = sotwRig('listener', { a: '1' });
    rig.sotw(['a', 'missing']);
    expect(rig.exchange(['a', 'missing'])).toMatchObject([{ resources: ['a@1'] }]);
    rig.sotw(['a', 'missing', 'too']);
    expect(rig.flush()).toMatchObject({ resources: ['a@1'] });
  });

  it('adopts the names of a stale request and acts on them at the next ACK (xds-protocol/X24)', () => {
    const rig = sotwRig('endpoints', { a: '1', b: '1' });
    rig.sotw(['a']);
    const first = rig.flush()?.nonce ?? '';
    rig.ack(['a']);
    rig.change({ a: '2' });
    rig.flush();
    expect(rig.sotw(['a', 'b'], { nonce: first }).kind).toBe('none');
    expect(rig.flush()).toBeUndefined();
    rig.ack(['a', 'b']);
    expect(rig.exchange(['a', 'b'])).toMatchObject([{ resources: ['b@1'] }]);
  });

  it('is not starved by updates when its names change at every round trip (xds-protocol/X24)', () => {
    const rig = sotwRig('endpoints', { a: '0' });
    rig.sotw(['a']);
    const names = ['a'];
    for (let round = 1; round <= 10; round++) {
      const nonce = rig.flush()?.nonce ?? '';
      rig.change({ a: String(round), [`n${round}`]: 'new' });
      names.push(`n${round}`);
      rig.sotw(names, { nonce: 'one-behind' });
      rig.sotw(names, { nonce });
    }
    const received = rig.flush()?.resources ?? [];
    expect(received).toContain('n10@new');
    expect(received).toContain('a@10');
  });

  it('takes a first request with a nonce of another stream for a first request (xds-protocol/X26)', () => {
    const rig = sotwRig('cluster', { a: '1' });
    expect(rig.sotw([], { nonce: 'old', version: 'old' }).kind).toBe('none');
    expect(rig.flush()?.resources).toEqual(['a@1']);
  });

  it('sends no name twice in one response (xds-protocol/X27)', () => {
    const rig = sotwRig('cluster', { a: '1', b: '1' });
    rig.sotw(['*', 'a']);
    expect(rig.flush()?.resources.toSorted()).toEqual(['a@1', 'b@1']);
  });

  it('goes through wildcard and names as the protocol has it (xds-protocol/X39)', () => {
    const rig = sotwRig('cluster', { a: '1', b: '1' });
    rig.sotw([]);
    expect(rig.exchange()).toMatchObject([{ resources: ['a@1', 'b@1'] }]);
    rig.sotw(['*', 'a']);
    expect(rig.exchange(['*', 'a'])[0]?.resources.toSorted()).toEqual(['a@1', 'b@1']);
    rig.sotw(['a']);
    rig.change({ a: '2', b: '2' });
    expect(rig.exchange(['a'])).toMatchObject([{ resources: ['a@2'] }]);
    rig.sotw([]);
    rig.change({ a: '3', b: '3' });
    expect(rig.exchange()).toEqual([]);
    rig.sotw([]);
    expect(rig.flush()).toBeUndefined();
  });

  it('answers the load assignments of a changed cluster once, however often they are asked for (xds-protocol/X61)', () => {
    const rig = sotwRig('endpoints', { a: '1' });
    rig.sotw(['a']);
    rig.exchange(['a']);
    rig.subscription.force(['a'], 'cluster-a', true, 0);
    const pushed = rig.flush();
    expect(pushed?.resources).toEqual(['a@1']);
    // What Envoy asks after the cluster's update: the same names, version and nonce as before.
    rig.sotw(['a'], { nonce: 'n1' });
    expect(rig.flush()).toBeUndefined();
    rig.sotw(['a'], { nonce: pushed?.nonce ?? '' });
    expect(rig.flush()).toBeUndefined();
  });

  it('pushes no load assignments that were not asked for (xds-protocol/X28)', () => {
    const rig = sotwRig('endpoints', { a: '1', b: '1' });
    rig.sotw(['a']);
    rig.exchange(['a']);
    rig.subscription.force(['b'], 'cluster-b', true, 0);
    expect(rig.flush()).toBeUndefined();
  });

  it('takes the ACK of the last of several responses for all of them', () => {
    const rig = sotwRig('cluster', { a: '1' });
    rig.sotw([]);
    rig.flush();
    rig.now = 1_000;
    rig.change({ a: '2' });
    rig.flush();
    rig.ack();
    expect(rig.subscription.deliveries.outstanding).toEqual([]);
  });
});
