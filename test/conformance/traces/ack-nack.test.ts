import { expect } from 'vitest';
import { describeTraces, inAds, inDelta, inDeltaAds, inSotw, type Trace } from '../../support/traces.ts';

/** What clients confirm and refuse. */

const traces: readonly Trace[] = [
  {
    title:
      'takes a request for a NACK by its error alone: the version beside it says nothing (xds-protocol/X48, xds-protocol/X102)',
    where: inSotw,
    run: (world, peer) => {
      // C-core and grpc-js before anything was accepted; Envoy with the old version; gRPC with the new one when a part was good.
      const shapes = [
        { code: 3, versionOf: () => '' },
        { code: 14, versionOf: () => '' },
        { code: 13, versionOf: (old: string) => old },
        { code: 3, versionOf: (_: string, fresh: string) => fresh },
        { code: 0, versionOf: (_: string, fresh: string) => fresh },
      ];
      world.change('endpoints a=0');
      peer.ask('endpoints', 'a');
      let [before] = peer.hearsAll();
      peer.ack();
      for (const [index, { code, versionOf }] of shapes.entries()) {
        world.change(`endpoints a=bad-${index}`);
        const [refused] = peer.hearsAll();
        peer.nack('endpoints', 'a is bad', {
          errorDetail: { code, message: 'a is bad' },
          versionInfo: versionOf(before?.version ?? '', refused?.version ?? ''),
        });
        expect(peer.hears()).toEqual([]);
        expect(statusOf(world, 'endpoints')).toBe('rejected');
        world.change(`endpoints a=good-${index}`);
        [before] = peer.hearsAll();
        peer.ack();
        expect(statusOf(world, 'endpoints')).toBe('synced');
      }
    },
  },
  {
    title: 'takes a request without an error for an ACK, whatever version it names (xds-protocol/X48)',
    where: inSotw,
    run: (world, peer) => {
      world.change('endpoints a=1');
      peer.ask('endpoints', 'a');
      const [heard] = peer.hearsAll();
      peer.send('endpoints', { resourceNames: ['a'], versionInfo: 'old', responseNonce: heard?.nonce ?? '' });
      expect(peer.hears()).toEqual([]);
      expect(statusOf(world, 'endpoints')).toBe('synced');
      world.change('endpoints a=2');
      expect(peer.hears()).toEqual(['endpoints a=2']);
    },
  },
  {
    title: 'takes an error without a code and a message for a NACK (xds-protocol/X48)',
    where: inDelta,
    run: (world, peer) => {
      world.change('endpoints a=1');
      peer.ask('endpoints', 'a');
      const [heard] = peer.hearsAll();
      peer.send('endpoints', { responseNonce: heard?.nonce ?? '', errorDetail: {} });
      expect(peer.hears()).toEqual([]);
      expect(statusOf(world, 'endpoints')).toBe('rejected');
    },
  },
  {
    title: 'sends what was refused once, and then nothing until the content changes (xds-protocol/X49)',
    run: (world, peer) => {
      for (const type of ['cluster', 'endpoints', 'listener', 'routes']) {
        world.change(`${type} a=bad`);
        peer.ask(type, 'a');
        expect(peer.hears()).toEqual([`${type} a=bad`]);
        peer.nack(type, `Error adding/updating a: bad`);
        peer.isSilentFor(60_000);
        world.change(`${type} a=bad`, `${type} unrelated=1`);
        peer.isSilentFor(60_000);
        world.change(`${type} a=good`);
        expect(peer.hearsAndAcks()).toEqual([`${type} a=good`]);
      }
    },
  },
  {
    title: 'unsubscribes what the NACK beside it unsubscribes (xds-protocol/X50, xds-protocol/X234)',
    run: (world, peer) => {
      world.change('endpoints a=bad', 'endpoints b=1');
      peer.ask('endpoints', 'a', 'b');
      peer.hears();
      peer.nack('endpoints', 'a is bad', peer.isDelta ? { resourceNamesUnsubscribe: ['a'] } : { resourceNames: ['b'] });
      peer.hearsAndAcks();
      world.change('endpoints a=good');
      peer.isSilentFor(60_000);
      world.change('endpoints b=2');
      expect(peer.hearsAndAcks()).toEqual(['endpoints b=2']);
    },
  },
  {
    title: 'answers a name that the NACK beside it subscribes (xds-protocol/X50)',
    run: (world, peer) => {
      world.change('endpoints a=bad', 'endpoints b=1');
      peer.ask('endpoints', 'a');
      peer.hears();
      peer.nack(
        'endpoints',
        'a is bad',
        peer.isDelta ? { resourceNamesSubscribe: ['b'] } : { resourceNames: ['a', 'b'] },
      );
      expect(peer.hearsAndAcks()).toEqual(['endpoints b=1']);
    },
  },
  {
    title:
      'sends the good of a refused response again alone, and with it what was mended (xds-protocol/X51, xds-protocol/X138)',
    where: inDelta,
    run: (world, peer) => {
      for (const [type, message] of [
        ['endpoints', 'no'],
        ['endpoints', 'Error adding/updating bad: no'],
        ['cluster', 'Error adding/updating cluster(s) bad: no'],
      ] as const) {
        world.change(`${type} bad=bad`, `${type} good=1`);
        peer.ask(type, 'bad', 'good');
        expect(peer.hears()).toEqual([`${type} bad=bad good=1`]);
        peer.nack(type, message);
        world.change(`${type} bad=mended`);
        const lines = peer.hearsAndAcks().join(' ');
        expect(lines).toContain('bad=mended');
        expect(lines).toContain('good=1');
        expect(lines).not.toContain('bad=bad');
        peer.leave();
        world.change(`-${type} bad`, `-${type} good`);
      }
    },
  },
  {
    title: 'goes on after a NACK: the slot is free (xds-protocol/X52)',
    run: (world, peer) => {
      for (const type of ['cluster', 'endpoints', 'listener', 'routes']) {
        world.change(`${type} a=bad`, `${type} b=1`);
        peer.ask(type, 'a');
        peer.hears();
        peer.nack(type, 'a is bad');
        world.change(`${type} a=1`);
        expect(peer.hears()).toEqual([`${type} a=1`]);
        peer.ack();
        world.change(`${type} a=2`);
        expect(peer.hearsAndAcks()).toEqual([`${type} a=2`]);
      }
    },
  },
  {
    title: 'goes on with one type while another is refused (xds-protocol/X52)',
    where: inAds,
    run: (world, peer) => {
      world.change('cluster a=1>a', 'endpoints a=1', 'listener l=bad>r', 'routes r=1');
      peer.ask('cluster');
      peer.hearsAndAcks();
      peer.ask('endpoints', 'a');
      peer.hearsAndAcks();
      peer.ask('listener');
      peer.hears();
      peer.nack('listener', 'l is bad');
      world.change('endpoints a=2', 'cluster a=2>a');
      expect(peer.hearsAndAcks()).toEqual(['cluster a=2', 'endpoints a=2']);
    },
  },
  {
    title:
      'blames the cluster that was bad in two responses, not the one that came with the second (xds-protocol/X301, xds-protocol/X51)',
    where: inSotw,
    run: (world, peer) => {
      for (const message of ['Error adding/updating cluster(s) bad: no', 'no']) {
        world.change('cluster bad=bad');
        peer.ask('cluster');
        const [first] = peer.hearsAll();
        world.change('cluster good=1');
        world.clock.advance(1_000);
        const [second] = peer.hearsAll();
        expect(second?.resources.toSorted()).toEqual(['bad=bad', 'good=1']);
        world.change('cluster bad=mended');
        for (const nonce of [first?.nonce ?? '', second?.nonce ?? '']) {
          peer.send('cluster', { responseNonce: nonce, errorDetail: { code: 13, message } });
        }
        world.clock.advance(1_000);
        expect(peer.hearsAndAcks().at(-1)).toBe('cluster bad=mended good=1');
        peer.leave();
        world.change('-cluster bad', '-cluster good');
      }
    },
  },
  {
    title:
      'is in step again when what was refused is again what was accepted before (xds-protocol/X84, xds-protocol/X102)',
    run: (world, peer) => {
      for (const type of ['listener', 'endpoints']) {
        world.change(`${type} a=1`);
        peer.ask(type, 'a');
        peer.hearsAndAcks();
        world.change(`${type} a=bad`);
        peer.hears();
        peer.nack(type, 'a is bad');
        expect(statusOf(world, type)).toBe('rejected');
        world.change(`${type} a=1`);
        peer.hearsAndAcks();
        expect(statusOf(world, type)).toBe('synced');
      }
    },
  },
  {
    title:
      'is in step when names that do not exist were refused along with something that is mended (xds-protocol/X52)',
    where: inDelta,
    run: (world, peer) => {
      world.change('endpoints a=bad');
      peer.ask('endpoints', 'a', 'missing', 'also-missing');
      expect(peer.hears()).toEqual(['endpoints a=bad -also-missing -missing']);
      world.change('endpoints a=1');
      peer.nack('endpoints', 'no');
      peer.hearsAndAcks();
      expect(statusOf(world, 'endpoints')).toBe('synced');
    },
  },
  {
    title: 'shows the names at fault and the first KiB of the words (xds-protocol/X53)',
    run: (world, peer) => {
      world.change('endpoints a=bad');
      peer.ask('endpoints', 'a');
      peer.hears();
      peer.nack('endpoints', 'ä'.repeat(2_000));
      const nack = world.server.proxies()[0]?.types.find(({ type }) => type === 'endpoints')?.nack;
      expect(Buffer.byteLength(nack?.message ?? '')).toBeGreaterThan(900);
      expect(Buffer.byteLength(nack?.message ?? '')).toBeLessThanOrEqual(1024);
      expect(nack?.names).toEqual(['a']);
    },
  },
  {
    title: 'shows what was sent, confirmed, refused and is pending (xds-protocol/X84)',
    run: (world, peer) => {
      world.change('endpoints a=1');
      peer.ask('endpoints', 'a');
      peer.hears();
      expect(statusOf(world, 'endpoints')).toBe('pending');
      peer.ack();
      expect(statusOf(world, 'endpoints')).toBe('synced');
      world.change('endpoints a=bad');
      peer.hears();
      expect(statusOf(world, 'endpoints')).toBe('pending');
      peer.nack('endpoints', 'a is bad');
      expect(statusOf(world, 'endpoints')).toBe('rejected');
    },
  },
  {
    title:
      'refuses nothing any more once what it refused is gone, and its cluster goes then (xds-protocol/X84, xds-protocol/X55)',
    where: inDeltaAds,
    run: (world, peer) => {
      world.change('cluster a=1', 'cluster x=1', 'listener l=1>r', 'routes r=1');
      peer.boots({ endpoints: [], routes: ['r'] });
      world.change('routes r=2!');
      expect(peer.hears()).toEqual(['routes r=2!']);
      peer.nack('routes', 'no');
      expect(statusOf(world, 'routes')).toBe('rejected');
      world.change('-routes r', '-cluster x');
      expect(peer.hearsAndAcks()).toEqual(['cluster -x']);
      expect(statusOf(world, 'routes')).toBe('synced');
      world.change('routes r=3');
      expect(peer.hearsAndAcks()).toEqual(['routes r=3']);
    },
  },
];

describeTraces('ACK and NACK', traces);

function statusOf(world: Parameters<Trace['run']>[0], type: string): string | undefined {
  return world.server
    .proxies()
    .flatMap(({ types }) => types)
    .find((status) => status.type === type)?.state;
}
