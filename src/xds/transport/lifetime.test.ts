import { expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/clocks.ts';
import { Lifetime } from './lifetime.ts';
import { defaultLimits, noConnectionObserver } from './protocol.ts';

/** A connection that writes down what is done to it. */
function aLife() {
  const clock = new ManualClock();
  const events: string[] = [];
  let answer: () => void = () => undefined;
  let isHeard = false;
  const mortal = {
    address: 'there:1',
    ping: (answered: () => void): void => {
      events.push('asked');
      answer = answered;
    },
    heard: (): boolean => {
      const heard = isHeard;
      isHeard = false;
      return heard;
    },
    leave: () => void events.push('left'),
    close: () => void events.push('closed'),
    cut: () => void events.push('cut'),
  };
  const lifetime = new Lifetime(mortal, {
    handlers: new Map(),
    limits: { ...defaultLimits, keepaliveInterval: 30_000, keepaliveTimeout: 10_000, age: undefined },
    clock,
    random: () => 0,
    observer: { ...noConnectionObserver, ended: (cause) => void events.push(cause) },
  });
  return { clock, events, lifetime, answer: () => answer(), say: () => (isHeard = true) };
}

it('a client that answers is asked again, one that does not is cut (xds-protocol/X12, hot-path/H1007)', () => {
  const { clock, events, answer } = aLife();
  clock.advance(30_000);
  answer();
  clock.advance(30_000);
  expect(events).toEqual(['asked', 'asked']);
  clock.advance(9_999);
  expect(events).toHaveLength(2);
  clock.advance(1);
  expect(events).toEqual(['asked', 'asked', 'keepalive', 'cut']);
});

it('a client of which anything comes, or lies unread, is not cut for its missing answer (hot-path/H1007, hot-path/H901)', () => {
  const { clock, events, say, answer } = aLife();
  say();
  clock.advance(30_000);
  say();
  clock.advance(10_000);
  say();
  clock.advance(10_000);
  expect(events).toEqual(['asked']);
  answer();
  clock.advance(30_000);
  expect(events).toEqual(['asked', 'asked']);
  clock.advance(10_000);
  expect(events).toEqual(['asked', 'asked', 'keepalive', 'cut']);
});

it('nothing happens to a connection that is closed', () => {
  const { clock, events, lifetime, answer } = aLife();
  clock.advance(30_000);
  lifetime.end();
  answer();
  clock.advance(1_000_000);
  expect(events).toEqual(['asked']);
});
