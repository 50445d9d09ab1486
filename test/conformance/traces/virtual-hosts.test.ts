import { expect } from 'vitest';
import { describeTraces, inDeltaAds, type Trace } from '../../support/traces.ts';
import type { TracePeer, TraceWorld } from '../../support/trace-rig.ts';

/** Virtual hosts one by one (VHDS), as Envoy 1.40 was seen to ask for them. */

/** A route configuration that is no more than a header, and two virtual hosts of it. */
function boots(world: TraceWorld, peer: TracePeer): void {
  world.change('cluster x=1', 'listener l=1>80', 'routes 80=1>80/a:80,80/b:80');
  world.change('virtualHosts 80/a:80=to-x', 'virtualHosts 80/b:80=to-x');
  peer.boots({ endpoints: [], routes: ['80'] });
  peer.ask('virtualHosts');
}

const traces: readonly Trace[] = [
  {
    title:
      'answers the first request, which names none, by virtual hosts: an empty answer would not do (xds-protocol/X311)',
    where: inDeltaAds,
    run: (world, peer) => {
      boots(world, peer);
      expect(peer.hearsAndAcks()).toEqual(['virtualHosts 80/a:80=to-x 80/b:80=to-x']);
    },
  },
  {
    title:
      'pushes virtual hosts that nobody asked for by name, each by itself, as they change, come and go (xds-protocol/X310)',
    where: inDeltaAds,
    run: (world, peer) => {
      boots(world, peer);
      peer.hearsAndAcks();
      world.change('virtualHosts 80/a:80=mirrored');
      expect(peer.hearsAndAcks()).toEqual(['virtualHosts 80/a:80=mirrored']);
      world.change('virtualHosts 80/c:80=1');
      expect(peer.hearsAndAcks()).toEqual(['virtualHosts 80/c:80=1']);
      world.change('-virtualHosts 80/b:80');
      expect(peer.hearsAndAcks()).toEqual(['virtualHosts -80/b:80']);
    },
  },
  {
    title:
      'says of an asked host that does not exist so by its name and alias, at once, and never by a removal (xds-protocol/X312)',
    where: inDeltaAds,
    run: (world, peer) => {
      boots(world, peer);
      peer.hearsAndAcks();
      // Envoy asks for the lower-cased host with its port.
      peer.subscribe('virtualHosts', '80/host.example:8080');
      expect(peer.hearsAndAcks()).toEqual(['virtualHosts 80/host.example:8080=']);
      world.change('virtualHosts 80/host.example:8080=1');
      expect(peer.hearsAndAcks()).toEqual(['virtualHosts 80/host.example:8080=1']);
    },
  },
  {
    title:
      'sends the hosts of a route configuration after it, unchanged or not, and those of no other (xds-protocol/X77)',
    where: inDeltaAds,
    run: (world, peer) => {
      boots(world, peer);
      world.change('routes 90=1>90/a:90', 'virtualHosts 90/a:90=to-x');
      peer.hearsAndAcks();
      peer.subscribe('routes', '90');
      expect(peer.hearsAndAcks()).toEqual(['routes 90=1', 'virtualHosts 90/a:90=to-x']);
      world.change('routes 80=2>80/a:80,80/b:80');
      expect(peer.hearsAndAcks()).toEqual(['routes 80=2', 'virtualHosts 80/a:80=to-x 80/b:80=to-x']);
    },
  },
  {
    title: 'sends a client that comes back the one host that changed meanwhile, and no other (xds-protocol/X30)',
    where: inDeltaAds,
    run: (world, peer) => {
      boots(world, peer);
      const [heard] = peer.hearsAll();
      peer.ack();
      peer.leave({ kind: 'broken', detail: 'reset' });
      world.change('virtualHosts 80/a:80=to-y');
      peer.send('virtualHosts', { initialResourceVersions: heard?.versions ?? {} });
      expect(peer.hearsAndAcks()).toEqual(['virtualHosts 80/a:80=to-y']);
    },
  },
  {
    title:
      'sends one change from clusters to virtual hosts, and takes the cluster away at the end (xds-protocol/X55, hot-path/H610)',
    where: inDeltaAds,
    run: (world, peer) => {
      boots(world, peer);
      peer.hearsAndAcks();
      world.change(
        'virtualHosts 80/a:80=to-y',
        'virtualHosts 80/b:80=to-y',
        'routes 80=2',
        'listener l=2>80',
        'endpoints y=1',
        'cluster y=1>y',
        '-cluster x',
      );
      peer.subscribe('endpoints', 'y');
      const heard = peer.hearsAndAcks();
      // The listener's connections may use the cluster while they drain.
      world.clock.advance(600_000);
      expect([...heard, ...peer.hearsAndAcks()]).toEqual([
        'cluster y=1',
        'endpoints y=1',
        'listener l=2',
        'routes 80=2',
        'virtualHosts 80/a:80=to-y 80/b:80=to-y',
        'cluster -x',
      ]);
    },
  },
];

describeTraces('virtual hosts', traces);
