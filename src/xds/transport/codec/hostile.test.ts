import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock, realClock } from '../../../../test/support/clocks.ts';
import {
  callHeaders,
  clientPreface,
  emptySettings,
  rawCall as call,
  rawFlags,
  RawHttp2Client,
  rawFrame,
  rawTypes,
  setting,
  word,
} from '../../../../test/support/raw-http2.ts';
import { framed, TransportRig, type RigOptions } from '../../../../test/support/transport-rig.ts';
import { listen, type Listener } from '../listener.ts';
import { defaultLimits, noConnectionObserver } from '../protocol.ts';
import type { StreamTransport } from '../transport.ts';
import { errorCodes } from './errors.ts';

/** Clients that flood, stay silent or say anything, and faults of the server itself: one connection ends, and no other. */

let rig: TransportRig;

async function start(options: RigOptions = {}): Promise<void> {
  rig = await TransportRig.start('codec', options);
}

afterEach(() => rig.stop());

const { data, headers, priority, reset, settings, ping, goAway, window, more } = rawTypes;
const { endStream, endHeaders, padded } = rawFlags;
const times = (count: number, frame: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => frame));

/** A listener whose streams do what the test says. */
function listenWith(handler: (stream: StreamTransport) => void): Promise<Listener> {
  return listen({
    kind: 'codec',
    address: '127.0.0.1:0',
    handlers: new Map([['/test.Test/Call', handler]]),
    tls: undefined,
    limits: defaultLimits,
    clock: realClock,
    random: () => 0,
    observer: noConnectionObserver,
  });
}

describe('a connection is ended', () => {
  it('when it sends more than its window, which grows only by what somebody hears (hot-path/H708, hot-path/H1005)', async () => {
    await start();
    const deaf = await listenWith(() => undefined);
    const client = RawHttp2Client.begun(Number(deaf.address.split(':')[1]), true);
    client.say(times(64, rawFrame(data, 0, 1, Buffer.alloc(16_384))));
    await client.answered();
    client.say(rawFrame(data, 0, 1, Buffer.of(0)));
    expect(await client.goAway()).toBe(errorCodes.FLOW_CONTROL_ERROR);
    await deaf.close(AbortSignal.abort());
  });

  it('when the server has a fault, and no other is (reliability/S40)', async () => {
    await start();
    const faulty = await listenWith((stream) =>
      stream.onMessage(() => {
        throw new TypeError('a fault');
      }),
    );
    const client = RawHttp2Client.begun(Number(faulty.address.split(':')[1]), true);
    const other = RawHttp2Client.begun(Number(faulty.address.split(':')[1]), true);
    client.say(rawFrame(data, 0, 1, framed('hello')));
    expect(await client.goAway()).toBe(errorCodes.INTERNAL_ERROR);
    await other.answered();
    await faulty.close(AbortSignal.abort());
  });

  it('or nothing happens, whatever bytes come (reliability/S40, reliability/SC25)', async () => {
    await start();
    const conversation = Buffer.concat([
      clientPreface,
      rawFrame(settings, 0, 0, setting(4, 100_000)),
      call(1),
      rawFrame(data, 0, 1, Buffer.concat([framed('one'), framed('two')])),
      rawFrame(headers, 0, 3, callHeaders.subarray(0, 9)),
      rawFrame(more, endHeaders, 3, callHeaders.subarray(9)),
      rawFrame(window, 0, 0, word(100)),
      rawFrame(reset, 0, 3, word(8)),
      rawFrame(data, padded | endStream, 1, Buffer.concat([Buffer.of(2), framed('end'), Buffer.alloc(2)])),
    ]);
    const change = fc.record({ at: fc.integer({ min: 24, max: conversation.length - 1 }), byte: fc.nat(255) });
    const changes = fc.sample(fc.array(change, { minLength: 1, maxLength: 6 }), { seed: 40, numRuns: 300 });
    for (const mistakes of changes) {
      const bytes = Buffer.from(conversation);
      for (const { at, byte } of mistakes) bytes[at] = byte;
      const client = new RawHttp2Client(rig.port);
      client.say(bytes);
      client.socket.end();
      await client.closed;
      const end = client.frames.find(({ type }) => type === goAway);
      expect(end?.payload.readUInt32BE(4)).not.toBe(errorCodes.INTERNAL_ERROR);
    }
  });

  it('when the client says nothing in time (hot-path/H708, reliability/SC25)', async () => {
    const clock = new ManualClock();
    await start({ clock, limits: { keepaliveInterval: Infinity, age: undefined } });
    const client = new RawHttp2Client(rig.port);
    client.say(clientPreface.subarray(0, 10));
    await client.frame(settings);
    clock.advance(10_000);
    expect(await client.goAway()).toBe(errorCodes.PROTOCOL_ERROR);
    // One that does not close its end either is cut.
    clock.advance(1_000);
    await client.closed;
  });

  it.each<[what: string, bytes: Buffer]>([
    ['PINGs (CVE-2019-9512)', times(1_100, rawFrame(ping, 0, 0, Buffer.alloc(8)))],
    ['settings (CVE-2019-9515)', times(1_100, emptySettings)],
    ['empty DATA (CVE-2019-9518)', times(1_100, rawFrame(data, 0, 1))],
    ['priorities (CVE-2019-9513)', times(1_100, rawFrame(priority, 0, 1, Buffer.alloc(5)))],
    ['frames that nobody knows', times(1_100, rawFrame(99, 0, 1))],
    [
      'resets (CVE-2023-44487)',
      Buffer.concat(
        Array.from({ length: 150 }, (_, index) =>
          Buffer.concat([call(2 * index + 3), rawFrame(reset, 0, 2 * index + 3, word(8))]),
        ),
      ),
    ],
    ['continuations (CVE-2024-27983)', Buffer.concat([call(3, 0), times(20, rawFrame(more, 0, 3))])],
    [
      'continuations of large headers',
      Buffer.concat([call(3, 0), times(5, rawFrame(more, 0, 3, Buffer.alloc(16_384)))]),
    ],
  ])('after a flood of %s (reliability/S77, reliability/SC25, reliability/S40)', async (_, bytes) => {
    await start();
    const other = RawHttp2Client.begun(rig.port, true);
    const stream = await rig.accepted();
    const client = RawHttp2Client.begun(rig.port, true);
    client.say(bytes);
    expect(await client.goAway()).toBe(errorCodes.ENHANCE_YOUR_CALM);
    stream.send('fine');
    expect((await other.frame(data))?.payload).toEqual(framed('fine'));
  });
});
