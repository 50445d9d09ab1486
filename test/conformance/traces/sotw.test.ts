import { expect } from 'vitest';
import { describeTraces, inSotw, inSotwAds, type Trace } from '../../support/traces.ts';

/** State of the world: lists, versions, nonces. */

const traces: readonly Trace[] = [
  {
    title: 'answers wildcards over nothing, once (xds-protocol/X15)',
    run: (_, peer) => {
      peer.ask('cluster');
      peer.ask('listener');
      expect(peer.hears()).toEqual(['cluster', 'listener']);
      peer.ack();
      peer.isSilentFor(60_000);
    },
  },
  {
    title: 'repeats all clusters and all listeners when one changes (xds-protocol/X16)',
    run: (world, peer) => {
      for (const type of ['cluster', 'listener']) {
        world.change(`${type} a=1`, `${type} b=1`, `${type} c=1`);
        peer.ask(type);
        expect(peer.hearsAndAcks()).toEqual([`${type} a=1 b=1 c=1`]);
        world.change(`${type} b=2`);
        expect(peer.hearsAndAcks()).toEqual([`${type} a=1 b=2 c=1`]);
      }
    },
  },
  {
    title: 'repeats all named clusters when one changes, and no other (xds-protocol/X16)',
    run: (world, peer) => {
      world.change('cluster a=1', 'cluster b=1', 'cluster c=1');
      peer.ask('cluster', 'a', 'b');
      expect(peer.hearsAndAcks()).toEqual(['cluster a=1 b=1']);
      world.change('cluster b=2', 'cluster c=2');
      expect(peer.hearsAndAcks()).toEqual(['cluster a=1 b=2']);
    },
  },
  {
    title: 'sends of a hundred load assignments the one that changed (xds-protocol/X17)',
    run: (world, peer) => {
      const names = Array.from({ length: 100 }, (_, index) => `e${String(index).padStart(2, '0')}`);
      world.change(...names.map((name) => `endpoints ${name}=1`));
      peer.ask('endpoints', ...names);
      expect(peer.hearsAndAcks()).toEqual([['endpoints', ...names.map((name) => `${name}=1`)].join(' ')]);
      world.change('endpoints e42=2');
      expect(peer.hearsAndAcks()).toEqual(['endpoints e42=2']);
      world.change('-endpoints e41');
      peer.isSilentFor(60_000);
    },
  },
  {
    title:
      'changes version_info with the content and only then, the same on a replica and after a restart (xds-protocol/X18, xds-protocol/X44, xds-protocol/X125, xds-protocol/X135)',
    run: (world, peer, variant) => {
      world.change('cluster a=1', 'cluster b=1');
      peer.ask('cluster');
      const [first] = peer.hearsAll();
      peer.ack();
      world.change('cluster a=2');
      const [second] = peer.hearsAll();
      peer.ack();
      world.change('cluster a=2');
      expect(peer.hears()).toEqual([]);
      world.change('cluster a=1');
      const [third] = peer.hearsAll();
      peer.ack();
      expect(second?.version).not.toBe(first?.version);
      expect(third?.version).toBe(first?.version);
      const other = world.peer(variant);
      other.ask('cluster');
      expect(other.hearsAll()[0]?.version).toBe(first?.version);
      other.ack();
    },
  },
  {
    title: 'says nothing to pure ACKs, however often they come (xds-protocol/X19)',
    run: (world, peer) => {
      world.change('cluster a=1', 'endpoints a=1', 'listener l=1', 'routes r=1');
      for (const [type, ...names] of [['cluster'], ['endpoints', 'a'], ['listener'], ['routes', 'r']] as const) {
        peer.ask(type, ...names);
        expect(peer.hears()).toHaveLength(1);
        peer.ack();
        peer.subscribe(type);
        peer.subscribe(type);
      }
      peer.isSilentFor(60_000);
    },
  },
  {
    title: 'answers names that are added, and those that come back (xds-protocol/X20)',
    run: (world, peer) => {
      world.change('endpoints a=1', 'endpoints b=1');
      peer.ask('endpoints', 'a');
      expect(peer.hearsAndAcks()).toEqual(['endpoints a=1']);
      peer.subscribe('endpoints', 'b');
      expect(peer.hearsAndAcks()).toEqual(['endpoints b=1']);
      peer.unsubscribe('endpoints', 'a', 'b');
      expect(peer.hears()).toEqual([]);
      peer.subscribe('endpoints', 'a');
      expect(peer.hearsAndAcks()).toEqual(['endpoints a=1']);
    },
  },
  {
    title: 'sends nothing of names that were dropped (xds-protocol/X21)',
    run: (world, peer) => {
      world.change('endpoints a=1', 'endpoints b=1');
      peer.ask('endpoints', 'a', 'b');
      peer.hearsAndAcks();
      peer.unsubscribe('endpoints', 'a');
      expect(peer.hears()).toEqual([]);
      world.change('endpoints a=2');
      peer.isSilentFor(60_000);
      world.change('endpoints a=3', 'endpoints b=2');
      expect(peer.hearsAndAcks()).toEqual(['endpoints b=2']);
    },
  },
  {
    title: 'takes an empty list after names for the end of all of them (xds-protocol/X22)',
    run: (world, peer) => {
      for (const type of ['cluster', 'endpoints', 'listener', 'routes']) {
        world.change(`${type} a=1`, `${type} b=1`);
        peer.ask(type, 'a');
        expect(peer.hearsAndAcks()).toEqual([`${type} a=1`]);
        peer.unsubscribe(type, 'a');
        world.change(`${type} a=2`, `${type} b=2`, `${type} c=1`);
        peer.isSilentFor(60_000);
      }
    },
  },
  {
    title: 'sends a name that came to exist twenty seconds after it was asked for (xds-protocol/X23)',
    run: (world, peer) => {
      for (const type of ['endpoints', 'routes']) {
        peer.ask(type, 'late');
        peer.isSilentFor(20_000);
        world.change(`${type} late=1`);
        expect(peer.hearsAndAcks()).toEqual([`${type} late=1`]);
      }
    },
  },
  {
    title:
      'answers a name by a list without it that does not exist among clusters and listeners, and sends it when it comes (xds-protocol/X23)',
    run: (world, peer) => {
      for (const type of ['cluster', 'listener']) {
        world.change(`${type} a=1`);
        peer.ask(type, 'a', 'late');
        expect(peer.hearsAndAcks()).toEqual([`${type} a=1`]);
        world.clock.advance(20_000);
        world.change(`${type} late=1`);
        expect(peer.hearsAndAcks()).toEqual([`${type} a=1 late=1`]);
      }
    },
  },
  {
    title: 'adopts the names beside a stale nonce, and acts on them at the next ACK (xds-protocol/X24)',
    run: (world, peer) => {
      world.change('endpoints a=1', 'endpoints b=1');
      peer.ask('endpoints', 'a');
      const [first] = peer.hearsAll();
      peer.ack();
      world.change('endpoints a=2');
      const [second] = peer.hearsAll();
      peer.send('endpoints', {
        resourceNames: ['a', 'b'],
        versionInfo: first?.version ?? '',
        responseNonce: first?.nonce ?? '',
      });
      expect(peer.hears()).toEqual([]);
      peer.send('endpoints', {
        resourceNames: ['a', 'b'],
        versionInfo: second?.version ?? '',
        responseNonce: second?.nonce ?? '',
      });
      expect(peer.hears()).toEqual(['endpoints b=1']);
    },
  },
  {
    title: 'serves a client whose names change once in every round trip of updates (xds-protocol/X24)',
    run: (world, peer) => {
      const names = Array.from({ length: 20 }, (_, index) => `e${index}`);
      world.change(...names.map((name) => `endpoints ${name}=1`), 'endpoints hot=0');
      peer.ask('endpoints', 'hot');
      let [last] = peer.hearsAll();
      const served: string[] = [];
      for (const [round] of names.entries()) {
        world.change(`endpoints hot=${round + 1}`);
        peer.memory('endpoints').names = ['hot', ...names.slice(0, round + 1)];
        // The request for the new name crosses the update: its nonce is out of date when it arrives.
        const nonce = last?.nonce ?? '';
        peer.ack();
        const next = peer.hearsAll();
        served.push(...next.flatMap(({ resources }) => resources));
        last = next.at(-1) ?? last;
        peer.send('endpoints', { resourceNames: peer.memory('endpoints').names, responseNonce: nonce });
      }
      peer.ack();
      served.push(...peer.hearsAll().flatMap(({ resources }) => resources));
      peer.ack();
      for (const name of names) expect(served).toContain(`${name}=1`);
    },
  },
  {
    title: 'takes a nonce of another type quietly, and an invented one (xds-protocol/X25, xds-protocol/X234)',
    where: inSotwAds,
    run: (world, peer) => {
      world.change('cluster a=1', 'listener l=1');
      peer.ask('cluster');
      peer.hearsAndAcks();
      peer.ask('listener');
      const [listeners] = peer.hearsAll();
      peer.send('cluster', { responseNonce: listeners?.nonce ?? '' });
      peer.send('listener', { responseNonce: 'invented' });
      expect(peer.hears()).toEqual([]);
      // The response of the listeners is still waiting for its ACK.
      world.change('listener l=2');
      expect(peer.hears()).toEqual([]);
      peer.ack();
      expect(peer.hearsAndAcks()).toEqual(['listener l=2']);
      world.change('cluster a=2');
      expect(peer.hearsAndAcks()).toEqual(['cluster a=2']);
    },
  },
  {
    title: 'takes a first request for one, whatever its nonce and version (xds-protocol/X26)',
    run: (world, peer) => {
      for (const [type, ...names] of [['cluster'], ['endpoints', 'a'], ['listener'], ['routes', 'a']] as const) {
        world.change(`${type} a=1`);
        peer.send(type, { resourceNames: names, versionInfo: 'of-another-life', responseNonce: 'of-another-stream' });
        expect(peer.hearsAndAcks()).toEqual([`${type} a=1`]);
      }
    },
  },
  {
    title: 'sends nothing unrequested beside a changed cluster or listener (xds-protocol/X28)',
    run: (world, peer) => {
      world.change('cluster a=1>a', 'endpoints a=1', 'endpoints b=1', 'listener l=1>r', 'routes r=1', 'routes s=1');
      peer.boots({ endpoints: ['a'], routes: ['r'] });
      world.change('cluster b=1>b', 'listener m=1>s', 'endpoints b=2', 'routes s=2');
      expect(peer.hearsAndAcks()).toEqual(['cluster a=1 b=1', 'listener l=1 m=1']);
    },
  },
  {
    title: 'answers a reconnect that names something new, whatever version it shows (xds-protocol/X29)',
    run: (world, peer, variant) => {
      world.change('endpoints a=1', 'endpoints b=1', 'cluster a=1');
      peer.ask('endpoints', 'a');
      const [heard] = peer.hearsAll();
      peer.ack();
      peer.leave({ kind: 'broken', detail: 'reset' });
      const again = world.peer(variant);
      again.send('endpoints', { resourceNames: ['a', 'b'], versionInfo: heard?.version ?? '' });
      const heardAgain = again.hearsAll().flatMap(({ resources }) => resources);
      again.ack();
      expect(heardAgain).toContain('b=1');
    },
  },
  {
    title: 'walks from wildcard to names to nothing as the protocol has it (xds-protocol/X39)',
    run: (world, peer) => {
      for (const type of ['cluster', 'listener']) {
        world.change(`${type} a=1`, `${type} b=1`);
        const steps: readonly (readonly string[])[] = [[], ['*', 'a'], ['a'], []];
        const heard = steps.map((resourceNames) => {
          peer.send(type, { resourceNames, responseNonce: peer.memory(type).nonce });
          const lines = peer.hears();
          peer.memory(type).names = resourceNames;
          peer.ack();
          return lines.join();
        });
        expect(heard[0]).toBe(`${type} a=1 b=1`);
        expect(heard[3]).toBe('');
        world.change(`${type} a=2`, `${type} b=2`);
        peer.isSilentFor(60_000);
      }
    },
  },
  {
    title: 'takes empty first requests of all other types for nothing (xds-protocol/X40)',
    run: (world, peer) => {
      for (const type of ['endpoints', 'routes', 'secret']) {
        world.change('endpoints a=1', 'routes a=1');
        peer.ask(type);
        peer.isSilentFor(20_000);
        world.change('endpoints a=2', 'routes a=2');
        peer.isSilentFor(20_000);
      }
    },
  },
];

describeTraces(
  'state of the world',
  traces.map((trace) => ({ where: inSotw, ...trace })),
);
