import { expect } from 'vitest';
import type { TracePeer, TraceWorld } from '../../support/trace-rig.ts';
import { describeTraces, inAds, inDeltaAds, inSotwAds, type Trace } from '../../support/traces.ts';

/** What goes before what, and what waits for what. */

const start = ['cluster x=1>x', 'endpoints x=1', 'listener l=1>r', 'routes r=to-x'] as const;
const toY = ['cluster y=1>y', 'endpoints y=1', 'routes r=to-y', '-cluster x', '-endpoints x'] as const;

const traces: readonly Trace[] = [
  {
    title: 'sends one change as clusters, load assignments, listeners, routes (xds-protocol/X55, xds-protocol/X121)',
    where: inAds,
    run: (world, peer) => {
      boot(world, peer);
      world.change('routes r=2', 'listener l=2>r', 'endpoints x=2', 'cluster x=2>x');
      expect(peer.hears()).toEqual(['cluster x=2', 'endpoints x=2', 'listener l=2', 'routes r=2']);
    },
  },
  {
    title: 'removes a cluster when the routes that stopped naming it are confirmed, and not before (xds-protocol/X55)',
    where: inDeltaAds,
    run: (world, peer) => {
      boot(world, peer);
      world.change(...toY);
      expect(peer.hears()).toEqual(['cluster y=1', 'endpoints y=1']);
      peer.subscribe('endpoints', 'y');
      peer.ack();
      expect(peer.hears()).toEqual(['routes r=to-y']);
      peer.isSilentFor(60_000);
      peer.ack('routes');
      expect(peer.hears()).toEqual(['cluster -x']);
    },
  },
  {
    title:
      'repeats a cluster in the full state until the routes that stopped naming it are confirmed (xds-protocol/X55, xds-protocol/X16)',
    where: inSotwAds,
    run: (world, peer) => {
      boot(world, peer);
      world.change(...toY);
      expect(peer.hears()).toEqual(['cluster x=1 y=1']);
      peer.subscribe('endpoints', 'y');
      expect(peer.hears()).toEqual(['endpoints y=1']);
      peer.ack();
      expect(peer.hears()).toEqual(['routes r=to-y']);
      peer.isSilentFor(60_000);
      peer.ack('routes');
      expect(peer.hears()).toEqual(['cluster y=1']);
    },
  },
  {
    title: 'keeps a cluster while the client refuses the routes that stopped naming it (xds-protocol/X55)',
    where: inAds,
    run: (world, peer) => {
      boot(world, peer);
      world.change('routes r=bad-y', '-cluster x', 'cluster y=1>y', 'endpoints y=1');
      peer.hears();
      peer.subscribe('endpoints', 'y');
      peer.hears();
      peer.ack();
      expect(peer.hears()).toEqual(['routes r=bad-y']);
      peer.nack('routes', 'r is bad');
      peer.isSilentFor(60_000);
      world.change('routes r=to-y');
      expect(peer.hears()).toEqual(['routes r=to-y']);
      peer.ack();
      expect(peer.hears()).toEqual([peer.isDelta ? 'cluster -x' : 'cluster y=1']);
    },
  },
  {
    title:
      'sends load assignments while the ACK of clusters is withheld (xds-protocol/X56, xds-protocol/X234, xds-protocol/X104)',
    where: inAds,
    run: (world, peer) => {
      world.change(...start);
      peer.ask('cluster');
      expect(peer.hears()).toEqual(['cluster x=1']);
      peer.ask('endpoints', 'x');
      expect(peer.hears()).toEqual(['endpoints x=1']);
      peer.ack('endpoints');
      world.change('endpoints x=2');
      expect(peer.hears()).toEqual(['endpoints x=2']);
      peer.ack('endpoints');
      peer.ack('cluster');
    },
  },
  {
    title: 'lets routes and listeners wait for the ACK of a new cluster, twenty seconds at most (xds-protocol/X57)',
    where: inAds,
    run: (world, peer) => {
      for (const child of ['routes r=to-y', 'listener l=to-y>r']) {
        boot(world, peer);
        world.change('cluster y=1', child);
        const [clusters] = peer.hearsAll();
        expect(clusters?.type).toBe('cluster');
        peer.isSilentFor(19_999);
        world.clock.advance(1);
        expect(peer.hears()[0]).toContain(child.split('=')[0] ?? '');
        peer.leave();
        world.change('-cluster y');
      }
    },
  },
  {
    title: 'lets nothing wait for a cluster that only changed (xds-protocol/X57)',
    where: inAds,
    run: (world, peer) => {
      boot(world, peer);
      world.change('cluster x=2>x', 'routes r=2');
      expect(peer.hears()).toEqual(['cluster x=2', 'endpoints x=1', 'routes r=2']);
    },
  },
  {
    title:
      'lets nothing wait where clusters are asked for by name, in the order of C-core and in that of grpc-js (xds-protocol/X57)',
    where: inSotwAds,
    run: (world, peer) => {
      world.change(...start);
      const orders = [
        ['listener', 'endpoints', 'routes', 'cluster'],
        ['listener', 'routes', 'cluster', 'endpoints'],
      ] as const;
      const names = { listener: 'l', routes: 'r', cluster: 'x', endpoints: 'x' };
      for (const order of orders) {
        for (const type of order) peer.ask(type, names[type]);
        expect(peer.hears().toSorted()).toEqual(['cluster x=1', 'endpoints x=1', 'listener l=1', 'routes r=to-x']);
        peer.leave({ kind: 'broken', detail: 'reset' });
      }
    },
  },
  {
    title:
      'shows each commit whole: load assignments of the newest with the clusters of the newest (xds-protocol/X58, hot-path/H613)',
    where: inAds,
    run: (world, peer) => {
      world.change(...start);
      peer.ask('cluster');
      expect(peer.hears()).toEqual(['cluster x=1']);
      // The mesh changes between the response and the question for what it names.
      world.change('cluster x=2>x', 'endpoints x=2');
      peer.ask('endpoints', 'x');
      expect(peer.hears()).toEqual(['endpoints x=2']);
      peer.ack();
      expect(peer.hearsAndAcks()).toEqual(['cluster x=2', 'endpoints x=2']);
    },
  },
  {
    title: 'keeps a removed cluster for a while where it cannot know what became of the routes (xds-protocol/X59)',
    where: ({ isAds }) => !isAds,
    run: (world, peer) => {
      boot(world, peer);
      world.clock.advance(60_000);
      world.change(...toY);
      const lines = peer.hears().toSorted();
      expect(lines).toEqual([peer.isDelta ? 'cluster y=1' : 'cluster x=1 y=1', 'routes r=to-y']);
      peer.ack();
      peer.isSilentFor(10_000);
      world.clock.advance(10_000);
      expect(peer.hearsAndAcks()).toEqual([peer.isDelta ? 'cluster -x' : 'cluster y=1']);
    },
  },
  {
    title:
      'answers load assignments of some clusters, whether all are asked for or not (xds-protocol/X58, xds-protocol/X126)',
    run: (world, peer) => {
      world.change('cluster a=1>a', 'cluster b=1>b', 'endpoints a=1', 'endpoints b=1', 'endpoints shared=1');
      peer.ask('cluster');
      peer.hearsAndAcks();
      peer.ask('endpoints', 'b');
      expect(peer.hearsAndAcks()).toEqual(['endpoints b=1']);
      peer.subscribe('endpoints', 'shared');
      expect(peer.hearsAndAcks()).toEqual(['endpoints shared=1']);
    },
  },
];

describeTraces('ordering', traces);

function boot(world: TraceWorld, peer: TracePeer): void {
  world.change(...start);
  peer.boots({ endpoints: ['x'], routes: ['r'] });
}
