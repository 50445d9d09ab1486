import { expect } from 'vitest';
import { scopesNamed } from '../../support/tiny-mesh.ts';
import { describeTraces, inAds, inDelta, inDeltaAds, inSotw, type Trace } from '../../support/traces.ts';

/** What other control planes fell for. */

const traces: readonly Trace[] = [
  {
    title: 'publishes to others while one client takes nothing (xds-protocol/X120, xds-protocol/X137)',
    run: (world, peer, variant) => {
      world.change('cluster a=0');
      peer.stall('cluster', true);
      peer.ask('cluster');
      expect(peer.hears()).toEqual(['cluster a=0']);
      const others = Array.from({ length: 12 }, () => world.peer(variant));
      for (const other of others) {
        other.ask('cluster');
        other.hearsAndAcks();
      }
      for (let content = 1; content <= 20; content++) {
        world.change(`cluster a=${content}`);
        for (const other of others) expect(other.hearsAndAcks()).toEqual([`cluster a=${content}`]);
      }
    },
  },
  {
    title: 'loses no name that is subscribed between another question and its answer (xds-protocol/X122)',
    run: (world, peer) => {
      world.change('endpoints a=1', 'endpoints b=1');
      peer.ask('endpoints', 'a');
      // Not yet sent.
      peer.subscribe('endpoints', 'b');
      expect(peer.hears()).toEqual(['endpoints a=1 b=1']);
      world.change('endpoints b=2');
      peer.ack();
      expect(peer.hearsAndAcks()).toEqual(['endpoints b=2']);
    },
  },
  {
    title:
      'survives a nonce race, load assignments before clusters, and a cluster that comes back, in one story (xds-protocol/X123)',
    where: inAds,
    run: (world, peer) => {
      world.change('endpoints a=1', 'cluster b=1');
      peer.ask('endpoints', 'a');
      expect(peer.hears()).toEqual(['endpoints a=1']);
      peer.ask('cluster');
      world.change('cluster a=1>a', 'endpoints a=2');
      expect(peer.hears()).toEqual(['cluster a=1 b=1']);
      // The answer of the first load assignment arrives last.
      peer.ack('cluster');
      world.change('-cluster a');
      peer.ack('endpoints');
      world.clock.advance(10_000);
      peer.hearsAndAcks();
      world.change('cluster a=1>a');
      const lines = peer.hearsAndAcks();
      expect(lines.at(-1)).toBe('endpoints a=2');
    },
  },
  {
    title:
      'removes what it sent and is gone, not what one build happened to leave out (xds-protocol/X128, hot-path/H614)',
    where: inDelta,
    run: (world, peer) => {
      world.change('cluster a=1', 'cluster b=1', 'endpoints a=1', 'endpoints b=1');
      peer.ask('cluster');
      peer.hearsAndAcks();
      peer.ask('endpoints', 'a', 'b');
      peer.hearsAndAcks();
      // A commit that speaks of one resource alone.
      world.change('endpoints a=2');
      expect(peer.hearsAndAcks()).toEqual(['endpoints a=2']);
      world.change('-cluster b');
      world.clock.advance(20_000);
      expect(peer.hearsAndAcks()).toEqual(['cluster -b']);
      peer.unsubscribe('endpoints', 'b');
      peer.isSilentFor(60_000);
    },
  },
  {
    title: 'is in step after the ACK of the last response, whatever versions were skipped (xds-protocol/X130)',
    run: (world, peer) => {
      world.change('endpoints a=1');
      peer.ask('endpoints', 'a');
      peer.hears();
      world.change('endpoints a=2');
      world.change('endpoints a=1');
      peer.ack();
      peer.isSilentFor(10_000);
      const [status] = world.server.proxies();
      expect(status?.types.map(({ state }) => state)).toEqual(['synced']);
    },
  },
  {
    title: 'takes nothing away from a client that comes back (xds-protocol/X132)',
    where: inDelta,
    run: (world, peer) => {
      world.change('cluster a=1', 'listener l=1', 'routes r=1', 'endpoints a=1');
      const held = new Map<string, Readonly<Record<string, string>>>();
      const names = { cluster: [], endpoints: ['a'], listener: [], routes: ['r'] } as const;
      for (const type of ['cluster', 'endpoints', 'listener', 'routes'] as const) {
        peer.ask(type, ...names[type]);
        held.set(type, peer.hearsAll()[0]?.versions ?? {});
        peer.ack();
      }
      peer.leave({ kind: 'broken', detail: 'reset' });
      for (const type of ['cluster', 'endpoints', 'listener', 'routes'] as const) {
        peer.send(type, { resourceNamesSubscribe: names[type], initialResourceVersions: held.get(type) ?? {} });
        for (const { resources, removed } of peer.hearsAll()) expect([...resources, ...removed]).toEqual([]);
        peer.ack();
      }
    },
  },
  {
    title:
      'sends the bytes whose version it names: what changes back is told apart from what never changed (xds-protocol/X133)',
    where: inDelta,
    run: (world, peer) => {
      world.change('endpoints a=1', 'endpoints b=1');
      peer.ask('endpoints', 'a', 'b');
      const versions = new Map<string, string>();
      const note = (): void => {
        for (const heard of peer.hearsAll()) {
          for (const text of heard.resources) {
            const name = text.slice(0, text.indexOf('='));
            const version = heard.versions[name] ?? '';
            expect(versions.get(text) ?? version).toBe(version);
            versions.set(text, version);
          }
        }
        peer.ack();
      };
      note();
      for (const content of [2, 1, 3, 2, 1]) {
        world.change(`endpoints a=${content}`);
        note();
      }
      expect(new Set([...versions].filter(([text]) => text.startsWith('a=')).map(([, version]) => version)).size).toBe(
        3,
      );
    },
  },
  {
    title: 'gives a client that comes in the middle of an update what the others end with (xds-protocol/X136)',
    run: (world, peer, variant) => {
      world.change('cluster a=1>a', 'endpoints a=1', 'listener l=1>r', 'routes r=to-a');
      peer.boots({ endpoints: ['a'], routes: ['r'] });
      world.change('cluster b=1>b', 'endpoints b=1', 'routes r=to-b', '-cluster a', '-endpoints a');
      peer.hearsAll();
      const late = world.peer(variant);
      const lines = late.boots({ endpoints: ['b'], routes: ['r'] });
      expect(lines).toEqual(['cluster b=1', 'endpoints b=1', 'listener l=1', 'routes r=to-b']);
      peer.leave();
    },
  },
  {
    title: 'has one response on its way, so that none can overtake another (xds-protocol/X139)',
    where: inDeltaAds,
    run: (world, peer) => {
      world.change('endpoints a=1');
      peer.ask('endpoints', 'a');
      peer.hears();
      world.change('endpoints a=2');
      world.change('-endpoints a');
      world.change('endpoints a=3');
      expect(peer.hears()).toEqual([]);
      peer.ack();
      expect(peer.hearsAndAcks()).toEqual(['endpoints a=3']);
    },
  },
  {
    title: 'holds the next clusters until the ACK, a second at most (xds-protocol/X141, xds-protocol/X301)',
    run: (world, peer) => {
      world.change('cluster a=1');
      peer.ask('cluster');
      expect(peer.hears()).toEqual(['cluster a=1']);
      world.change('cluster a=2');
      peer.isSilentFor(999);
      world.clock.advance(1);
      expect(peer.hears()).toEqual(['cluster a=2']);
      world.change('cluster a=3');
      expect(peer.hears()).toEqual([]);
      peer.ack();
      expect(peer.hearsAndAcks()).toEqual(['cluster a=3']);
    },
  },
  {
    title: 'answers a client that asks after a restart for routes that nobody has any more (xds-protocol/X142)',
    where: inDelta,
    run: (_, peer) => {
      peer.ask('listener');
      peer.hearsAndAcks();
      peer.send('routes', { resourceNamesSubscribe: ['gone'], initialResourceVersions: { gone: 'x' } });
      expect(peer.hearsAndAcks()).toEqual(['routes -gone']);
    },
  },
  {
    title: 'keeps what it knows of a client apart from what it knows of its twin (xds-protocol/X137)',
    where: inSotw,
    run: (world, peer, variant) => {
      world.change('endpoints a=bad');
      const good = world.peer(variant);
      peer.ask('endpoints', 'a');
      good.ask('endpoints', 'a');
      peer.hears();
      peer.nack('endpoints', 'a is bad');
      expect(good.hearsAndAcks()).toEqual(['endpoints a=bad']);
      world.change('endpoints a=1');
      expect([peer.hearsAndAcks(), good.hearsAndAcks()]).toEqual([['endpoints a=1'], ['endpoints a=1']]);
    },
  },
  {
    title: 'sends a client that moves to another scope what differs there (xds-protocol/X128)',
    where: inDeltaAds,
    run: (world, peer) => {
      world.mesh.change((mesh) => {
        mesh.put('cluster', 'a', 'a=1', { scope: 'north' });
        mesh.put('cluster', 'a', 'a=1', { scope: 'south' });
        mesh.put('cluster', 'b', 'b=1', { scope: 'north' });
        mesh.put('cluster', 'c', 'c=1', { scope: 'south' });
      });
      const nodeId = peer.node.id ?? '';
      world.mesh.place(nodeId, scopesNamed('north'));
      peer.ask('cluster');
      expect(peer.hearsAndAcks()).toEqual(['cluster a=1 b=1']);
      world.mesh.place(nodeId, scopesNamed('south'));
      const lines = [...peer.hearsAndAcks()];
      world.clock.advance(10_000);
      lines.push(...peer.hearsAndAcks());
      expect(lines).toEqual(['cluster c=1', 'cluster -b']);
    },
  },
];

describeTraces('pitfalls', traces);
