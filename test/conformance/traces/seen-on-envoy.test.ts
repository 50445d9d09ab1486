import { expect } from 'vitest';
import { describeTraces, inDeltaAds, inSotwAds, type Trace } from '../../support/traces.ts';

/** What an Envoy 1.40 was seen to do, played by the letter. */

const traces: readonly Trace[] = [
  {
    title: 'boots it in its order (xds-protocol/X300)',
    where: inDeltaAds,
    run: (world, peer) => {
      world.change('cluster a=1>a', 'cluster b=1>b', 'endpoints a=1', 'endpoints b=1', 'listener l=1>r', 'routes r=1');
      peer.ask('cluster');
      expect(peer.hears()).toEqual(['cluster a=1 b=1']);
      peer.ask('endpoints', 'a', 'b');
      peer.ack('cluster');
      expect(peer.hears()).toEqual(['endpoints a=1 b=1']);
      peer.ask('listener');
      peer.ack('endpoints');
      expect(peer.hears()).toEqual(['listener l=1']);
      peer.ask('routes', 'r');
      peer.ack('listener');
      expect(peer.hearsAndAcks()).toEqual(['routes r=1']);
    },
  },
  {
    title: 'takes it back with what it holds, in its order, and sends nothing again (xds-protocol/X300)',
    where: inDeltaAds,
    run: (world, peer) => {
      world.change('cluster a=1>a', 'endpoints a=1', 'listener l=1>r', 'routes r=1');
      const types = ['cluster', 'endpoints', 'listener', 'routes'] as const;
      const names = { cluster: [], endpoints: ['a'], listener: [], routes: ['r'] } as const;
      const held = types.map((type) => {
        peer.ask(type, ...names[type]);
        const [heard] = peer.hearsAll();
        peer.ack();
        return heard?.versions ?? {};
      });
      peer.leave({ kind: 'broken', detail: 'reset' });
      for (const [index, type] of types.entries()) {
        peer.send(type, { resourceNamesSubscribe: names[type], initialResourceVersions: held[index] ?? {} });
      }
      const heard = peer.hearsAll();
      expect(heard.flatMap(({ resources, removed }) => [...resources, ...removed])).toEqual([]);
    },
  },
  {
    title: 'sends further clusters after a second without an ACK, and load assignments at once (xds-protocol/X301)',
    where: inDeltaAds,
    run: (world, peer) => {
      world.change('cluster a=1>a', 'endpoints a=1');
      peer.boots({ endpoints: ['a'], routes: [] });
      world.change('cluster b=1>b');
      expect(peer.hears()).toEqual(['cluster b=1']);
      // The cluster warms: there is no load assignment, and no ACK before there is.
      peer.subscribe('endpoints', 'b');
      expect(peer.hears()).toEqual(['endpoints -b']);
      peer.ack('endpoints');
      world.change('cluster c=1>c', 'endpoints c=1', 'endpoints a=2');
      expect(peer.hears()).toEqual(['endpoints a=2']);
      peer.ack('endpoints');
      peer.isSilentFor(999);
      world.clock.advance(1);
      expect(peer.hears()).toEqual(['cluster c=1', 'endpoints c=1']);
      world.change('endpoints b=1');
      peer.ack('endpoints');
      expect(peer.hears()).toEqual(['endpoints b=1']);
      peer.ack();
    },
  },
  {
    title: 'does not answer the question for a load assignment that was pushed already (xds-protocol/X302)',
    where: inDeltaAds,
    run: (world, peer) => {
      world.change('cluster a=1>a', 'endpoints a=1', 'endpoints b=1');
      peer.boots({ endpoints: ['a'], routes: [] });
      world.change('cluster b=1>b');
      expect(peer.hears()).toEqual(['cluster b=1', 'endpoints b=1']);
      peer.subscribe('endpoints', 'b');
      peer.ack();
      peer.isSilentFor(60_000);
      world.change('endpoints b=2');
      expect(peer.hearsAndAcks()).toEqual(['endpoints b=2']);
    },
  },
  {
    title: 'pushes no type that was not asked for, and waits for no answer of one (xds-protocol/X303)',
    where: ({ isAds }) => isAds,
    run: (world, peer) => {
      world.change('cluster a=1>a', 'endpoints a=1', 'listener l=1>r', 'routes r=1');
      peer.ask('cluster');
      expect(peer.hearsAndAcks()).toEqual(['cluster a=1']);
      world.change('cluster a=2>a', 'endpoints a=2', 'listener l=2>r', 'routes r=2');
      expect(peer.hearsAndAcks()).toEqual(['cluster a=2']);
      peer.ask('endpoints', 'a');
      expect(peer.hearsAndAcks()).toEqual(['endpoints a=2']);
    },
  },
  {
    title: 'sends the valid siblings of a refused response again, alone (xds-protocol/X304)',
    where: inDeltaAds,
    run: (world, peer) => {
      world.change('cluster keep=1');
      peer.ask('cluster');
      peer.hearsAndAcks();
      world.change('cluster bad=1', 'cluster good=1', 'cluster fine=1');
      expect(peer.hears()).toEqual(['cluster bad=1 fine=1 good=1']);
      peer.nack('cluster', 'Error adding/updating cluster(s) bad: Unknown extension');
      expect(peer.hears()).toEqual(['cluster fine=1 good=1']);
      peer.ack();
      peer.isSilentFor(60_000);
    },
  },
  {
    title: 'takes away the sibling of what it refused when that is deleted while it is away (xds-protocol/X304)',
    where: inDeltaAds,
    run: (world, peer) => {
      world.change('cluster bad=1', 'cluster sibling=1');
      peer.ask('cluster');
      expect(peer.hears()).toEqual(['cluster bad=1 sibling=1']);
      peer.nack('cluster', 'Error adding/updating cluster(s) bad: Unknown extension');
      peer.leave({ kind: 'broken', detail: 'reset' });
      world.change('-cluster sibling', 'cluster bad=2');
      // It runs the sibling and has no version of it.
      peer.send('cluster', { initialResourceVersions: {} });
      const heard = peer.hearsAll();
      world.clock.advance(10_000);
      heard.push(...peer.hearsAll());
      expect(heard.flatMap(({ resources }) => resources)).toEqual(['bad=2']);
      expect(heard.flatMap(({ removed }) => removed)).toEqual(['sibling']);
    },
  },
  {
    title: 'takes that away even if the refusal was lost with the connection (xds-protocol/X304)',
    where: inDeltaAds,
    run: (world, peer) => {
      world.change('cluster bad=1', 'cluster sibling=1');
      peer.ask('cluster');
      expect(peer.hears()).toEqual(['cluster bad=1 sibling=1']);
      peer.leave({ kind: 'broken', detail: 'reset' });
      world.change('-cluster sibling', 'cluster bad=2');
      peer.send('cluster', { initialResourceVersions: {} });
      const heard = peer.hearsAll();
      world.clock.advance(10_000);
      heard.push(...peer.hearsAll());
      expect(heard.flatMap(({ resources }) => resources)).toEqual(['bad=2']);
      expect(heard.flatMap(({ removed }) => removed)).toEqual(['sibling']);
    },
  },
  {
    title: 'gives what is back to a client that names its version and runs another (xds-protocol/X304)',
    where: inDeltaAds,
    run: (world, peer) => {
      world.change('cluster a=A');
      peer.ask('cluster');
      const held = peer.hearsAll()[0]?.versions ?? {};
      peer.ack();
      world.change('cluster a=B', 'cluster bad=1');
      peer.hears();
      peer.nack('cluster', 'Error adding/updating cluster(s) bad: Unknown extension');
      peer.leave({ kind: 'broken', detail: 'reset' });
      world.change('cluster a=A', '-cluster bad');
      peer.send('cluster', { initialResourceVersions: held });
      expect(peer.hearsAll().flatMap(({ resources }) => resources)).toEqual(['a=A']);
    },
  },
  {
    title: 'lets traffic go on after load assignments and routes are deleted: it does not say so (xds-protocol/X306)',
    where: inDeltaAds,
    run: (world, peer) => {
      world.change('cluster a=1>a', 'endpoints a=1', 'listener l=1>r', 'routes r=1');
      peer.boots({ endpoints: ['a'], routes: ['r'] });
      world.change('-endpoints a', '-routes r');
      peer.isSilentFor(60_000);
    },
  },
  {
    title:
      'asks again for what a changed cluster needs, by the same names, and is answered once (xds-protocol/X302, xds-protocol/X61)',
    where: inSotwAds,
    run: (world, peer) => {
      world.change('cluster a=1>a', 'endpoints a=1');
      peer.boots({ endpoints: ['a'], routes: [] });
      const { version, nonce } = peer.memory('endpoints');
      world.change('cluster a=2>a');
      peer.hears();
      peer.send('endpoints', { resourceNames: ['a'], versionInfo: version, responseNonce: nonce });
      peer.ack();
      peer.isSilentFor(60_000);
    },
  },
];

describeTraces('seen on Envoy', traces);
