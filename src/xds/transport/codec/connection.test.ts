import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../test/support/clocks.ts';
import {
  callHeaders,
  clientPreface,
  literal,
  rawCall as call,
  rawFlags,
  RawHttp2Client,
  rawFrame,
  rawTypes,
  setting,
  word,
} from '../../../../test/support/raw-http2.ts';
import { framed, TransportRig, type RigOptions } from '../../../../test/support/transport-rig.ts';
import { errorCodes, type ErrorName } from './errors.ts';

/** The rules of HTTP/2 that no library breaks, by bytes that a hostile or faulty client may send (RFC 9113). */

let rig: TransportRig;

async function start(options: RigOptions = {}): Promise<void> {
  rig = await TransportRig.start('codec', options);
}

afterEach(() => rig.stop());

const { data, headers, priority, reset, settings, push, ping, goAway, window, more } = rawTypes;
const { endStream, endHeaders, padded } = rawFlags;

describe('a connection is ended by GOAWAY', () => {
  it.each<[rule: string, code: ErrorName, bytes: Buffer]>([
    ['5.1: DATA of a stream that has not begun', 'PROTOCOL_ERROR', rawFrame(data, 0, 5)],
    ['5.1: RST_STREAM of a stream that has not begun', 'PROTOCOL_ERROR', rawFrame(reset, 0, 5, word(8))],
    ['5.1: WINDOW_UPDATE of a stream that has not begun', 'PROTOCOL_ERROR', rawFrame(window, 0, 5, word(8))],
    [
      '5.1: DATA after the stream was reset',
      'STREAM_CLOSED',
      Buffer.concat([rawFrame(reset, 0, 1, word(8)), rawFrame(data, 0, 1)]),
    ],
    [
      '5.1: HEADERS after the stream was reset',
      'STREAM_CLOSED',
      Buffer.concat([rawFrame(reset, 0, 1, word(8)), call(1)]),
    ],
    ['5.1.1: an even number', 'PROTOCOL_ERROR', call(2)],
    ['5.1.1: a number below another', 'STREAM_CLOSED', Buffer.concat([call(5), call(3)])],
    ['4.2: a frame above 16 KiB', 'FRAME_SIZE_ERROR', rawFrame(data, 0, 1, Buffer.of(), 16_385)],
    ['4.3: headers that are no HPACK', 'COMPRESSION_ERROR', rawFrame(headers, endHeaders, 3, Buffer.of(0x80))],
    ['6.1: DATA of the connection', 'PROTOCOL_ERROR', rawFrame(data, 0, 0)],
    ['6.1: padding beyond the frame', 'PROTOCOL_ERROR', rawFrame(data, padded, 1, Buffer.of(9, 1))],
    ['6.2: HEADERS of the connection', 'PROTOCOL_ERROR', rawFrame(headers, endHeaders, 0, callHeaders)],
    ['6.2: another frame before the continuation', 'PROTOCOL_ERROR', Buffer.concat([call(3, 0), rawFrame(data, 0, 1)])],
    ['6.2: another stream before the continuation', 'PROTOCOL_ERROR', Buffer.concat([call(3, 0), call(5)])],
    ['6.3: PRIORITY of another size', 'FRAME_SIZE_ERROR', rawFrame(priority, 0, 1, word(0))],
    ['6.3: PRIORITY of the connection', 'PROTOCOL_ERROR', rawFrame(priority, 0, 0, Buffer.alloc(5))],
    ['6.4: RST_STREAM of another size', 'FRAME_SIZE_ERROR', rawFrame(reset, 0, 1, Buffer.of(0))],
    ['6.4: RST_STREAM of the connection', 'PROTOCOL_ERROR', rawFrame(reset, 0, 0, word(0))],
    ['6.5: settings of a stream', 'PROTOCOL_ERROR', rawFrame(settings, 0, 1)],
    ['6.5: settings that are cut short', 'FRAME_SIZE_ERROR', rawFrame(settings, 0, 0, Buffer.alloc(5))],
    ['6.5: an acknowledgement with a payload', 'FRAME_SIZE_ERROR', rawFrame(settings, 1, 0, setting(4, 1))],
    ['6.5.2: push neither on nor off', 'PROTOCOL_ERROR', rawFrame(settings, 0, 0, setting(2, 2))],
    ['6.5.2: a window above 2^31 - 1', 'FLOW_CONTROL_ERROR', rawFrame(settings, 0, 0, setting(4, 0x8000_0000))],
    ['6.5.2: frames below 16 KiB', 'PROTOCOL_ERROR', rawFrame(settings, 0, 0, setting(5, 16_383))],
    ['6.5.2: frames above 16 MiB', 'PROTOCOL_ERROR', rawFrame(settings, 0, 0, setting(5, 16_777_216))],
    ['6.6: a pushed stream', 'PROTOCOL_ERROR', rawFrame(push, endHeaders, 1, word(2))],
    ['6.7: a PING of another size', 'FRAME_SIZE_ERROR', rawFrame(ping, 0, 0, word(1))],
    ['6.7: a PING of a stream', 'PROTOCOL_ERROR', rawFrame(ping, 0, 1, Buffer.alloc(8))],
    ['6.8: a GOAWAY of a stream', 'PROTOCOL_ERROR', rawFrame(goAway, 0, 1, Buffer.alloc(8))],
    ['6.8: a GOAWAY that is cut short', 'FRAME_SIZE_ERROR', rawFrame(goAway, 0, 0, word(0))],
    ['6.9: a WINDOW_UPDATE of another size', 'FRAME_SIZE_ERROR', rawFrame(window, 0, 0, Buffer.of(1))],
    ['6.9: a window of the connection that grows by nothing', 'PROTOCOL_ERROR', rawFrame(window, 0, 0, word(0))],
    [
      '6.9.1: a window of the connection above 2^31 - 1',
      'FLOW_CONTROL_ERROR',
      rawFrame(window, 0, 0, word(0x7fff_ffff)),
    ],
    [
      '6.9.2: settings that make the window of a stream larger than that',
      'FLOW_CONTROL_ERROR',
      Buffer.concat([rawFrame(window, 0, 1, word(0x7fff_0000)), rawFrame(settings, 0, 0, setting(4, 0x7fff_ffff))]),
    ],
    ['6.10: CONTINUATION of nothing', 'PROTOCOL_ERROR', rawFrame(more, endHeaders, 1, callHeaders)],
  ])('RFC 9113 %s: %s (hot-path/H708, reliability/S40)', async (_, code, bytes) => {
    await start();
    const client = RawHttp2Client.begun(rig.port, true);
    const stream = await rig.accepted();
    client.say(bytes);
    expect(await client.goAway()).toBe(errorCodes[code]);
    client.socket.end();
    await client.closed;
    expect(stream.reasons).toMatchObject([{ kind: 'broken' }]);
    expect(stream.send('too late')).toBe(false);
    expect(rig.events.all).toContain('protocol');
  });

  it.each<[what: string, code: ErrorName, bytes: Buffer]>([
    ['is no HTTP/2', 'PROTOCOL_ERROR', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    [
      'does not begin with settings',
      'PROTOCOL_ERROR',
      Buffer.concat([clientPreface, rawFrame(ping, 0, 0, Buffer.alloc(8))]),
    ],
  ])('when what it begins with %s: %s (hot-path/H708)', async (_, code, bytes) => {
    await start();
    const client = new RawHttp2Client(rig.port);
    client.say(bytes);
    expect(await client.goAway()).toBe(errorCodes[code]);
  });
});

describe('a stream is ended by RST_STREAM', () => {
  it.each<[rule: string, code: ErrorName, bytes: Buffer]>([
    ['5.1: DATA after its end', 'STREAM_CLOSED', Buffer.concat([rawFrame(data, endStream, 1), rawFrame(data, 0, 1)])],
    ['5.1: HEADERS after its end', 'STREAM_CLOSED', Buffer.concat([rawFrame(data, endStream, 1), call(1)])],
    ['6.9: a window that grows by nothing', 'PROTOCOL_ERROR', rawFrame(window, 0, 1, word(0))],
    ['6.9.1: a window above 2^31 - 1', 'FLOW_CONTROL_ERROR', rawFrame(window, 0, 1, word(0x7fff_ffff))],
    ['8.1: trailers that are no end', 'PROTOCOL_ERROR', rawFrame(headers, endHeaders, 1, literal('a', 'b'))],
    [
      '8.1: trailers with a pseudo-header',
      'PROTOCOL_ERROR',
      rawFrame(headers, endHeaders | endStream, 1, literal(':path', '/')),
    ],
  ])('RFC 9113 %s: %s (hot-path/H708)', async (_, code, bytes) => {
    await start();
    const client = RawHttp2Client.begun(rig.port, true);
    const stream = await rig.accepted();
    client.say(bytes);
    expect(await client.reset(1)).toBe(errorCodes[code]);
    expect(stream.reasons).toHaveLength(1);
    await client.answered();
  });

  it.each<[rule: string, block: Buffer]>([
    ['8.2.1: a name in capitals', Buffer.concat([callHeaders, literal('Name', 'value')])],
    ['8.2.1: a value with a line break', Buffer.concat([callHeaders, literal('name', 'a\nb')])],
    ['8.2.2: a header of the connection', Buffer.concat([callHeaders, literal('connection', 'close')])],
    ['8.2.2: te with anything but trailers', Buffer.concat([callHeaders, literal('te', 'gzip')])],
    ['8.3: a pseudo-header of answers', Buffer.concat([literal(':status', '200'), callHeaders])],
    ['8.3: an unknown pseudo-header', Buffer.concat([literal(':colour', 'red'), callHeaders])],
    ['8.3: a pseudo-header after others', Buffer.concat([callHeaders, literal(':authority', 'weir')])],
    ['8.3.1: a pseudo-header twice', Buffer.concat([Buffer.of(0x83), callHeaders])],
    ['8.3.1: no method', callHeaders.subarray(1)],
    ['8.3.1: no scheme', Buffer.concat([Buffer.of(0x83), callHeaders.subarray(2)])],
    ['8.3.1: no path', Buffer.concat([Buffer.of(0x83, 0x86), literal('content-type', 'application/grpc')])],
    ['8.3.1: an empty path', Buffer.concat([Buffer.of(0x83, 0x86), literal(':path', '')])],
  ])('when it is malformed, RFC 9113 %s (hot-path/H708)', async (_, block) => {
    await start();
    const client = RawHttp2Client.begun(rig.port);
    client.say(rawFrame(headers, endHeaders, 1, block));
    expect(await client.reset(1)).toBe(errorCodes.PROTOCOL_ERROR);
    client.say(call(3));
    await rig.accepted();
  });

  it('when its connection carries a thousand already (hot-path/H708, reliability/S72)', async () => {
    await start();
    const client = RawHttp2Client.begun(rig.port);
    client.say(...Array.from({ length: 1_001 }, (_, index) => call(2 * index + 1)));
    expect(await client.reset(2_001)).toBe(errorCodes.REFUSED_STREAM);
    expect((await client.frame(settings))?.payload.subarray(0, 6)).toEqual(setting(3, 1_000));
  });

  it('when its headers are too long, by an answer that says so (hot-path/H708, reliability/SC25)', async () => {
    await start();
    const client = RawHttp2Client.begun(rig.port);
    // An entry of 100 bytes, and 400 references to it.
    const entry = Buffer.concat([Buffer.of(0x40, 1), Buffer.from('a'), Buffer.of(67), Buffer.alloc(67, 'b')]);
    client.say(rawFrame(headers, endHeaders, 1, Buffer.concat([callHeaders, entry, Buffer.alloc(400, 0xbe)])));
    const answer = await client.frame(headers);
    expect(answer?.payload.toString('latin1')).toContain('431');
    expect(answer?.flags).toBe(endHeaders | endStream);
    // The table is still that of the client.
    client.say(rawFrame(headers, endHeaders, 3, Buffer.concat([callHeaders, Buffer.of(0xbe)])));
    await rig.accepted();
  });
});

describe('a client', () => {
  it('may cut its frames anywhere, pad them and say things that nobody knows (hot-path/H708)', async () => {
    await start();
    const conversation = Buffer.concat([
      clientPreface,
      rawFrame(settings, 0, 0, Buffer.concat([setting(0x99, 7), setting(4, 100_000)])),
      rawFrame(priority, 0, 1, Buffer.of(0, 0, 0, 3, 10)),
      rawFrame(
        headers,
        padded | 0x20,
        1,
        Buffer.concat([Buffer.of(2, 0, 0, 0, 0, 5), callHeaders.subarray(0, 9), Buffer.alloc(2)]),
      ),
      rawFrame(more, 0, 1, callHeaders.subarray(9, 20)),
      rawFrame(more, endHeaders, 1, callHeaders.subarray(20)),
      rawFrame(data, padded, 1, Buffer.concat([Buffer.of(4), framed('one').subarray(0, 3), Buffer.alloc(4)])),
      rawFrame(0x77, 0xff, 1, Buffer.from('?')),
      rawFrame(data, 0, 1, Buffer.concat([framed('one').subarray(3), framed('two')])),
      rawFrame(headers, endHeaders | endStream, 1, literal('x', 'trailer')),
    ]);
    const cuts = fc.sample(fc.array(fc.nat(conversation.length), { maxLength: 30 }), { seed: 44, numRuns: 20 });
    for (const places of cuts) {
      const client = new RawHttp2Client(rig.port);
      const bounds = [0, ...places.toSorted((a, b) => a - b), conversation.length];
      for (const [index, end] of bounds.slice(1).entries()) {
        client.say(conversation.subarray(bounds[index], end));
        await new Promise(setImmediate);
      }
      const stream = await rig.accepted();
      expect(await stream.messages(2)).toEqual(['one', 'two']);
      expect(await stream.closed()).toEqual({ kind: 'half-closed' });
      stream.transport.close('OK', '');
      const end = await client.frame(headers);
      expect(end?.flags).toBe(endHeaders | endStream);
      client.socket.destroy();
    }
  });

  it('has its PING and its settings answered (hot-path/H708)', async () => {
    await start();
    const client = RawHttp2Client.begun(rig.port);
    expect(await client.frame(settings, ({ flags }) => flags === 1)).toBeDefined();
    client.say(rawFrame(ping, 0, 0, Buffer.from('12345678')));
    expect(await client.frame(ping)).toMatchObject({ flags: 1, stream: 0, payload: Buffer.from('12345678') });
  });

  it('is sent as much as its windows allow, and frames as large as it takes (hot-path/H708)', async () => {
    await start();
    const client = new RawHttp2Client(rig.port);
    client.say(clientPreface, rawFrame(settings, 0, 0, Buffer.concat([setting(4, 10), setting(5, 20_000)])), call(1));
    const stream = await rig.accepted();
    await client.answered();
    const sent = (): number =>
      client.frames.reduce((sum, { type, payload }) => sum + (type === data ? payload.length : 0), 0);
    expect(stream.sendBytes(Buffer.alloc(99_995))).toBe(false);
    await client.answered();
    expect(sent()).toBe(10);
    expect(stream.transport.queuedBytes).toBe(99_990);
    // A smaller window for all streams makes that of this one negative.
    client.say(rawFrame(settings, 0, 0, setting(4, 0)), rawFrame(window, 0, 1, word(15)));
    await client.answered();
    expect(sent()).toBe(15);
    client.say(rawFrame(settings, 0, 0, setting(4, 30_000)));
    await client.answered();
    expect(sent()).toBe(30_015);
    expect(Math.max(...client.frames.map(({ payload }) => payload.length))).toBe(20_000);
    client.say(rawFrame(window, 0, 1, word(1_000_000)));
    await client.answered();
    expect(sent()).toBe(65_535);
    expect(stream.drains).toBe(0);
    client.say(rawFrame(window, 0, 0, word(1_000_000)));
    await stream.until(() => stream.drains === 1);
    await client.answered();
    expect(sent()).toBe(100_000);
    expect(stream.transport.queuedBytes).toBe(0);
  });

  it('is sent the messages of its streams in turn when they share a narrow window (hot-path/H708, hot-path/H616)', async () => {
    await start();
    const client = new RawHttp2Client(rig.port);
    client.say(clientPreface, rawFrame(settings, 0, 0, setting(4, 0x7fff_ffff)), call(1), call(3));
    const streams = [await rig.accepted(), await rig.accepted()];
    for (const stream of streams) stream.sendBytes(Buffer.alloc(2_000_000));
    for (let count = 0; count < 40; count++) client.say(rawFrame(window, 0, 0, word(100_000)));
    await Promise.all(streams.map((stream) => stream.until(() => stream.drains === 1)));
    await client.answered();
    const order = client.frames.filter(({ type }) => type === data).map(({ stream }) => stream);
    const [first, last] = [order.indexOf(3), order.lastIndexOf(1)];
    expect(first).toBeLessThan(last);
    expect(order.slice(first, last).filter((stream) => stream === 3).length).toBeGreaterThan(40);
  });

  it('that opens a stream after it was told to go has it refused, and keeps those that it has (hot-path/H705, hot-path/H708)', async () => {
    const clock = new ManualClock();
    await start({ clock, limits: { age: 1_000, ageGrace: 5_000, keepaliveInterval: Infinity } });
    const client = RawHttp2Client.begun(rig.port, true);
    const stream = await rig.accepted();
    await client.answered();
    clock.advance(1_000);
    const notice = await client.frame(goAway);
    expect([notice?.payload.readUInt32BE(0), notice?.payload.readUInt32BE(4)]).toEqual([1, errorCodes.NO_ERROR]);
    client.say(call(3), rawFrame(data, 0, 3, framed('too late')), rawFrame(data, 0, 1, framed('in time')));
    expect(await client.reset(3)).toBe(errorCodes.REFUSED_STREAM);
    expect(await stream.messages(1)).toEqual(['in time']);
  });

  it('that says more on a stream that Weir has ended is not heard, and not punished (hot-path/H708)', async () => {
    await start();
    const client = RawHttp2Client.begun(rig.port, true);
    const stream = await rig.accepted();
    stream.transport.close('UNAVAILABLE', 'go');
    expect(await client.reset(1)).toBe(errorCodes.NO_ERROR);
    client.say(rawFrame(data, 0, 1, framed('too late')), rawFrame(window, 0, 1, word(9)), rawFrame(data, endStream, 1));
    await client.answered();
    expect(client.frames.some(({ type }) => type === goAway)).toBe(false);
  });

  it('is heard from the first byte by a handler that listens later, and may send 1 MiB until then (hot-path/H901, hot-path/H1005)', async () => {
    const held: Parameters<NonNullable<RigOptions['admit']>>[0][] = [];
    await start({ admit: (take) => (held.push(take), { kind: 'waiting', withdraw: () => undefined }) });
    const client = RawHttp2Client.begun(rig.port, true);
    client.say(rawFrame(data, 0, 1, framed('early')));
    await rig.events.until('opened');
    held[0]?.();
    expect(await (await rig.accepted()).messages(1)).toEqual(['early']);
  });
});
