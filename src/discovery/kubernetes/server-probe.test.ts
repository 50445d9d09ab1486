import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualTimedClock } from '../../../test/support/timed-clocks.ts';
import { ApiError, type ApiClient } from './api/api-client.ts';
import { probeServer } from './server-probe.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

type Answer = 'answers' | 'hangs' | ApiError;

function aProbe() {
  const clock = new ManualTimedClock();
  const ending = new AbortController();
  const told: (string | undefined)[] = [];
  const server: { answer: Answer; asked: number } = { answer: 'answers', asked: 0 };
  const client: ApiClient = {
    server: 'https://test',
    request: (_, signal) => {
      server.asked++;
      if (server.answer === 'answers') return Promise.resolve({ status: 200, body: {} });
      if (server.answer !== 'hangs') return Promise.reject(server.answer);
      return new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
      });
    },
    lines: () => Promise.reject(new Error('nothing is watched')),
    close: () => undefined,
  };
  const running = probeServer({ client, clock, random: () => 0.5 }, (reason) => told.push(reason), ending.signal);
  stops.push(async () => {
    ending.abort();
    await running;
    expect(clock.waiting.size).toBe(0);
  });
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1_000);
      for (let turn = 0; turn < 5; turn++) await setImmediate();
    }
  };
  return { server, told, pass };
}

describe('a server that is asked for something from its store', () => {
  it('is doubted when it has not answered for a minute, and believed with its next answer (reliability/SC9)', async () => {
    const { server, told, pass } = aProbe();
    await pass(300);
    expect(told.every((reason) => reason === undefined)).toBe(true);
    server.answer = 'hangs';
    // The last answer may be as old as the longest time between two reads.
    await pass(35);
    expect(told.at(-1)).toBeUndefined();
    await pass(25);
    expect(told.at(-1)).toBe('the API server has answered no read from its store for 60 s: no answer in 15 s');
    server.answer = 'answers';
    await pass(25);
    expect(told.at(-1)).toBeUndefined();
  });

  it('is not doubted for one read that fails', async () => {
    const { server, told, pass } = aProbe();
    await pass(20);
    server.answer = new ApiError('refused', 'etcdserver: leader changed', { status: 500 });
    await pass(30);
    server.answer = 'answers';
    await pass(60);
    expect(told.every((reason) => reason === undefined)).toBe(true);
  });

  it('is not doubted because it lets us list no namespaces', async () => {
    const { server, told, pass } = aProbe();
    server.answer = new ApiError('refused', 'namespaces is forbidden', { status: 403 });
    await pass(300);
    expect(told.every((reason) => reason === undefined)).toBe(true);
  });

  it('is asked three or four times a minute at most', async () => {
    const { server, pass } = aProbe();
    await pass(600);
    expect(server.asked).toBeLessThanOrEqual(40);
    expect(server.asked).toBeGreaterThanOrEqual(26);
  });
});
