import { describe, expect, it } from 'vitest';
import { aNodeId, FakeClient } from '../../test/support/stream-rig.ts';
import { TinyMesh, tinyQueries } from '../../test/support/tiny-mesh.ts';
import type { Clock } from './clock.ts';
import type { ResourceQueries } from './group.ts';
import { XdsServer } from './server.ts';

/** Every look at the clock takes a tenth of a millisecond; turns of the event loop come one by one. */
class TurnClock implements Clock {
  #now = 0;
  #soon: (() => void)[] = [];

  now(): number {
    return (this.#now += 0.1);
  }

  wallTime(): number {
    return this.#now;
  }

  after(): () => void {
    return () => undefined;
  }

  soon(callback: () => void): void {
    this.#soon.push(callback);
  }

  /** @returns whether there was anything to do */
  turn(): boolean {
    const work = this.#soon;
    this.#soon = [];
    for (const callback of work) callback();
    return work.length > 0;
  }

  settle(): void {
    while (this.turn());
  }
}

const names = Array.from({ length: 500 }, (_, index) => `a${index}`);

class Rig {
  readonly clock = new TurnClock();
  readonly mesh = new TinyMesh(() => 0);
  readonly server: XdsServer;
  /** Names of resources, in the order in which they were worked out. */
  readonly computed: string[] = [];

  constructor() {
    const resource: typeof tinyQueries.resource = {
      ...tinyQueries.resource,
      compute: (read, key) => {
        this.computed.push(key);
        return tinyQueries.resource.compute(read, key);
      },
    };
    const { engine } = this.mesh;
    // The routes `large` are put together from everything else.
    const steps: ResourceQueries['steps'] = (key) =>
      key !== 'routes all large'
        ? undefined
        : function* (_, keep) {
            for (const name of names) yield keep(resource, `endpoints all ${name}`);
          };
    const queries = { ...tinyQueries, resource, steps };
    this.server = new XdsServer({ engine, queries, clock: this.clock, identifier: 'weir/test' });
    this.server.open();
    for (const name of names) {
      this.mesh.put('endpoints', name, '0');
      this.mesh.put('cluster', name, '0');
    }
  }

  connect(): FakeClient {
    const client = new FakeClient();
    this.server.accept(client, 'delta');
    return client;
  }
}

describe('a request for very many resources', () => {
  it('is worked out in turns of 5 ms, between which others are served (hot-path/H1412)', () => {
    const rig = new Rig();
    const [large, small] = [rig.connect(), rig.connect()];
    large.request('endpoints', { node: { id: aNodeId }, resourceNamesSubscribe: names });
    expect(rig.computed).toEqual([]);
    rig.clock.turn();
    expect(rig.computed.length).toBeGreaterThan(20);
    expect(rig.computed.length).toBeLessThan(100);
    small.request('cluster', { node: { id: aNodeId }, resourceNamesSubscribe: ['a7'] });
    while (small.answers.length === 0) rig.clock.turn();
    expect(large.answers).toEqual([]);
    rig.clock.settle();
    expect(large.take().flatMap(({ resources }) => resources)).toHaveLength(500);
    expect(rig.computed).toHaveLength(501);
  });

  it('is as well when everything is asked for', () => {
    const rig = new Rig();
    const client = rig.connect();
    client.request('cluster', { node: { id: aNodeId } });
    rig.clock.turn();
    expect(rig.computed.length).toBeLessThan(100);
    rig.clock.settle();
    expect(client.take().flatMap(({ resources }) => resources)).toHaveLength(500);
    expect(rig.computed).toHaveLength(500);
  });

  it('is worked out once for all that ask for the same', () => {
    const rig = new Rig();
    const clients = Array.from({ length: 20 }, () => rig.connect());
    for (const client of clients) {
      client.request('endpoints', { node: { id: aNodeId }, resourceNamesSubscribe: names });
    }
    rig.clock.settle();
    for (const client of clients) expect(client.take().flatMap(({ resources }) => resources)).toHaveLength(500);
    expect(rig.computed).toHaveLength(500);
  });

  it('or for a single one that is large is worked out piece by piece, and the pieces are let go (hot-path/H1412)', () => {
    const rig = new Rig();
    rig.mesh.put('routes', 'large', '0');
    const client = rig.connect();
    client.request('routes', { node: { id: aNodeId }, resourceNamesSubscribe: ['large'] });
    expect(rig.computed).toEqual([]);
    rig.clock.turn();
    expect(rig.computed.length).toBeLessThan(100);
    rig.clock.settle();
    expect(rig.computed.slice(-2)).toEqual(['endpoints all a499', 'routes all large']);
    expect(client.take().flatMap(({ resources }) => resources)).toEqual(['large@0']);
    rig.mesh.put('endpoints', 'a0', '1');
    expect(rig.computed).toHaveLength(501);
  });

  it('is followed by what came after it, in order', () => {
    const rig = new Rig();
    const client = rig.connect();
    client.request('endpoints', { node: { id: aNodeId }, resourceNamesSubscribe: names });
    client.request('endpoints', { resourceNamesUnsubscribe: names.slice(1) });
    client.request('cluster', { resourceNamesSubscribe: ['a1'] });
    rig.clock.settle();
    expect(client.take().flatMap(({ type, resources }) => resources.map((text) => `${type} ${text}`))).toEqual([
      'cluster a1@0',
      'endpoints a0@0',
    ]);
  });

  it('holds what changes while it is being worked out', () => {
    const rig = new Rig();
    const client = rig.connect();
    client.request('endpoints', { node: { id: aNodeId }, resourceNamesSubscribe: names });
    rig.clock.turn();
    rig.mesh.put('endpoints', 'a0', 'early');
    rig.mesh.put('endpoints', 'a499', 'late');
    rig.clock.settle();
    const resources = client.take().flatMap((answer) => answer.resources);
    expect(resources).toHaveLength(500);
    expect(resources).toEqual(expect.arrayContaining(['a0@early', 'a499@late']));
  });

  it('leaves nothing behind when its client goes meanwhile', () => {
    const rig = new Rig();
    const client = rig.connect();
    client.request('endpoints', { node: { id: aNodeId }, resourceNamesSubscribe: names });
    rig.clock.turn();
    client.leave({ kind: 'broken', detail: 'reset' });
    expect(rig.server.size).toEqual({ streams: 0, groups: 0, records: 0, subscriptions: 0 });
    const before = rig.computed.length;
    rig.clock.settle();
    expect(rig.computed).toHaveLength(before);
  });

  it('ends the stream of a client that goes on asking without waiting for an answer', () => {
    const rig = new Rig();
    const client = rig.connect();
    client.request('endpoints', { node: { id: aNodeId }, resourceNamesSubscribe: names });
    for (let count = 0; count < 5; count++) client.raw(new Uint8Array(8 * 1024 * 1024));
    expect(client.closed?.status).toBe('RESOURCE_EXHAUSTED');
    expect(rig.server.size.streams).toBe(0);
  });
});
