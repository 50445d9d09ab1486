import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/clocks.ts';
import { aNodeId, FakeClient, type Answer } from '../../test/support/stream-rig.ts';
import { TinyMesh, tinyQueries } from '../../test/support/tiny-mesh.ts';
import { XdsServer } from './server.ts';

/** A server that gathers changes, with a client that has everything and confirms it. */
class Rig {
  readonly clock = new ManualClock();
  readonly mesh = new TinyMesh(() => this.clock.now());
  readonly server: XdsServer;
  readonly client = new FakeClient('delta', () => this.clock.now());

  constructor() {
    const { engine } = this.mesh;
    const pacing = { shortestWindow: 10, longestWindow: 100, busyShare: () => 0 };
    this.server = new XdsServer({ engine, queries: tinyQueries, clock: this.clock, identifier: 'weir/test', pacing });
    this.server.open();
    for (const name of ['a', 'b']) this.mesh.put('endpoints', name, '0');
    for (const type of ['cluster', 'listener'] as const) this.mesh.put(type, type, '0');
    this.mesh.put('routes', 'r', '0');
    this.server.accept(this.client, 'delta');
  }

  boot(): readonly string[] {
    const { client } = this;
    const sent: string[] = [];
    client.request('cluster', { node: { id: aNodeId } });
    sent.push(...this.exchange());
    client.request('endpoints', { resourceNamesSubscribe: ['a'] });
    client.request('endpoints', { resourceNamesSubscribe: ['b'] });
    sent.push(...this.exchange());
    client.request('listener');
    sent.push(...this.exchange());
    client.request('routes', { resourceNamesSubscribe: ['r'] });
    sent.push(...this.exchange());
    return sent;
  }

  /** Confirms everything that comes without time passing. Gives what came. */
  exchange(): readonly string[] {
    const sent: Answer[] = [];
    for (let answers = this.settle(); answers.length > 0; answers = this.settle()) {
      sent.push(...answers);
      for (const answer of answers) this.client.ack(answer);
    }
    return sent.flatMap(({ resources, removed }) => [...resources, ...removed.map((name) => `-${name}`)]);
  }

  settle(): readonly Answer[] {
    this.clock.settle();
    return this.client.take();
  }

  /** Lets milliseconds pass, one by one. Gives what came, with when. */
  pass(milliseconds: number): readonly string[] {
    const start = this.clock.now();
    const sent: string[] = [];
    for (let passed = 0; passed < milliseconds; passed++) {
      this.clock.advance(1);
      for (const text of this.exchange()) sent.push(`${this.clock.now() - start} ms: ${text}`);
    }
    return sent;
  }
}

describe('a proxy that boots', () => {
  it('waits for no window', () => {
    const rig = new Rig();
    expect(rig.boot()).toEqual(['cluster@0', 'a@0', 'b@0', 'listener@0', 'r@0']);
    expect(rig.clock.now()).toBe(0);
  });
});

describe('a change', () => {
  it('of endpoints goes at once, further ones together at the end of the window (hot-path/H602)', () => {
    const rig = new Rig();
    rig.boot();
    rig.mesh.put('endpoints', 'a', '1');
    expect(rig.exchange()).toEqual(['a@1']);
    for (const content of ['2', '3', '4']) {
      rig.mesh.put('endpoints', 'a', content);
      rig.mesh.put('endpoints', 'b', content);
    }
    expect(rig.pass(100)).toEqual(['10 ms: a@4', '10 ms: b@4']);
  });

  it('of structure comes at once, the rest of a burst together, and delays no endpoints (hot-path/H603)', () => {
    const rig = new Rig();
    rig.boot();
    const burst = (): void => {
      for (let change = 1; change <= 100; change++) rig.mesh.put('listener', 'listener', String(change));
    };
    burst();
    expect(rig.exchange()).toEqual(['listener@100']);
    rig.clock.advance(5);
    rig.mesh.put('listener', 'listener', '0');
    burst();
    rig.mesh.put('listener', 'listener', '101');
    rig.mesh.put('endpoints', 'b', '1');
    expect(rig.exchange()).toEqual(['b@1', 'listener@101']);
    rig.mesh.put('listener', 'listener', '102');
    expect(rig.exchange()).toEqual([]);
    expect(rig.pass(100)).toEqual(['5 ms: listener@102']);
  });

  it('that comes while a response is unconfirmed goes with the next one, the newest content of each (hot-path/H604)', () => {
    const rig = new Rig();
    rig.boot();
    rig.mesh.put('endpoints', 'a', '1');
    const [first] = rig.settle();
    for (const content of ['2', '3']) rig.mesh.put('endpoints', 'a', content);
    rig.clock.advance(1000);
    expect(rig.client.take()).toEqual([]);
    if (first !== undefined) rig.client.ack(first);
    expect(rig.exchange()).toEqual(['a@3']);
    expect(rig.pass(100)).toEqual([]);
  });
});

it('hot-path/H617 shows what is on its way, and nothing when nothing changes', () => {
  const rig = new Rig();
  rig.boot();
  expect(rig.server.load).toMatchObject({ waiting: 0, window: 10, queuedBytes: 0, unanswered: 0 });
  expect(rig.server.load.sharedBytes).toBeGreaterThan(0);
  rig.mesh.put('listener', 'listener', '1');
  expect(rig.server.load.waiting).toBe(1);
  rig.clock.advance(7);
  expect(rig.server.load).toMatchObject({ unanswered: 1, oldestUnanswered: 7 });
  rig.pass(3000);
  expect(rig.server.load).toEqual({
    waiting: 0,
    window: 10,
    queuedBytes: 0,
    sharedBytes: 0,
    unanswered: 0,
    oldestUnanswered: 0,
  });
});
