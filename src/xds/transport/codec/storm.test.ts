import { afterEach, expect, it } from 'vitest';
import { RawHttp2Client, rawFrame } from '../../../../test/support/raw-http2.ts';
import { framed } from '../../../../test/support/transport-rig.ts';
import { listen, type Listener } from '../listener.ts';
import { defaultLimits, noConnectionObserver } from '../protocol.ts';

/** Many clients that say much at once, on real sockets; only the time that their messages take is made up. */

let listener: Listener;

afterEach(() => listener.close(AbortSignal.abort()));

it('messages that take long are spread over turns of the event loop, and none is lost or out of order (hot-path/H1421, hot-path/H905)', async () => {
  const clients = 40;
  const [sizes, millisecondsEach] = [[60_000, 1_000, 200_000], 22];
  let now = 0;
  let turn = 0;
  const turns: number[] = [];
  const heard = new Map<string, number[]>();
  const done = Promise.withResolvers<void>();
  listener = await listen({
    kind: 'codec',
    address: '127.0.0.1:0',
    handlers: new Map([
      [
        '/test.Test/Call',
        (stream) => {
          const lengths: number[] = [];
          heard.set(stream.peer.address, lengths);
          stream.onMessage((message) => {
            now += millisecondsEach;
            lengths.push(message.length);
            turns.push(turn);
            if (turns.length === clients * sizes.length) done.resolve();
          });
        },
      ],
    ]),
    tls: undefined,
    limits: defaultLimits,
    clock: {
      now: () => now,
      wallTime: () => 0,
      after: () => () => undefined,
      soon: (callback) => void setImmediate(callback),
    },
    random: () => 0,
    observer: noConnectionObserver,
  });
  const count = (): void => {
    turn++;
    if (turns.length < clients * sizes.length) setImmediate(count);
  };
  count();
  const frames = sizes.flatMap((size) => {
    const message = framed('x'.repeat(size));
    const pieces = Array.from({ length: Math.ceil(message.length / 16_384) }, (_, index) =>
      rawFrame(0, 0, 1, message.subarray(index * 16_384, (index + 1) * 16_384)),
    );
    return pieces;
  });
  for (let client = 0; client < clients; client++) {
    RawHttp2Client.begun(Number(listener.address.split(':')[1]), true).say(...frames);
  }
  await done.promise;
  expect([...heard.values()]).toEqual(Array.from({ length: clients }, () => sizes));
  const perTurn = Map.groupBy(turns, (each) => each);
  // What stood in one piece is read in one go; one piece from the line, and one that came when there was time again.
  expect(Math.max(...[...perTurn.values()].map(({ length }) => length))).toBeLessThanOrEqual(4);
});
