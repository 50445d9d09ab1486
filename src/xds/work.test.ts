import { describe, expect, it } from 'vitest';
import { SubscriptionRig } from '../../test/support/subscription-rig.ts';
import { aNodeId, FakeClient, ServerRig } from '../../test/support/stream-rig.ts';

/** What a change costs, counted in steps and not in time: nothing on its way may grow with what did not change. */

const wires = ['delta', 'sotw'] as const;

function namesUpTo(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `n${index}`);
}

describe.each(wires)('of many names of which one changes, over %s', (wire) => {
  /** Steps that a subscription takes for a change, its response and the ACK of that. */
  function stepsAmong(count: number): number {
    const rig = new SubscriptionRig('endpoints', wire);
    const names = namesUpTo(count);
    rig.change(Object.fromEntries(names.map((name) => [name, '1'])));
    if (wire === 'delta') rig.delta({ subscribe: names });
    else rig.sotw(names);
    rig.exchange(names);
    const before = rig.steps;
    rig.change({ n0: '2' });
    expect(rig.flush()?.resources).toEqual(['n0@2']);
    const flushed = rig.steps - before;
    // A state-of-the-world ACK repeats the names, each of which is looked up; nothing else is.
    rig.ack(names);
    expect(rig.flush()).toBeUndefined();
    return wire === 'delta' ? rig.steps - before : flushed;
  }

  it('the change, its response and its ACK take as many steps among 1,000 as among 10 (xds-protocol/X156, xds-protocol/X164, hot-path/H609)', () => {
    expect(stepsAmong(10)).toBeGreaterThan(0);
    expect(stepsAmong(1000)).toBe(stepsAmong(10));
  });
});

describe('a resource that many streams want', () => {
  /** Resources that a change makes, of which so many streams hear. */
  function runsFor(streams: number): number {
    const rig = new ServerRig();
    rig.mesh.put('endpoints', 'a', '1');
    rig.mesh.put('endpoints', 'b', '1');
    const clients = Array.from({ length: streams }, () => rig.bootedClient(['a', 'b']));
    rig.mesh.put('endpoints', 'a', '2');
    rig.clock.settle();
    expect(clients.map((client) => client.take().flatMap(({ resources }) => resources))).toEqual(
      clients.map(() => ['a@2']),
    );
    return rig.mesh.engine.statistics().queries.get('tinyResource')?.runsInLastCommit ?? 0;
  }

  it('is made once when it changes, however many they are (xds-protocol/X156, xds-protocol/X124)', () => {
    expect(runsFor(1)).toBe(1);
    expect(runsFor(50)).toBe(1);
  });
});

describe('a client that comes back', () => {
  function stepsFor(count: number): number {
    const rig = new SubscriptionRig('endpoints', 'delta');
    const names = namesUpTo(count);
    rig.change(Object.fromEntries(names.map((name) => [name, '1'])));
    const held = Object.fromEntries(names.map((name) => [name, rig.versionOf(name)]));
    const before = rig.steps;
    rig.delta({ subscribe: names, held });
    expect(rig.flush()?.resources ?? []).toEqual([]);
    return rig.steps - before;
  }

  it('is compared in one walk over the names that it holds (xds-protocol/X168)', () => {
    expect(stepsFor(1000) - stepsFor(900)).toBe(stepsFor(200) - stepsFor(100));
  });
});

describe.each(wires)('what is wanted, what was sent and what is on its way, over %s', (wire) => {
  it('are three things, none of which is read off another (xds-protocol/X100, hot-path/H211)', () => {
    const rig = new SubscriptionRig('endpoints', wire);
    const { subscription } = rig;
    const facts = (): unknown => [[...subscription.named].toSorted(), subscription.deliveries.outstanding.length];
    rig.change({ b: '1' });
    // It wants a name of which nothing can be sent.
    if (wire === 'delta') rig.delta({ subscribe: ['a', 'b'] });
    else rig.sotw(['a', 'b']);
    expect(facts()).toEqual([['a', 'b'], 0]);
    expect(rig.flush()?.resources).toEqual(['b@1']);
    // It no longer wants what is on its way, which is so until it is answered.
    if (wire === 'delta') rig.delta({ unsubscribe: ['b'] });
    else rig.sotw(['a']);
    expect(facts()).toEqual([['a'], 1]);
    rig.ack(['a']);
    expect(facts()).toEqual([['a'], 0]);
    // It was sent b once, and hears of it no more; it hears of a, which never was.
    rig.change({ a: '1', b: '2' });
    expect(rig.exchange(['a']).map(({ resources }) => resources)).toEqual([['a@1']]);
    // What is gone is wanted all the same.
    rig.change({ a: undefined });
    rig.exchange(['a']);
    rig.change({ a: '1' });
    expect(rig.exchange(['a']).map(({ resources }) => resources)).toEqual([['a@1']]);
  });
});

