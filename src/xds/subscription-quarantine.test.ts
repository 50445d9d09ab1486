import { describe, expect, it } from 'vitest';
import { SubscriptionRig, type Sent } from '../../test/support/subscription-rig.ts';

/** A stream whose responses hold everything, of a client that holds everything. */
function fullStateRig(world: Record<string, string>): SubscriptionRig {
  const rig = new SubscriptionRig('cluster', 'sotw');
  rig.change(world);
  rig.sotw([]);
  rig.exchange();
  return rig;
}

function refuses(rig: SubscriptionRig, contents: Record<string, string | undefined>, message: string): void {
  rig.change(contents);
  rig.flush();
  rig.nack(message);
}

/** What the client is sent until it is quiet; it refuses all that holds a resource of bad content. */
function converse(rig: SubscriptionRig): readonly Sent[] {
  const sent: Sent[] = [];
  for (let next = rig.flush(); next !== undefined; next = rig.flush()) {
    sent.push(next);
    if (next.resources.some((text) => text.endsWith('@bad'))) rig.nack('Invalid duration');
    else rig.ack();
  }
  return sent;
}

describe('a full state of which one resource is refused', () => {
  it('goes again with what was accepted last in its place, and the new of all others (xds-protocol/X102, xds-protocol/X51)', () => {
    const rig = fullStateRig({ a: '1', b: '1' });
    refuses(rig, { a: 'bad', b: '2' }, 'cluster a: no');
    expect(rig.exchange()).toMatchObject([{ resources: ['a@1', 'b@2'] }]);
    expect(rig.flush()).toBeUndefined();
  });

  it('holds up nothing else, and is never sent again (xds-protocol/X49, xds-protocol/X102)', () => {
    const rig = fullStateRig({ a: '1', b: '1' });
    refuses(rig, { a: 'bad' }, 'cluster a: no');
    expect(rig.flush()).toBeUndefined();
    rig.change({ b: '2' });
    expect(rig.exchange()).toMatchObject([{ resources: ['a@1', 'b@2'], changed: ['b'] }]);
    expect(rig.subscription.lastNack?.names).toEqual(['a']);
    rig.change({ a: '3' });
    expect(rig.exchange()).toMatchObject([{ resources: ['a@3', 'b@2'], changed: ['a'] }]);
    expect(rig.subscription.lastNack).toBeUndefined();
  });

  it('leaves out what the client never had (xds-protocol/X102)', () => {
    const rig = fullStateRig({ a: '1' });
    refuses(rig, { new: 'bad', other: '1' }, 'cluster new: no');
    expect(rig.exchange()).toMatchObject([{ resources: ['a@1', 'other@1'] }]);
  });

  it('does not leave out what the client may have had before it connected: that would delete it', () => {
    const rig = new SubscriptionRig('cluster', 'sotw');
    rig.change({ a: 'bad', b: '1' });
    rig.sotw([], { version: 'of-another-stream' });
    rig.flush();
    rig.nack('cluster a: no');
    expect(rig.flush()).toBeUndefined();
    rig.change({ b: '2' });
    expect(rig.exchange()).toMatchObject([{ resources: ['a@bad', 'b@2'] }]);
    // It was accepted with that.
    expect(rig.subscription.lastNack).toBeUndefined();
  });

  it('is searched by halves for the bad one when the message names nobody (xds-protocol/X51)', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const all = (content: string): Record<string, string> => Object.fromEntries(names.map((name) => [name, content]));
    const rig = fullStateRig(all('1'));
    rig.change({ ...all('2'), d: 'bad' });
    const sent = converse(rig);
    expect(sent.at(-1)?.resources).toEqual(['a@2', 'b@2', 'c@2', 'd@1', 'e@2', 'f@2']);
    expect(sent.filter(({ resources }) => resources.includes('d@bad')).length).toBeLessThanOrEqual(4);
    expect(rig.subscription.lastNack?.names).toEqual(['d']);
  });

  it('has another version for each other content (xds-protocol/X18)', () => {
    const rig = fullStateRig({ a: '1', b: '1', c: '1', d: '1' });
    rig.change({ a: '2', b: '2', c: 'bad', d: '2' });
    const sent = converse(rig);
    const contents = sent.map(({ resources }) => resources.toSorted().join());
    const byVersion = new Map(sent.map(({ version }, index) => [version, contents[index]]));
    expect(byVersion.size).toBe(new Set(contents).size);
    expect(sent.map(({ version }) => byVersion.get(version))).toEqual(contents);
  });

  it('takes a removal along that was in the refused one', () => {
    const rig = fullStateRig({ a: '1', gone: '1' });
    refuses(rig, { a: 'bad', gone: undefined }, 'cluster a: no');
    expect(rig.exchange()).toMatchObject([{ resources: ['a@1'], removed: ['gone'] }]);
  });

  it('takes it along whatever the message says, and repeats nothing that was refused (xds-protocol/X49)', () => {
    const rig = fullStateRig({ a: '1', b: '1', c: '1', gone: '1' });
    rig.change({ a: 'bad', b: 'bad', gone: undefined });
    const sent = converse(rig);
    const refused = sent.filter(({ resources }) => resources.some((text) => text.endsWith('@bad')));
    expect(new Set(refused.map(({ resources }) => resources.join())).size).toBe(refused.length);
    expect(sent.at(-1)?.resources).toEqual(['a@1', 'b@1', 'c@1']);
    const alone = fullStateRig({ a: '1', gone: '1' });
    alone.change({ a: 'bad', gone: undefined });
    expect(converse(alone).map(({ resources }) => resources)).toEqual([['a@bad'], ['a@1']]);
  });

  it('keeps its stand-in when that is refused in its turn', () => {
    const rig = fullStateRig({ a: '1', b: '1' });
    refuses(rig, { a: 'bad', b: undefined }, 'cluster a: no');
    expect(rig.flush()?.resources).toEqual(['a@1']);
    rig.nack('something else');
    expect(rig.flush()).toBeUndefined();
    rig.change({ c: '1' });
    expect(rig.exchange()).toMatchObject([{ resources: ['a@1', 'c@1'] }]);
  });

  it('repeats, of what changed again meanwhile, the newest', () => {
    const rig = fullStateRig({ a: '1' });
    rig.change({ a: 'bad' });
    rig.flush();
    rig.change({ a: '2' });
    rig.nack('cluster a: no');
    expect(rig.exchange()).toMatchObject([{ resources: ['a@2'] }]);
  });

  it('falls back to what was accepted last, not first', () => {
    const rig = fullStateRig({ a: '1', b: '1' });
    refuses(rig, { a: 'bad' }, 'cluster a: no');
    rig.change({ a: '2' });
    rig.flush();
    rig.change({ a: 'worse' });
    rig.ack();
    rig.flush();
    rig.nack('cluster a: no');
    rig.change({ b: '2' });
    expect(rig.exchange()).toMatchObject([{ resources: ['a@2', 'b@2'] }]);
  });

  it('keeps what stands in for the refused while its removal waits', () => {
    const rig = fullStateRig({ a: '1', b: '1' });
    refuses(rig, { a: 'bad' }, 'cluster a: no');
    rig.mayRemove = () => false;
    rig.change({ a: undefined, b: '2' });
    expect(rig.exchange()[0]?.resources.toSorted()).toEqual(['a@1', 'b@2']);
    rig.mayRemove = () => true;
    expect(rig.exchange()).toMatchObject([{ resources: ['b@2'] }]);
    expect(rig.subscription.lastNack).toBeUndefined();
  });

  it('is understood when the client answers only the last of two responses', () => {
    const rig = fullStateRig({ a: '1', b: '1' });
    rig.change({ a: 'bad' });
    rig.flush();
    rig.now = 1_000;
    rig.change({ b: '2' });
    expect(rig.flush()?.resources).toEqual(['a@bad', 'b@2']);
    rig.nack('cluster a: no');
    expect(rig.exchange()).toMatchObject([{ resources: ['a@1', 'b@2'] }]);
  });

  it('is freed when the client subscribes anew', () => {
    const rig = new SubscriptionRig('listener', 'sotw');
    rig.change({ a: 'bad', b: '1' });
    rig.sotw(['a', 'b']);
    rig.flush();
    rig.nack('listener a: no', ['a', 'b']);
    expect(rig.exchange(['b'])).toMatchObject([{ resources: ['b@1'] }]);
    rig.sotw(['a', 'b']);
    expect(rig.flush()?.resources).toEqual(['a@bad', 'b@1']);
  });
});
