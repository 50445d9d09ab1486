import { expect } from 'vitest';
import { describeTraces, inAds, inDelta, inDeltaAds, inSotwAds, type Trace } from '../../support/traces.ts';

/** Envoy warms what changed, and waits meanwhile for what that refers to. */

const traces: readonly Trace[] = [
  {
    title:
      'sends the load assignment of a changed cluster after it, byte for byte the same (xds-protocol/X60, xds-protocol/X103)',
    where: inAds,
    run: (world, peer) => {
      world.change('cluster a=1>a', 'endpoints a=1', 'cluster b=1>b', 'endpoints b=1');
      peer.boots({ endpoints: ['a', 'b'], routes: [] });
      world.change('cluster a=2>a');
      const all = peer.isDelta ? 'cluster a=2' : 'cluster a=2 b=1';
      expect(peer.hearsAndAcks()).toEqual([all, 'endpoints a=1']);
    },
  },
  {
    title:
      'sends the load assignment of a new cluster when it is subscribed, if it could not before (xds-protocol/X60)',
    where: inAds,
    run: (world, peer) => {
      world.change('cluster a=1>a', 'endpoints a=1', 'endpoints b=1');
      peer.boots({ endpoints: ['a', 'b'], routes: [] });
      peer.unsubscribe('endpoints', 'b');
      world.change('cluster b=1>b');
      const [clusters, ...pushed] = peer.hears();
      expect(clusters).toBe(peer.isDelta ? 'cluster b=1' : 'cluster a=1 b=1');
      expect(pushed).toEqual(peer.isDelta ? ['endpoints b=1'] : []);
      peer.subscribe('endpoints', 'b');
      expect([...pushed, ...peer.hears()]).toEqual(['endpoints b=1']);
    },
  },
  {
    title: 'answers the question that follows a changed cluster once: the push is the answer (xds-protocol/X61)',
    where: inSotwAds,
    run: (world, peer) => {
      world.change('cluster a=1>a', 'endpoints a=1');
      peer.boots({ endpoints: ['a'], routes: [] });
      const { version, nonce } = peer.memory('endpoints');
      world.change('cluster a=2>a');
      expect(peer.hears()).toEqual(['cluster a=2', 'endpoints a=1']);
      peer.send('endpoints', { resourceNames: ['a'], versionInfo: version, responseNonce: nonce });
      peer.isSilentFor(10_000);
      peer.ack('endpoints');
      peer.ack('cluster');
      peer.isSilentFor(60_000);
    },
  },
  {
    title: 'answers the question that follows a changed cluster once: before the push was sent, too (xds-protocol/X61)',
    where: inSotwAds,
    run: (world, peer) => {
      world.change('cluster a=1>a', 'endpoints a=1');
      peer.boots({ endpoints: ['a'], routes: [] });
      world.change('endpoints a=2');
      expect(peer.hears()).toEqual(['endpoints a=2']);
      world.change('cluster a=2>a');
      // Load assignments wait for their ACK, which is also Envoy's question.
      expect(peer.hears()).toEqual(['cluster a=2']);
      peer.ack('endpoints');
      expect(peer.hears()).toEqual(['endpoints a=2']);
      peer.ack();
      peer.isSilentFor(60_000);
    },
  },
  {
    title:
      'sends the load assignments of all changed clusters at once, and of no others (xds-protocol/X62, xds-protocol/X129, xds-protocol/X134)',
    where: inAds,
    run: (world, peer) => {
      const names = ['a', 'b', 'c'];
      world.change(...names.flatMap((name) => [`cluster ${name}=1>${name}`, `endpoints ${name}=1`]));
      peer.boots({ endpoints: names, routes: [] });
      world.change('cluster a=2>a', 'cluster c=2>c');
      const [clusters, ...others] = peer.hearsAndAcks();
      expect(clusters).toBe(peer.isDelta ? 'cluster a=2 c=2' : 'cluster a=2 b=1 c=2');
      expect(others).toEqual(['endpoints a=1 c=1']);
    },
  },
  {
    title: 'sends the routes of a changed listener after it (xds-protocol/X64, xds-protocol/X103)',
    where: inAds,
    run: (world, peer) => {
      world.change('listener l=1>r', 'listener m=1>s', 'routes r=1', 'routes s=1');
      peer.boots({ endpoints: [], routes: ['r', 's'] });
      world.change('listener l=2>r');
      const [listeners, ...others] = peer.hearsAndAcks();
      expect(listeners).toBe(peer.isDelta ? 'listener l=2' : 'listener l=2 m=1');
      expect(others).toEqual(['routes r=1']);
    },
  },
  {
    title:
      'sends nothing for a rebuild that changes nothing, and of clusters only those that changed (xds-protocol/X65)',
    where: inDelta,
    run: (world, peer) => {
      const names = Array.from({ length: 200 }, (_, index) => `c${index}`);
      world.change(...names.flatMap((name) => [`cluster ${name}=1>${name}`, `endpoints ${name}=1`]));
      peer.boots({ endpoints: names, routes: [] });
      world.change(...names.flatMap((name) => [`cluster ${name}=1>${name}`, `endpoints ${name}=1`]));
      peer.isSilentFor(60_000);
      world.change(...names.map((name) => `cluster ${name}=${name === 'c7' ? 2 : 1}>${name}`));
      expect(peer.hearsAndAcks()[0]).toBe('cluster c7=2');
    },
  },
  {
    title: 'sends nothing for a rebuild that changes nothing (xds-protocol/X65, xds-protocol/X140)',
    run: (world, peer) => {
      const all = ['cluster a=1>a', 'endpoints a=1', 'listener l=1>r', 'routes r=1'];
      world.change(...all);
      peer.boots({ endpoints: ['a'], routes: ['r'] });
      world.change(...all);
      peer.isSilentFor(60_000);
    },
  },
  {
    title: 'sends the load assignment again for a cluster that went and came back (xds-protocol/X66)',
    where: inAds,
    run: (world, peer) => {
      world.change('cluster a=1>a', 'endpoints a=1');
      peer.boots({ endpoints: ['a'], routes: [] });
      world.change('-cluster a');
      expect(peer.hearsAndAcks()).toEqual([peer.isDelta ? 'cluster -a' : 'cluster']);
      world.change('cluster a=1>a');
      expect(peer.hearsAndAcks()).toEqual(['cluster a=1', 'endpoints a=1']);
    },
  },
  {
    title: 'sends a load assignment that two clusters share for the second of them (xds-protocol/X66)',
    where: inAds,
    run: (world, peer) => {
      world.change('cluster a=1>shared', 'endpoints shared=1');
      peer.boots({ endpoints: ['shared'], routes: [] });
      world.change('cluster b=1>shared');
      expect(peer.hearsAndAcks()).toEqual([peer.isDelta ? 'cluster b=1' : 'cluster a=1 b=1', 'endpoints shared=1']);
    },
  },
  {
    title:
      'sends a load assignment that was asked for before its cluster came when the cluster comes (xds-protocol/X60)',
    where: inDeltaAds,
    run: (world, peer) => {
      world.change('cluster a=1>a', 'endpoints a=1', 'endpoints b=1');
      peer.boots({ endpoints: ['a', 'b'], routes: [] });
      world.change('cluster b=1>b');
      expect(peer.hearsAndAcks()).toEqual(['cluster b=1', 'endpoints b=1']);
    },
  },
];

describeTraces('warming', traces);
