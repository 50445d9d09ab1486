import { describe, expect, it } from 'vitest';
import { encode } from '../../../src/xds/proto.ts';
import { aNodeId } from '../../support/stream-rig.ts';
import { TraceWorld, variants } from '../../support/trace-rig.ts';
import { typeUrlNamed } from '../../support/type-names.ts';
import { describeTraces, inAds, inDelta, inSotw } from '../../support/traces.ts';

/** Streams, nodes, types: how a conversation begins and ends. */

const unknownType = 'type.googleapis.com/future.Type';

describeTraces('stream setup', [
  {
    title: 'takes the node from the first request alone (xds-protocol/X1)',
    run: (world, peer) => {
      world.change('cluster a=1', 'cluster b=1');
      peer.send('cluster', {});
      expect(peer.hearsAndAcks()).toEqual(['cluster a=1 b=1']);
      peer.sendBare('cluster', peer.isDelta ? { resourceNamesSubscribe: ['a'] } : { resourceNames: ['a'] });
      expect(peer.hears()).toEqual(['cluster a=1']);
    },
  },
  {
    title: 'refuses a first request without a node id, and forgets it (xds-protocol/X2, xds-protocol/X7)',
    run: (world) => {
      for (const variant of variants) {
        for (const node of [undefined, { id: '' }, { cluster: 'c' }]) {
          const peer = world.peer(variant);
          peer.sendBare('cluster', node === undefined ? {} : { node });
          expect(peer.endOf('cluster')?.status).toBe('INVALID_ARGUMENT');
        }
      }
      expect(world.server.size).toEqual({ streams: 0, groups: 0, records: 0, subscriptions: 0 });
    },
  },
  {
    title: 'keeps two streams of one node apart: names, nonces and versions (xds-protocol/X3, xds-protocol/X234)',
    run: (world, peer, variant) => {
      world.change('endpoints a=1', 'endpoints b=1');
      const twin = world.peer(variant);
      peer.ask('endpoints', 'a');
      twin.ask('endpoints', 'b');
      expect([peer.hears(), twin.hears()]).toEqual([['endpoints a=1'], ['endpoints b=1']]);
      twin.ack();
      world.change('endpoints a=2', 'endpoints b=2');
      // The first has not confirmed yet, and the second's ACK is not taken for its own.
      expect([peer.hears(), twin.hears()]).toEqual([[], ['endpoints b=2']]);
      peer.ack();
      twin.ack();
      expect([peer.hears(), twin.hears()]).toEqual([['endpoints a=2'], []]);
      peer.ack();
      peer.leave();
      world.change('endpoints b=3');
      expect(twin.hearsAndAcks()).toEqual(['endpoints b=3']);
    },
  },
  {
    title: 'refuses a request without a type (xds-protocol/X4)',
    where: inAds,
    run: (world, peer) => {
      world.change('cluster a=1');
      peer.ask('cluster');
      expect(peer.hearsAndAcks()).toEqual(['cluster a=1']);
      peer.send('', {});
      expect(peer.endOf('cluster')).toMatchObject({ status: 'INVALID_ARGUMENT', detail: /type_url/ });
    },
  },
  {
    title: 'takes an empty type for the one of its service, and refuses another (xds-protocol/X4)',
    where: ({ isAds }) => !isAds,
    run: (world, peer, variant) => {
      const node = { id: aNodeId };
      const [names, message] = peer.isDelta
        ? [{ resourceNamesSubscribe: ['a'] }, 'envoy.service.discovery.v3.DeltaDiscoveryRequest' as const]
        : [{ resourceNames: ['a'] }, 'envoy.service.discovery.v3.DiscoveryRequest' as const];
      for (const type of ['cluster', 'endpoints', 'listener', 'routes']) {
        world.change(`${type} a=1`);
        peer.sendBytes(type, encode(message, { node, ...names }));
        expect(peer.hears()).toEqual([`${type} a=1`]);
        peer.ack();
        const other = world.peer(variant);
        const typeUrl = typeUrlNamed(type === 'cluster' ? 'listener' : 'cluster');
        other.sendBytes(type, encode(message, { node, typeUrl }));
        expect(other.endOf(type)?.status).toBe('INVALID_ARGUMENT');
      }
    },
  },
  {
    title: 'goes on after an unknown type, of which it says nothing (xds-protocol/X5)',
    where: inSotw,
    run: (world, peer) => {
      world.change('cluster a=1');
      peer.ask(unknownType, 'x');
      peer.ask('cluster');
      expect(peer.hearsAndAcks()).toEqual(['cluster a=1']);
      peer.subscribe(unknownType, 'y');
      peer.isSilentFor(60_000);
    },
  },
  {
    title: 'goes on after an unknown type, of which it says that nothing exists (xds-protocol/X5)',
    where: inDelta,
    run: (world, peer) => {
      world.change('cluster a=1');
      peer.ask(unknownType, 'x', 'y');
      expect(peer.hears()).toEqual([`${unknownType} -x -y`]);
      peer.ack();
      peer.ask('cluster');
      expect(peer.hearsAndAcks()).toEqual(['cluster a=1']);
    },
  },
  {
    title: 'closes with a client that half-closes in the middle of an exchange (xds-protocol/X6, xds-protocol/X234)',
    run: (world, peer, variant) => {
      world.change('cluster a=1', 'endpoints a=1');
      peer.ask('cluster');
      peer.ask('endpoints', 'a');
      const other = world.peer(variant);
      other.ask('cluster');
      // The first flush of both waits.
      peer.leave({ kind: 'half-closed' });
      expect(other.hears()).toEqual(['cluster a=1']);
      other.leave({ kind: 'broken', detail: 'reset' });
      other.leave({ kind: 'half-closed' });
      world.change('cluster a=2');
      world.clock.advance(60_000);
      expect(world.server.size).toEqual({ streams: 0, groups: 0, records: 0, subscriptions: 0 });
    },
  },
  {
    title: 'names itself in every response (xds-protocol/X13)',
    run: (world, peer) => {
      world.change('cluster a=1', 'listener l=1>r', 'routes r=1');
      peer.ask('cluster');
      peer.ask('listener');
      peer.ask('routes', 'r');
      const names = peer.hearsAll().map(({ controlPlane }) => controlPlane);
      peer.ack();
      world.change('cluster a=2');
      names.push(...peer.hearsAll().map(({ controlPlane }) => controlPlane));
      expect(names).toEqual(Array.from({ length: 4 }, () => 'weir/test'));
    },
  },
  {
    title: 'ends a stream whose bytes are no request, and no other (xds-protocol/X7)',
    run: (world, peer, variant) => {
      world.change('cluster a=1');
      const other = world.peer(variant);
      other.ask('cluster');
      peer.ask('cluster');
      peer.sendBytes('cluster', Buffer.from([0x0a, 0xff]));
      expect(peer.endOf('cluster')?.status).toBe('INVALID_ARGUMENT');
      expect(other.hearsAndAcks()).toEqual(['cluster a=1']);
    },
  },
]);

