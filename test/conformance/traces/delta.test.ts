import { expect } from 'vitest';
import { describeTraces, inDelta, type Trace } from '../../support/traces.ts';

/** Delta: subscriptions, versions held, removals. */

const allTypes = ['cluster', 'endpoints', 'listener', 'routes'] as const;

const traces: readonly Trace[] = [
  {
    title: 'sends a client that comes back what differs, and tells it what is gone, for every type (xds-protocol/X30)',
    run: (world, peer) => {
      for (const type of allTypes) {
        world.change(`${type} same=1`, `${type} other=1`);
        peer.ask(type, 'same', 'other');
        const [heard] = peer.hearsAll();
        peer.ack();
        peer.leave({ kind: 'broken', detail: 'reset' });
        world.change(`${type} other=2`);
        peer.send(type, {
          resourceNamesSubscribe: ['same', 'other', 'gone'],
          initialResourceVersions: { ...heard?.versions, gone: 'x' },
        });
        expect(peer.hearsAndAcks()).toEqual([`${type} other=2 -gone`]);
      }
    },
  },
  {
    title: 'tells a wildcard that comes back what was deleted meanwhile (xds-protocol/X30)',
    run: (world, peer) => {
      for (const type of ['cluster', 'listener']) {
        world.change(`${type} a=1`, `${type} b=1`);
        peer.ask(type);
        const [heard] = peer.hearsAll();
        peer.leave({ kind: 'broken', detail: 'reset' });
        world.change(`-${type} b`);
        peer.send(type, { initialResourceVersions: heard?.versions ?? {} });
        const lines = peer.hearsAndAcks();
        world.clock.advance(30_000);
        expect([...lines, ...peer.hearsAndAcks()].filter((line) => line !== type)).toEqual([`${type} -b`]);
      }
    },
  },
  {
    title: 'answers a name each time it is subscribed (xds-protocol/X31)',
    run: (world, peer) => {
      for (const type of allTypes) {
        world.change(`${type} a=1`);
        peer.ask(type, 'a');
        expect(peer.hearsAndAcks()).toEqual([`${type} a=1`]);
        peer.subscribe(type, 'a');
        expect(peer.hearsAndAcks()).toEqual([`${type} a=1`]);
      }
    },
  },
  {
    title: 'says at once that a name does not exist, and sends it when it does (xds-protocol/X32)',
    run: (world, peer) => {
      for (const type of allTypes) {
        peer.ask(type, 'late');
        expect(peer.hearsAndAcks()).toEqual([`${type} -late`]);
        world.clock.advance(20_000);
        world.change(`${type} late=1`);
        expect(peer.hearsAndAcks()).toEqual([`${type} late=1`]);
      }
    },
  },
  {
    title: 'keeps the subscription of what was removed (xds-protocol/X33)',
    run: (world, peer) => {
      for (const type of allTypes) {
        world.change(`${type} a=1`);
        peer.ask(type, 'a');
        peer.hearsAndAcks();
        world.change(`-${type} a`);
        peer.hearsAndAcks();
        world.clock.advance(60_000);
        peer.hearsAndAcks();
        world.change(`${type} a=1`);
        expect(peer.hearsAndAcks()).toEqual([`${type} a=1`]);
      }
    },
  },
  {
    title: 'takes the unsubscribe of a name that was never subscribed, and answers no unsubscribe (xds-protocol/X34)',
    run: (world, peer) => {
      world.change('endpoints a=1');
      peer.ask('endpoints', 'a');
      peer.hearsAndAcks();
      peer.unsubscribe('endpoints', 'never');
      peer.unsubscribe('endpoints', 'a');
      peer.isSilentFor(10_000);
      world.change('endpoints a=2', 'endpoints never=1');
      peer.isSilentFor(60_000);
    },
  },
  {
    title: 'says what holds of a name that leaves the list beside a wildcard (xds-protocol/X35)',
    run: (world, peer) => {
      for (const type of ['cluster', 'listener']) {
        world.change(`${type} a=1`);
        peer.ask(type, '*', 'a', 'b');
        expect(peer.hearsAndAcks()).toEqual([`${type} a=1 -b`]);
        peer.unsubscribe(type, 'a');
        expect(peer.hearsAndAcks()).toEqual([`${type} a=1`]);
        peer.unsubscribe(type, 'b');
        expect(peer.hearsAndAcks()).toEqual([`${type} -b`]);
      }
    },
  },
  {
    title: 'changes the subscription whatever the nonce (xds-protocol/X36)',
    run: (world, peer) => {
      world.change('endpoints a=1', 'endpoints b=1');
      peer.ask('endpoints', 'a');
      const [first] = peer.hearsAll();
      peer.ack();
      world.change('endpoints a=2');
      expect(peer.hears()).toEqual(['endpoints a=2']);
      peer.send('endpoints', {
        resourceNamesSubscribe: ['b'],
        resourceNamesUnsubscribe: ['a'],
        responseNonce: first?.nonce ?? '',
      });
      // The nonce of the past has not confirmed the second response.
      expect(peer.hears()).toEqual([]);
      world.change('endpoints a=3');
      peer.ack();
      expect(peer.hearsAndAcks()).toEqual(['endpoints b=1']);
    },
  },
  {
    title: 'takes one message for an ACK and for a new name (xds-protocol/X37, xds-protocol/X234)',
    run: (world, peer) => {
      world.change('endpoints a=1', 'endpoints b=1');
      peer.ask('endpoints', 'a');
      const [first] = peer.hearsAll();
      peer.send('endpoints', { resourceNamesSubscribe: ['b'], responseNonce: first?.nonce ?? '' });
      const [second] = peer.hearsAll();
      expect(second?.resources).toEqual(['b=1']);
      peer.send('endpoints', { responseNonce: second?.nonce ?? '' });
      world.change('endpoints a=2');
      expect(peer.hears()).toEqual(['endpoints a=2']);
    },
  },
  {
    title: 'subscribes before it unsubscribes, so that both of the wildcard mean nothing yet (xds-protocol/X38)',
    run: (world, peer) => {
      for (const type of ['cluster', 'listener']) {
        world.change(`${type} a=1`, `${type} b=1`);
        peer.send(type, { resourceNamesSubscribe: ['*'], resourceNamesUnsubscribe: ['*'] });
        for (const { resources, removed } of peer.hearsAll()) expect([...resources, ...removed]).toEqual([]);
        peer.ack();
        peer.subscribe(type, 'a');
        expect(peer.hearsAndAcks()).toEqual([`${type} a=1`]);
        world.change(`${type} b=2`);
        peer.isSilentFor(60_000);
      }
    },
  },
  {
    title: 'ends a legacy wildcard by both of the wildcard in one message (xds-protocol/X38)',
    run: (world, peer) => {
      world.change('cluster a=1', 'cluster b=1');
      peer.ask('cluster');
      expect(peer.hearsAndAcks()).toEqual(['cluster a=1 b=1']);
      peer.send('cluster', { resourceNamesSubscribe: ['*'], resourceNamesUnsubscribe: ['*'] });
      world.change('cluster a=2', 'cluster b=2');
      for (const { resources, removed } of peer.hearsAll()) expect([...resources, ...removed]).toEqual([]);
    },
  },
  {
    title:
      'keeps a legacy wildcard beside names, ends it by its unsubscribe, and never brings it back (xds-protocol/X39)',
    run: (world, peer) => {
      for (const type of ['cluster', 'listener']) {
        world.change(`${type} a=1`, `${type} b=1`);
        peer.ask(type);
        expect(peer.hearsAndAcks()).toEqual([`${type} a=1 b=1`]);
        peer.subscribe(type, 'a');
        expect(peer.hearsAndAcks()).toEqual([`${type} a=1`]);
        world.change(`${type} b=2`);
        expect(peer.hearsAndAcks()).toEqual([`${type} b=2`]);
        peer.unsubscribe(type, '*');
        world.change(`${type} a=3`, `${type} b=3`);
        const afterwards = peer.hearsAndAcks().at(-1);
        expect(afterwards).toContain('a=3');
        expect(afterwards).not.toContain('b=3');
        peer.unsubscribe(type, 'a');
        peer.hearsAndAcks();
        peer.send(type, {});
        world.change(`${type} a=4`, `${type} b=4`);
        peer.isSilentFor(60_000);
      }
    },
  },
  {
    title: 'takes empty first requests of all other types for nothing (xds-protocol/X40)',
    run: (world, peer) => {
      world.change('endpoints a=1', 'routes a=1');
      for (const type of ['endpoints', 'routes', 'secret']) {
        peer.ask(type);
        for (const { resources, removed } of peer.hearsAll()) expect([...resources, ...removed]).toEqual([]);
        peer.ack();
        world.change('endpoints a=2', 'routes a=2');
        peer.isSilentFor(20_000);
      }
    },
  },
  {
    title: 'answers wildcards over nothing, once (xds-protocol/X41)',
    run: (_, peer) => {
      peer.ask('cluster');
      peer.ask('listener');
      expect(peer.hears()).toEqual(['cluster', 'listener']);
      peer.ack();
      peer.isSilentFor(60_000);
    },
  },
  {
    title:
      'removes only what the client was told of, and nothing that it also sends (xds-protocol/X42, xds-protocol/X43)',
    run: (world, peer) => {
      world.change('cluster a=1');
      peer.ask('cluster');
      peer.hearsAndAcks();
      world.change('cluster b=1');
      world.change('-cluster b');
      peer.isSilentFor(30_000);
      world.change('-cluster a');
      world.change('cluster a=2');
      expect(peer.hearsAndAcks()).toEqual(['cluster a=2']);
    },
  },
  {
    title:
      'calls resources by their names alone, and versions by at most 22 characters (xds-protocol/X46, xds-protocol/X106, xds-protocol/X167)',
    run: (world, peer) => {
      world.change(...allTypes.map((type) => `${type} a=${'long'.repeat(1_000)}`));
      for (const type of allTypes) {
        peer.ask(type, 'a', 'missing');
        // Aliases would fail the trace by themselves.
        for (const { versions } of peer.hearsAll()) {
          for (const version of Object.values(versions)) expect(version).toMatch(/^\S{8,22}$/);
        }
        peer.ack();
      }
    },
  },
  {
    title: 'takes versions held of resources that nobody has heard of (xds-protocol/X30, xds-protocol/X234)',
    run: (world, peer) => {
      world.change('endpoints a=1');
      peer.send('endpoints', {
        resourceNamesSubscribe: ['a'],
        initialResourceVersions: { '': 'x', unheard: '', of: 'y' },
      });
      const heard = peer.hearsAll();
      peer.ack();
      expect(heard.flatMap(({ resources }) => resources)).toEqual(['a=1']);
      world.change('endpoints a=2', 'endpoints unheard=1');
      expect(peer.hearsAndAcks()).toEqual(['endpoints a=2']);
    },
  },
  {
    title:
      'splits what is large, and holds back what changed until every part is confirmed (xds-protocol/X45, xds-protocol/X234)',
    run: (world, peer) => {
      const names = Array.from({ length: 40 }, (_, index) => `e${index}`);
      world.change(...names.map((name) => `endpoints ${name}=${'x'.repeat(100_000)}`));
      peer.ask('endpoints', ...names);
      const parts = peer.hearsAll();
      expect(parts.length).toBeGreaterThan(1);
      for (const { bytes } of parts) expect(bytes).toBeLessThan(3_500_000);
      expect(parts.flatMap(({ resources }) => resources)).toHaveLength(40);
      world.change('endpoints e0=2');
      const [first, ...others] = parts;
      for (const { nonce } of others) peer.send('endpoints', { responseNonce: nonce });
      expect(peer.hears()).toEqual([]);
      peer.send('endpoints', { responseNonce: first?.nonce ?? '' });
      expect(peer.hears()).toEqual(['endpoints e0=2']);
    },
  },
];

describeTraces(
  'delta',
  traces.map((trace) => ({ where: inDelta, ...trace })),
);
