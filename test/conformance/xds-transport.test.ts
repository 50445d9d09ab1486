import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Turn } from '../../src/xds/admission.ts';
import { noObserver } from '../../src/xds/observer.ts';
import { listen, ListenError } from '../../src/xds/transport/listener.ts';
import { transportKinds } from '../../src/xds/transport/transport-kinds.ts';
import { defaultLimits, noConnectionObserver } from '../../src/xds/transport/protocol.ts';
import { Authority } from '../support/certificates.ts';
import { realClock } from '../support/clocks.ts';
import { ServedMesh } from '../support/served-mesh.ts';
import { framed, TransportRig, type RigOptions } from '../support/transport-rig.ts';

/** What a transport has to do under the protocol (hot-path H706): the same for every implementation. */
describe.each(transportKinds)('the transport %s', (kind) => {
  let served: ServedMesh;
  let pushedBytes = 0;

  beforeEach(async () => {
    pushedBytes = 0;
    served = await ServedMesh.start({
      observer: {
        ...noObserver,
        pushed: ({ bytes }) => {
          pushedBytes += bytes;
        },
      },
      transport: kind,
    });
    served.server.open();
  });

  afterEach(() => served.close());

  /** A thousand clusters of so many bytes. */
  function fill(bytes: number): void {
    served.mesh.change((mesh) => {
      for (let index = 0; index < 1_000; index++) mesh.put('cluster', `c${index}`, `${index}`.padEnd(bytes, 'x'));
    });
  }

  describe('under the xDS server', () => {
    it('splits what is large into messages of 256 KB (xds-protocol/X45, hot-path/H606)', async () => {
      fill(5_000);
      const client = served.client('delta');
      client.hello('cluster', {});
      const names = new Set<string>();
      while (names.size < 1_000) {
        const received = await client.nextAcked();
        expect(received.bytes).toBeLessThan(300_000);
        for (const resource of received.resources) names.add(resource.slice(0, resource.indexOf('@')));
      }
      expect(await client.silence()).toEqual([]);
    });

    it('sends one resource however large it is (hot-path/H606)', async () => {
      served.mesh.put('cluster', 'large', 'x'.repeat(5_000_000));
      const client = served.client('delta');
      client.hello('cluster', {});
      expect((await client.nextAcked()).bytes).toBeGreaterThan(5_000_000);
    });

    it('stops for a client that does not read, goes on when it does, and serves others meanwhile (xds-protocol/X68)', async () => {
      fill(30_000);
      served.mesh.put('listener', 'l', '1');
      const stalled = served.client('delta');
      stalled.hello('cluster', {});
      await stalled.next();
      stalled.pause();
      const other = served.client('delta');
      other.hello('listener', {});
      expect((await other.nextAcked()).resources).toEqual(['l@1']);
      for (let content = 2; content < 100; content++) {
        served.mesh.put('listener', 'l', String(content));
        await other.nextAcked();
      }
      // The client's library takes 16 messages before it stops.
      expect(pushedBytes).toBeLessThan(8_000_000);
      stalled.resume();
      let count = stalled.trace.reduce((sum, { resources }) => sum + resources.length, 0);
      while (count < 1_000) count += (await stalled.nextAcked()).resources.length;
      expect(count).toBe(1_000);
    });

    it('takes a reconnect that names 60,000 resources with versions (xds-protocol/X11, hot-path/H1003)', async () => {
      served.mesh.put('cluster', 'only', '1');
      const initialResourceVersions = Object.fromEntries(
        Array.from({ length: 60_000 }, (_, index) => [
          `outbound|80||service-${index}.default.svc.cluster.local`,
          'v'.repeat(16),
        ]),
      );
      const client = served.client('delta');
      client.hello('cluster', { initialResourceVersions });
      const first = await client.nextAcked();
      expect(first.resources).toEqual(['only@1']);
    });

    it('answers calls that it does not serve by UNIMPLEMENTED (xds-protocol/X8)', async () => {
      const client = new Client(served.address, credentials.createInsecure());
      const same = (bytes: Buffer): Buffer => bytes;
      const codes = await Promise.all(
        [
          '/envoy.service.discovery.v2.AggregatedDiscoveryService/StreamAggregatedResources',
          '/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters',
          '/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats',
          '/envoy.service.health.v3.HealthDiscoveryService/StreamHealthCheck',
        ].map(
          (path) =>
            new Promise<number>((resolve) => {
              const call = client.makeBidiStreamRequest<Buffer, Buffer>(path, same, same);
              call.on('error', (error: ServiceError) => resolve(error.code));
              call.on('data', () => undefined);
            }),
        ),
      );
      client.close();
      expect(codes).toEqual([12, 12, 12, 12]);
    });
  });

  describe('alone', () => {
    let rig: TransportRig;

    async function start(options: RigOptions = {}): Promise<TransportRig> {
      rig = await TransportRig.start(kind, options);
      return rig;
    }

    afterEach(() => rig.stop());

    it('says which address it cannot listen on', async () => {
      const { listener } = await start();
      const second = listen({
        kind,
        address: listener.address,
        handlers: new Map([['/test.Test/Call', () => undefined]]),
        tls: undefined,
        limits: defaultLimits,
        clock: realClock,
        random: () => 0,
        observer: noConnectionObserver,
      });
      await expect(second).rejects.toThrow(ListenError);
      await expect(second).rejects.toThrow(`cannot listen on ${listener.address}`);
    });

    it('takes messages whose bytes come one by one, and several at once (hot-path/H705)', async () => {
      await start();
      const call = rig.open();
      const stream = await rig.accepted();
      for (const byte of framed('one by one')) call.stream.write(Buffer.of(byte));
      await stream.messages(1);
      call.stream.write(Buffer.concat([framed('a'), framed(''), framed('b'), framed('rest').subarray(0, 7)]));
      await stream.messages(4);
      call.stream.write(framed('rest').subarray(7));
      expect(await stream.messages(5)).toEqual(['one by one', 'a', '', 'b', 'rest']);
    });

    it('sends one message in parts, and the same parts on several streams (hot-path/H704, hot-path/H312, hot-path/H313)', async () => {
      await start();
      const calls = [rig.open(), rig.open()];
      const parts = [Buffer.concat([Buffer.alloc(5), Buffer.from('head ')]), Buffer.from('body '), Buffer.from('tail')];
      for (const _ of calls) (await rig.accepted()).transport.send(parts, 14);
      for (const call of calls) expect(await call.content(19)).toEqual(framed('head body tail'));
      expect(parts[1]?.toString()).toBe('body ');
    });

    it('refuses what is not gRPC by its media type (hot-path/H705)', async () => {
      await start();
      for (const type of ['application/json', '']) {
        expect(await rig.open(undefined, { 'content-type': type }).end()).toMatchObject({ ':status': 415 });
      }
      const call = rig.open(undefined, { 'content-type': 'application/grpc+proto' });
      (await rig.accepted()).send('answer');
      expect(await call.content(11)).toEqual(framed('answer'));
    });

    it('hands on what of the metadata says who calls (istio-compat/I30)', async () => {
      await start();
      rig.open(undefined, { authorization: 'Bearer a.b.c', clusterid: 'Kubernetes' });
      expect((await rig.accepted()).metadata).toEqual({ authorization: 'Bearer a.b.c', clusterId: 'Kubernetes' });
      rig.open();
      expect((await rig.accepted()).metadata).toEqual({ authorization: undefined, clusterId: '' });
    });

    it('says that a method does not exist by headers alone (hot-path/H705)', async () => {
      await start();
      const call = rig.open(undefined, { ':path': '/test.Test/Other' });
      expect(await call.end()).toMatchObject({ ':status': 200, 'grpc-status': '12' });
      expect(call.headerFrames).toBe(1);
    });

    it('ends a stream that was not answered by headers alone, and tells why (hot-path/H705)', async () => {
      await start();
      const call = rig.open();
      (await rig.accepted()).transport.close('UNAVAILABLE', 'später');
      const { 'grpc-message': message, ...headers } = await call.end();
      expect(headers).toMatchObject({ ':status': 200, 'content-type': /^application\/grpc/, 'grpc-status': '14' });
      expect(decodeURIComponent(String(message))).toBe('später');
      expect(call.headerFrames).toBe(1);
    });

    it('ends a stream by trailers after everything that was sent (hot-path/H705)', async () => {
      await start();
      const call = rig.open();
      const stream = await rig.accepted();
      stream.send('last');
      stream.transport.close('INVALID_ARGUMENT', 'no');
      expect(await call.end()).toMatchObject({ 'grpc-status': '3', 'grpc-message': 'no' });
      expect(await call.content(9)).toEqual(framed('last'));
      expect(stream.reasons).toEqual([{ kind: 'closed' }]);
      expect(stream.send('too late')).toBe(false);
      stream.transport.close('INTERNAL', 'again');
    });

    it('refuses a message above 32 MiB before it has come (xds-protocol/X11, hot-path/H705)', async () => {
      await start();
      const call = rig.open();
      const stream = await rig.accepted();
      call.stream.write(Buffer.of(0, 2, 0, 0, 1));
      expect(await call.end()).toMatchObject({ 'grpc-status': '8' });
      expect(stream.reasons).toHaveLength(1);
    });

    it('hears that the client has finished, and answers to the end (xds-protocol/X6, hot-path/H705)', async () => {
      await start();
      const call = rig.open();
      const stream = await rig.accepted();
      call.stream.end(framed('bye'));
      expect(await stream.closed()).toEqual({ kind: 'half-closed' });
      expect(await stream.messages(1)).toEqual(['bye']);
      stream.send('answer');
      stream.transport.close('OK', '');
      expect(await call.end()).toMatchObject({ 'grpc-status': '0' });
      expect(await call.content(11)).toEqual(framed('answer'));
      expect(stream.reasons).toHaveLength(1);
    });

    it.each([
      ['the stream is reset', (call: ReturnType<TransportRig['open']>) => call.stream.close(8)],
      ['the connection breaks', (call: ReturnType<TransportRig['open']>) => call.stream.session?.destroy()],
    ])('hears once that %s (hot-path/H701, hot-path/H705)', async (_, cut) => {
      await start();
      const call = rig.open();
      call.write('hello');
      const stream = await rig.accepted();
      await stream.messages(1);
      cut(call);
      expect(await stream.closed()).toMatchObject({ kind: 'broken' });
      stream.transport.close('INTERNAL', 'too late');
      expect(stream.send('too late')).toBe(false);
      expect(stream.reasons).toHaveLength(1);
    });

    it('goes on with the streams of a client that opens no more (hot-path/H705)', async () => {
      await start();
      const call = rig.open();
      const stream = await rig.accepted();
      call.stream.session?.goaway();
      call.write('still here');
      expect(await stream.messages(1)).toEqual(['still here']);
      stream.send('so am I');
      expect(await call.content(12)).toEqual(framed('so am I'));
    });

    it('takes many streams on one connection (xds-protocol/X12)', async () => {
      await start();
      const session = rig.connect();
      const calls = Array.from({ length: 300 }, () => rig.open(session));
      for (const _ of calls) (await rig.accepted()).send('!');
      for (const call of calls) expect(await call.content(6)).toEqual(framed('!'));
    });

    it('says when it is full and when it has room again, byte for byte (hot-path/H704, hot-path/H608, hot-path/H503)', async () => {
      await start();
      const call = rig.open();
      const stream = await rig.accepted();
      call.stream.pause();
      let sent = 0;
      do sent += 100_000;
      while (stream.sendBytes(Buffer.alloc(100_000)) && sent < 5_000_000);
      expect(sent).toBeLessThan(1_000_000);
      expect(stream.transport.queuedBytes).toBeGreaterThan(0);
      expect(stream.drains).toBe(0);
      call.stream.resume();
      await stream.until(() => stream.drains === 1);
      await call.content(sent);
      await stream.until(() => stream.transport.queuedBytes === 0);
      expect(stream.send('more')).toBe(true);
    });

    it('gives up a client that does not read, and no other', async () => {
      await start({ limits: { stall: 300 } });
      const stalled = rig.open();
      const stream = await rig.accepted();
      const other = rig.open();
      const otherStream = await rig.accepted();
      stalled.stream.pause();
      expect(stream.sendBytes(Buffer.alloc(900_000))).toBe(false);
      expect(await stream.closed()).toMatchObject({ kind: 'broken', detail: /took nothing of what was sent/ });
      await stalled.end();
      expect(rig.events.all).toContain('stall');
      otherStream.send('fine');
      expect(await other.content(9)).toEqual(framed('fine'));
    });

    it('drops a client that answers no PING, and keeps one that does (xds-protocol/X12, hot-path/H1007)', async () => {
      await start({ limits: { keepaliveInterval: 100, keepaliveTimeout: 100 } });
      const call = rig.open();
      const stream = await rig.accepted();
      const dead = connectSocket(rig.port, '127.0.0.1');
      // The preface and empty settings: a client that then falls silent.
      dead.write(
        Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.of(0, 0, 0, 4, 0, 0, 0, 0, 0)]),
      );
      dead.resume();
      await once(dead, 'close');
      call.write('alive');
      expect(await stream.messages(1)).toEqual(['alive']);
    });

    it('ends connections that are old enough, after telling their clients (xds-protocol/X12, hot-path/H907)', async () => {
      await start({ limits: { age: 200, ageGrace: 50 } });
      const call = rig.open();
      const stream = await rig.accepted();
      const notice = once(call.stream.session ?? call.stream, 'goaway');
      stream.send('answer');
      await notice;
      await call.end();
      expect(await stream.closed()).toBeDefined();
    });

    it('shuts down in good order: no new streams, a status for the old ones, then silence (hot-path/H705)', async () => {
      await start();
      const call = rig.open();
      const stream = await rig.accepted();
      stream.send('answer');
      await call.content(11);
      const notice = once(call.stream.session ?? call.stream, 'goaway');
      const closed = rig.listener.close(new AbortController().signal);
      expect(await call.end()).toMatchObject({ 'grpc-status': '14' });
      call.stream.end();
      await notice;
      await closed;
      expect(rig.events.all.filter((event) => event === 'opened' || event === 'closed')).toEqual(['opened', 'closed']);
    });

    it('cuts streams that do not end when the grace is over', async () => {
      await start();
      const call = rig.open();
      const stream = await rig.accepted();
      call.stream.pause();
      stream.sendBytes(Buffer.alloc(900_000));
      await rig.listener.close(AbortSignal.timeout(100));
      await call.end();
    });

    describe('over TLS', () => {
      const [ours, foreign] = [new Authority('ours'), new Authority('foreign')];
      const server = ours.issue('weir', '127.0.0.1');
      const tls = { ...server, clientCa: ours.certificate };
      const identity = 'spiffe://cluster.local/ns/shop/sa/web';

      function client(authority: Authority) {
        const { certificate, key } = authority.issue('web', identity);
        return { ca: ours.certificate, cert: certificate, key };
      }

      it('knows who a client is from its verified certificate (reliability/S42, hot-path/H705)', async () => {
        await start({ tls });
        const call = rig.open(rig.connect(client(ours)));
        const stream = await rig.accepted();
        expect(stream.transport.peer).toEqual({
          address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
          certificate: { uris: [identity], notAfter: Date.UTC(2049, 0, 1), bytes: expect.any(Uint8Array) },
        });
        stream.send('answer');
        expect(await call.content(11)).toEqual(framed('answer'));
      });

      it('takes a client without a certificate, and knows nobody in it (reliability/S42, istio-compat/I38)', async () => {
        await start({ tls });
        const call = rig.open(rig.connect({ ca: ours.certificate }));
        const stream = await rig.accepted();
        expect(stream.transport.peer).toEqual({ address: expect.any(String) });
        stream.send('answer');
        expect(await call.content(11)).toEqual(framed('answer'));
      });

      it('takes nothing from a client that shows a certificate of somebody else (reliability/S42, reliability/S41)', async () => {
        await start({ tls });
        rig.open(rig.connect(client(foreign)));
        await rig.events.until('handshake failed');
        await rig.events.until('closed');
        const call = rig.open(rig.connect(client(ours)));
        (await rig.accepted()).send('answer');
        expect(await call.content(11)).toEqual(framed('answer'));
      });

      it('resumes no session, which would bring back a certificate as it was verified once (reliability/S42)', async () => {
        await start({ tls });
        const sessions: Buffer[] = [];
        const first = connectTls({ port: rig.port, host: '127.0.0.1', ALPNProtocols: ['h2'], ...client(ours) });
        first.on('session', (session: Buffer) => sessions.push(session));
        await once(first, 'data');
        first.destroy();
        const session = sessions.at(-1) ?? first.getSession();
        const again = connectTls({
          ...{ port: rig.port, host: '127.0.0.1', ALPNProtocols: ['h2'], session, ...client(ours) },
        });
        await once(again, 'secureConnect');
        expect(again.isSessionReused()).toBe(false);
        again.destroy();
      });

      it('takes no plaintext', async () => {
        await start({ tls });
        rig.connect();
        await rig.events.until('closed');
      });

      it('shows new connections its new certificate, and trusts other clients, without a restart', async () => {
        await start({ tls });
        const before = rig.open(rig.connect(client(ours)));
        const stream = await rig.accepted();
        const next = new Authority('next');
        rig.listener.replaceTls({ ...next.issue('weir', '127.0.0.1'), clientCa: foreign.certificate });
        const after = rig.connect({ ...client(foreign), ca: next.certificate });
        await once(after, 'connect');
        rig.connect({ ...client(ours), ca: next.certificate });
        await rig.events.until('closed');
        stream.send('still here');
        expect(await before.content(15)).toEqual(framed('still here'));
      });
    });

    it('takes it calmly when a stream is used whose connection has just gone (hot-path/H705)', async () => {
      await start();
      const calls = [rig.open(), rig.open()];
      const [first, second] = [await rig.accepted(), await rig.accepted()];
      const closed = rig.listener.close(AbortSignal.abort());
      expect(first.send('too late')).toBe(false);
      second.transport.close('INTERNAL', 'too late');
      await closed;
      for (const call of calls) await call.end();
      for (const { reasons } of [first, second]) expect(reasons).toHaveLength(1);
    });

    it('does nothing for connections before their turn, and drops those that are refused (hot-path/H901)', async () => {
      const entered = Promise.withResolvers<() => void>();
      const turns: Turn[] = [{ kind: 'waiting', withdraw: () => undefined }, { kind: 'refused' }];
      await start({
        admit: (take) => {
          const turn = turns.shift() ?? { kind: 'refused' };
          if (turn.kind === 'waiting') entered.resolve(take);
          return turn;
        },
      });
      const call = rig.open();
      const take = await entered.promise;
      rig.connect();
      await rig.events.until('closed');
      expect(rig.events.all).toEqual(['opened', 'opened', 'closed']);
      take();
      (await rig.accepted()).send('your turn');
      expect(await call.content(14)).toEqual(framed('your turn'));
    });

    it('survives whatever bytes arrive (reliability/S40, hot-path/H705)', async () => {
      await start();
      const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
      const settings = Buffer.of(0, 0, 0, 4, 0, 0, 0, 0, 0);
      const hostile = [
        Buffer.from('GET / HTTP/1.1\r\n\r\n'),
        Buffer.concat([preface, settings, Buffer.of(0, 0, 4, 1, 4, 0, 0, 0, 1, 255, 255, 255, 255)]),
        Buffer.concat([preface, settings, Buffer.of(255, 255, 255, 0, 0, 0, 0, 0, 1)]),
      ];
      for (const bytes of hostile) {
        const socket = connectSocket(rig.port, '127.0.0.1');
        socket.on('error', () => undefined);
        socket.resume();
        socket.write(bytes);
        await once(socket, 'close');
      }
      const call = rig.open();
      (await rig.accepted()).send('alive');
      expect(await call.content(10)).toEqual(framed('alive'));
    });
  });
});