describe.each(variants)('$wire, ADS: $isAds', (variant) => {
  it('keeps nothing of 5,000 clients that came and went (xds-protocol/X6)', () => {
    const world = new TraceWorld();
    world.change('cluster a=1>a', 'endpoints a=1');
    for (let round = 0; round < 5_000; round++) {
      const peer = world.peer(variant, `${aNodeId}-${round % 7}`);
      peer.ask('cluster');
      peer.ask('endpoints', 'a', 'missing');
      if (round % 3 === 0) peer.hearsAll();
      if (round % 6 === 0) peer.ack('cluster');
      peer.leave(round % 2 === 0 ? { kind: 'half-closed' } : { kind: 'broken', detail: 'reset' });
    }
    expect(world.server.size).toEqual({ streams: 0, groups: 0, records: 0, subscriptions: 0 });
    expect(world.server.proxies()).toEqual([]);
  });

  it('keeps nothing of 5,000 clients that it refused (xds-protocol/X7)', () => {
    const world = new TraceWorld();
    for (let round = 0; round < 5_000; round++) {
      const peer = world.peer(variant);
      peer.sendBare('cluster', {});
      expect(peer.endOf('cluster')?.status).toBe('INVALID_ARGUMENT');
    }
    expect(world.server.size).toEqual({ streams: 0, groups: 0, records: 0, subscriptions: 0 });
  });
});
