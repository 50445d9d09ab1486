import { expect } from 'vitest';
import { scopesNamed } from '../../support/tiny-mesh.ts';
import { describeTraces, inDelta, inSotw, type Trace } from '../../support/traces.ts';

/** Names: opaque, on demand, and those of types that few clients ask for. */

const traces: readonly Trace[] = [
  {
    title: 'takes the empty string for a name of which nothing exists (xds-protocol/X74, xds-protocol/X234)',
    run: (world, peer) => {
      world.change('endpoints a=1');
      peer.ask('endpoints', '', 'a');
      expect(peer.hearsAndAcks()).toEqual([peer.isDelta ? 'endpoints a=1 -' : 'endpoints a=1']);
    },
  },
  {
    title: 'takes names for opaque (xds-protocol/X74)',
    run: (world, peer) => {
      const names = ['a/b', 'A', 'a', 'ä', 'a?b=c', '__proto__', 'constructor', '**', 'a,b'];
      world.mesh.change((mesh) => {
        for (const name of names) mesh.put('endpoints', name, `${name.replace('=', ':')}=1`);
      });
      peer.ask('endpoints', ...names.filter((name) => !name.includes('=')));
      expect(peer.hearsAll()[0]?.resources.toSorted()).toEqual(
        names
          .filter((name) => !name.includes('='))
          .map((name) => `${name}=1`)
          .toSorted(),
      );
      peer.ack();
      world.change('endpoints A=2');
      expect(peer.hearsAndAcks()).toEqual(['endpoints A=2']);
    },
  },
  {
    title: 'answers an on-demand cluster beside the wildcard at once: it exists, or it does not (xds-protocol/X76)',
    where: inDelta,
    run: (world, peer) => {
      world.change('cluster a=1');
      peer.ask('cluster');
      expect(peer.hearsAndAcks()).toEqual(['cluster a=1']);
      peer.subscribe('cluster', 'a');
      expect(peer.hearsAndAcks()).toEqual(['cluster a=1']);
      peer.subscribe('cluster', 'unknown');
      expect(peer.hearsAndAcks()).toEqual(['cluster -unknown']);
      world.change('cluster unknown=1');
      expect(peer.hearsAndAcks()).toEqual(['cluster unknown=1']);
    },
  },
  {
    title:
      'answers on-demand clusters of long ago when a client comes back with the wildcard and their names (xds-protocol/X76)',
    where: inDelta,
    run: (world, peer) => {
      world.change('cluster a=1', 'cluster b=1');
      peer.ask('cluster', '*', 'b');
      const [heard] = peer.hearsAll();
      peer.leave({ kind: 'broken', detail: 'reset' });
      world.change('-cluster b');
      peer.send('cluster', { resourceNamesSubscribe: ['*', 'b'], initialResourceVersions: heard?.versions ?? {} });
      expect(peer.hearsAndAcks()).toEqual(['cluster -b']);
    },
  },
  {
    title: 'does not say that load assignments, routes and secrets were deleted: clients keep them (xds-protocol/X78)',
    where: inDelta,
    run: (world, peer) => {
      for (const type of ['endpoints', 'routes']) {
        world.change(`${type} a=1`, `${type} b=1`);
        peer.ask(type, 'a', 'b');
        peer.hearsAndAcks();
        world.change(`-${type} a`);
        peer.isSilentFor(60_000);
        world.change(`${type} b=2`);
        expect(peer.hearsAndAcks()).toEqual([`${type} b=2`]);
      }
    },
  },
  {
    title:
      'says of a secret that nobody may read that it does not exist, and of a wildcard of secrets nothing (xds-protocol/X79)',
    where: inDelta,
    run: (_, peer) => {
      peer.ask('secret', 'foreign', '*');
      expect(peer.hearsAndAcks()).toEqual(['secret -foreign']);
    },
  },
  {
    title:
      'keeps the listeners of proxies and those of proxyless gRPC apart, whose type is the same (xds-protocol/X86)',
    where: inSotw,
    run: (world, peer, variant) => {
      const grpc = world.peer(variant, 'sidecar~10.0.0.9~grpc-1.shop~shop.svc.cluster.local');
      world.mesh.place(peer.node.id ?? '', scopesNamed('proxies'));
      world.mesh.place(grpc.node.id ?? '', scopesNamed('grpc'));
      world.mesh.put('listener', '0.0.0.0_80', '0.0.0.0_80=1', { scope: 'proxies' });
      world.mesh.put('listener', 'shop', 'shop=1', { scope: 'grpc' });
      peer.ask('listener');
      grpc.ask('listener', 'shop', '0.0.0.0_80');
      expect([peer.hearsAndAcks(), grpc.hearsAndAcks()]).toEqual([['listener 0.0.0.0_80=1'], ['listener shop=1']]);
      world.mesh.put('listener', 'shop', 'shop=2', { scope: 'grpc' });
      expect([peer.hearsAndAcks(), grpc.hearsAndAcks()]).toEqual([[], ['listener shop=2']]);
    },
  },
  {
    title:
      'gives proxyless gRPC its listeners, routes, clusters and load assignments by name, in any order (xds-protocol/X85)',
    where: inSotw,
    run: (world, peer) => {
      world.change(
        'listener shop=1>shop-routes',
        'listener other=1',
        'routes shop-routes=1',
        'cluster shop=1>shop',
        'cluster other=1',
        'endpoints shop=1',
      );
      for (const [type, name] of [
        ['listener', 'shop'],
        ['routes', 'shop-routes'],
        ['cluster', 'shop'],
        ['endpoints', 'shop'],
      ] as const) {
        peer.ask(type, name);
        expect(peer.hearsAndAcks()).toEqual([`${type} ${name}=1`]);
      }
      world.change('listener other=2', 'cluster other=2');
      peer.isSilentFor(60_000);
    },
  },
];

describeTraces('names', traces);
