import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Authority } from '../../../test/support/certificates.ts';
import { ManualClock } from '../../../test/support/clocks.ts';
import { framed, TransportRig, type RigOptions } from '../../../test/support/transport-rig.ts';

/** What only Weir's own transport does; what both do is in test/conformance/xds-transport.test.ts. */

let rig: TransportRig;

async function start(options: RigOptions = {}): Promise<void> {
  rig = await TransportRig.start('http2', options);
}

afterEach(() => rig.stop());

describe('a call', () => {
  it('that announces compression is refused (hot-path/H705, hot-path/H1001)', async () => {
    await start();
    expect(await rig.open(undefined, { 'grpc-encoding': 'gzip' }).end()).toMatchObject({
      'grpc-status': '12',
      'grpc-accept-encoding': 'identity',
    });
  });

  it('with a compressed message is ended, and what came before it counts (hot-path/H705, hot-path/H1001)', async () => {
    await start();
    const call = rig.open();
    const stream = await rig.accepted();
    call.stream.write(Buffer.concat([framed('good'), Buffer.of(1, 0, 0, 0, 1, 0)]));
    expect(await call.end()).toMatchObject({ 'grpc-status': '12' });
    expect(await stream.messages(1)).toEqual(['good']);
  });

  it('that ends in the middle of a message is ended with an error (hot-path/H705)', async () => {
    await start();
    const call = rig.open();
    const stream = await rig.accepted();
    call.stream.end(framed('whole').subarray(0, 6));
    expect(await call.end()).toMatchObject({ 'grpc-status': '3' });
    expect(stream.reasons).toEqual([{ kind: 'closed' }]);
  });

  it('of grpc-web or by GET is none (hot-path/H705)', async () => {
    await start();
    expect(await rig.open(undefined, { 'content-type': 'application/grpc-web' }).end()).toMatchObject({
      ':status': 415,
    });
    expect(await rig.open(undefined, { ':method': 'GET' }).end()).toMatchObject({ ':status': 405 });
  });

  it('may send 1 MiB before it has to wait (hot-path/H1005)', async () => {
    await start();
    const session = rig.connect();
    await once(session, 'remoteSettings');
    expect(session.remoteSettings.initialWindowSize).toBe(1024 * 1024);
    const call = rig.open(session);
    const stream = await rig.accepted();
    call.write('x'.repeat(900_000));
    expect((await stream.messages(1))[0]).toHaveLength(900_000);
  });
});

describe('a connection', () => {
  it.each([
    [0, 900_000],
    [0.5, 1_000_000],
    [1, 1_100_000],
  ])('with the luck of %d lives %d ms (hot-path/H907, hot-path/H703)', async (luck, age) => {
    const clock = new ManualClock();
    await start({ clock, random: luck, limits: { age: 1_000_000, ageGrace: 5_000, keepaliveInterval: Infinity } });
    const call = rig.open();
    const stream = await rig.accepted();
    stream.send('answer');
    const notice = once(call.stream.session ?? call.stream, 'goaway');
    clock.advance(age - 1);
    expect(rig.events.all).toEqual(['opened']);
    clock.advance(1);
    expect(rig.events.all).toEqual(['opened', 'age']);
    await notice;
    expect(stream.reasons).toEqual([]);
    clock.advance(5_000);
    expect(await call.end()).toMatchObject({ 'grpc-status': '14', 'grpc-message': /greatest age/ });
  });

  it('is closed for its age even if its client reads nothing (hot-path/H705)', async () => {
    const clock = new ManualClock();
    await start({ clock, limits: { age: 1_000, ageGrace: 1_000, keepaliveInterval: Infinity } });
    const call = rig.open();
    const stream = await rig.accepted();
    call.stream.pause();
    stream.sendBytes(Buffer.alloc(900_000));
    clock.advance(3_000);
    await rig.events.until('closed');
  });

  it('has so much time for what was sent to it as its size asks for', async () => {
    const clock = new ManualClock();
    await start({ clock, limits: { stall: 1_000, age: undefined, keepaliveInterval: Infinity } });
    const call = rig.open();
    const stream = await rig.accepted();
    call.stream.pause();
    stream.sendBytes(Buffer.alloc(2_500_000));
    clock.advance(2_999);
    expect(stream.reasons).toEqual([]);
    clock.advance(1);
    expect(stream.reasons).toEqual([
      { kind: 'broken', detail: 'the client took nothing of what was sent to it for 3 s' },
    ]);
    await call.end();
    expect(call.stream.rstCode).toBe(11);
  });

  it('may hold more than 10 MB that its client has not read, and still opens streams (hot-path/H1006)', async () => {
    await start();
    const session = rig.connect();
    const stalled = [rig.open(session), rig.open(session)];
    for (const call of stalled) {
      call.stream.pause();
      (await rig.accepted()).sendBytes(Buffer.alloc(8_000_000));
    }
    const call = rig.open(session);
    (await rig.accepted()).send('fine');
    expect(await call.content(9)).toEqual(framed('fine'));
  });

  it('that resets streams by the hundred is ended, and no other (reliability/S77)', async () => {
    await start();
    const other = rig.open();
    const stream = await rig.accepted();
    const flood = rig.connect();
    await once(flood, 'connect');
    const ended = once(flood, 'goaway');
    for (let count = 0; count < 300; count++) rig.open(flood).stream.close(8);
    await ended;
    stream.send('fine');
    expect(await other.content(9)).toEqual(framed('fine'));
  });

  it('whose handshake fails is counted and told about (reliability/S40)', async () => {
    const authority = new Authority('ours');
    await start({ tls: { ...authority.issue('weir', '127.0.0.1'), clientCa: authority.certificate } });
    const socket = connect(rig.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.end('no TLS at all');
    await rig.events.until('handshake failed');
  });
});