/** A client that keeps what the transport was given, piece by piece. */
class Keeper extends FakeClient {
  readonly pieces: Uint8Array[] = [];

  override send(parts: readonly Uint8Array[], bytes: number): boolean {
    this.pieces.push(...parts);
    return super.send(parts, bytes);
  }
}

function aKeeper(rig: ServerRig, ...names: readonly string[]): Keeper {
  const client = new Keeper();
  rig.server.accept(client, 'delta');
  client.request('endpoints', { node: { id: aNodeId }, resourceNamesSubscribe: names });
  rig.exchange(client);
  return client;
}

describe('a response', () => {
  it('leaves when none is unanswered and the connection takes it: a head, and bytes that others share (xds-protocol/X163)', () => {
    const rig = new ServerRig();
    rig.mesh.change((mesh) => ['a', 'b'].forEach((name) => mesh.put('endpoints', name, '1')));
    const [one, two] = [aKeeper(rig, 'a'), aKeeper(rig, 'a', 'b')];
    one.isFull = true;
    rig.mesh.put('endpoints', 'a', '2');
    const [first] = rig.settle(one);
    const [other] = two.take();
    rig.mesh.change((mesh) => ['a', 'b'].forEach((name) => mesh.put('endpoints', name, '3')));
    expect([rig.settle(one), two.take()]).toEqual([[], []]);
    if (first !== undefined) one.ack(first);
    if (other !== undefined) two.ack(other);
    expect(rig.settle(two).map(({ resources }) => resources)).toEqual([['a@3', 'b@3']]);
    expect(one.take()).toEqual([]);
    one.drain();
    expect(rig.settle(one).map(({ resources }) => resources)).toEqual([['a@3']]);
    expect(one.pieces.at(-1)).toBe(two.pieces.at(-2));
  });
});

it('a large first answer holds up others by one message at a time (hot-path/H905)', () => {
  const rig = new ServerRig();
  const many = namesUpTo(5000);
  rig.mesh.change((mesh) => many.forEach((name) => mesh.put('endpoints', name, 'x'.repeat(1000))));
  rig.mesh.put('endpoints', 'other', '0');
  const other = rig.bootedClient(['other']);
  const large = rig.client();
  // Full after each message, as a connection is that takes its time.
  large.isFull = true;
  large.request('endpoints', { node: { id: aNodeId }, resourceNamesSubscribe: many });
  const received: string[] = [];
  for (let round = 1; received.length < many.length; round++) {
    expect(round).toBeLessThan(100);
    rig.mesh.put('endpoints', 'other', String(round));
    expect(rig.exchange(other).map(({ resources }) => resources)).toEqual([[`other@${round}`]]);
    const messages = large.take();
    expect(messages).toHaveLength(1);
    received.push(...messages.flatMap(({ resources }) => resources));
    expect(messages.flatMap(({ resources }) => resources).length).toBeLessThan(300);
    large.drain();
    large.isFull = true;
  }
});

it('full states of the same view are the same bytes for all (xds-protocol/X166, hot-path/H216)', () => {
  const rig = new ServerRig();
  rig.mesh.change((mesh) => ['a', 'b', 'c'].forEach((name) => mesh.put('listener', name, '1')));
  const clients = Array.from({ length: 3 }, () => {
    const client = new Keeper('sotw');
    rig.server.accept(client, 'sotw');
    client.list('listener', { node: { id: aNodeId } });
    rig.settle(client);
    return client;
  });
  const [, second, third] = clients.map(({ pieces }) => pieces);
  expect(second).toHaveLength(1);
  expect(third?.[0]).toBe(second?.[0]);
});

describe('a resource', () => {
  it('that changes is another: nobody writes into bytes that were handed out (hot-path/H501)', () => {
    const rig = new ServerRig();
    rig.mesh.put('endpoints', 'a', 'content 1');
    const clients = Array.from({ length: 3 }, () => aKeeper(rig, 'a'));
    const sent = clients.flatMap(({ pieces }) => pieces);
    const before = sent.map((part) => Buffer.from(part));
    for (const content of ['content 2', 'content 3', 'content 1']) {
      rig.mesh.put('endpoints', 'a', content);
      for (const client of clients) rig.exchange(client);
    }
    rig.mesh.remove('endpoints', 'a');
    expect(sent.map((part) => Buffer.from(part))).toEqual(before);
  });
});
