import { expect } from 'vitest';
import { describeTraces, inAds, inDelta, inSotw, type Trace } from '../../support/traces.ts';

/** How much is on its way at a time. */

const traces: readonly Trace[] = [
  {
    title:
      'merges a thousand updates of one name while its ACK is late into one more response (xds-protocol/X67, xds-protocol/X101, hot-path/H1424)',
    run: (world, peer) => {
      for (const type of ['endpoints', 'listener', 'routes']) {
        world.change(`${type} a=0`);
        peer.ask(type, 'a');
        expect(peer.hears()).toEqual([`${type} a=0`]);
        for (let content = 1; content <= 1_000; content++) {
          world.change(`${type} a=${content}`);
          expect(peer.hears()).toEqual([]);
        }
        peer.ack();
        expect(peer.hearsAndAcks()).toEqual([`${type} a=1000`]);
      }
    },
  },
  {
    title: 'lets a removal beat an update, and an update a removal, that both wait for an ACK (xds-protocol/X67)',
    where: inDelta,
    run: (world, peer) => {
      world.change('listener a=1', 'listener b=1', 'listener c=1');
      peer.ask('listener');
      peer.hears();
      world.change('listener a=2', 'listener b=2', '-listener c');
      world.change('-listener a', '-listener b', 'listener c=2');
      world.change('listener b=3');
      peer.ack();
      expect(peer.hearsAndAcks()).toEqual(['listener b=3 c=2 -a']);
    },
  },
  {
    title: 'has one response on its way of each type, and of each type its own (xds-protocol/X67)',
    where: inAds,
    run: (world, peer) => {
      world.change('cluster a=1>a', 'endpoints a=1', 'listener l=1>r', 'routes r=1');
      peer.boots({ endpoints: ['a'], routes: ['r'] });
      world.change('endpoints a=2', 'routes r=2');
      expect(peer.hears()).toEqual(['endpoints a=2', 'routes r=2']);
      world.change('endpoints a=3', 'routes r=3', 'listener l=2>r');
      expect(peer.hears()).toEqual(['listener l=2']);
      peer.ack('routes');
      expect(peer.hears()).toEqual(['routes r=3']);
      peer.ack('endpoints');
      expect(peer.hears()).toEqual(['endpoints a=3']);
    },
  },
  {
    title:
      'stops for a transport that is full, goes on when it drains with what is newest, and serves others meanwhile (xds-protocol/X68)',
    run: (world, peer, variant) => {
      world.change('endpoints a=1', 'endpoints b=1');
      const other = world.peer(variant);
      other.ask('endpoints', 'a', 'b');
      other.hearsAndAcks();
      peer.stall('endpoints', true);
      peer.ask('endpoints', 'a', 'b');
      expect(peer.hears()).toEqual(['endpoints a=1 b=1']);
      peer.ack();
      for (let content = 2; content <= 200; content++) {
        world.change(`endpoints a=${content}`);
        expect(other.hearsAndAcks()).toEqual([`endpoints a=${content}`]);
        expect(peer.hears()).toEqual([]);
      }
      peer.stall('endpoints', false);
      expect(peer.hearsAndAcks()).toEqual(['endpoints a=200']);
    },
  },
  {
    title: 'waits for a late ACK for as long as it takes (xds-protocol/X69)',
    run: (world, peer) => {
      world.change('endpoints a=1');
      peer.ask('endpoints', 'a');
      expect(peer.hears()).toEqual(['endpoints a=1']);
      world.change('endpoints a=2');
      peer.isSilentFor(90_000);
      expect(peer.endOf('endpoints')).toBeUndefined();
      peer.ack();
      expect(peer.hearsAndAcks()).toEqual(['endpoints a=2']);
    },
  },
  {
    title: 'takes requests before it sends what they make out of date (xds-protocol/X70)',
    where: inSotw,
    run: (world, peer) => {
      world.change('endpoints a=1', 'endpoints b=1');
      peer.ask('endpoints', 'a');
      peer.hearsAndAcks();
      world.change('endpoints a=2', 'endpoints b=2');
      // Both arrive before the first push of the commit.
      peer.unsubscribe('endpoints', 'a');
      peer.subscribe('endpoints', 'b');
      expect(peer.hearsAndAcks()).toEqual(['endpoints b=2']);
    },
  },
  {
    title: 'takes requests before it sends what they make out of date (xds-protocol/X70)',
    where: inDelta,
    run: (world, peer) => {
      world.change('endpoints a=1', 'endpoints b=1');
      peer.ask('endpoints', 'a');
      peer.hearsAndAcks();
      world.change('endpoints a=2', 'endpoints b=2');
      peer.send('endpoints', { resourceNamesSubscribe: ['b'], resourceNamesUnsubscribe: ['a'] });
      expect(peer.hearsAndAcks()).toEqual(['endpoints b=2']);
    },
  },
  {
    title: 'takes sixty thousand names in one request (xds-protocol/X11, xds-protocol/X234)',
    run: (world, peer) => {
      const names = Array.from({ length: 60_000 }, (_, index) => `outbound|80||service-${index}`);
      world.change(`endpoints ${names[7]}=1`);
      peer.ask('endpoints', ...names);
      const heard = peer.hearsAll();
      peer.ack();
      for (let more = peer.hearsAll(); more.length > 0; more = peer.hearsAll()) {
        heard.push(...more);
        peer.ack();
      }
      expect(heard.flatMap(({ resources }) => resources)).toEqual([`${names[7]}=1`]);
      expect(heard.flatMap(({ removed }) => removed)).toHaveLength(peer.isDelta ? 59_999 : 0);
      world.change('endpoints outbound|80||service-4711=2');
      expect(peer.hearsAndAcks()).toEqual(['endpoints outbound|80||service-4711=2']);
    },
  },
];

describeTraces('flow', traces);
