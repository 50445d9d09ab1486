import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/clocks.ts';
import { aNodeId, FakeClient, ServerRig } from '../../test/support/stream-rig.ts';
import { aResource, typeNamed } from '../../test/support/tiny-mesh.ts';
import { decode } from './proto.ts';
import { ResponseCache, type EncodedResponse } from './response-cache.ts';
import type { Resource } from './resources.ts';
import { spareBytes } from './transport/transport.ts';

const { typeUrl } = typeNamed('endpoints');

function aWorld() {
  const clock = new ManualClock();
  const cache = new ResponseCache(clock, 'weir/test');
  const encode = (resources: readonly Resource[], newerThan = 0, removed: readonly string[] = []): EncodedResponse =>
    cache.of('delta', typeUrl).encode({ version: '', resources, removed, isHeartbeat: false }, false, newerThan);
  return { clock, cache, encode };
}

function namesIn({ parts, bytes }: EncodedResponse): readonly string[] {
  const message = Buffer.concat(parts).subarray(spareBytes);
  expect(message).toHaveLength(bytes);
  const { resources = [] } = decode('envoy.service.discovery.v3.DeltaDiscoveryResponse', message);
  return resources.map(({ name = '' }) => name);
}

const [a, b] = [aResource('endpoints', 'a', 'content of a'), aResource('endpoints', 'b', 'content of b')];

describe('streams that are sent the same', () => {
  it('share the bytes, which the second finds in one piece and all further ones as they are (hot-path/H313, xds-protocol/X124)', () => {
    const { encode } = aWorld();
    const first = encode([a, b]);
    expect(first.parts).toHaveLength(3);
    expect(first.parts[1]).toBe(a.fragment[0]);
    const nonce = first.nonce;
    const [second, third] = [encode([a, b]), encode([a, b])];
    expect([second.nonce, third.nonce]).toEqual([nonce, nonce]);
    expect(second.parts).toHaveLength(1);
    expect(third.parts[0]).toBe(second.parts[0]);
    expect(namesIn(third)).toEqual(['a', 'b']);
  });

  it('share nothing with those that are sent something else', () => {
    const { cache, encode } = aWorld();
    const other = aResource('endpoints', 'b', 'another content of b');
    const responses = [
      encode([a, b]),
      encode([a, other]),
      encode([a]),
      encode([a], 0, ['b']),
      encode([]),
      encode([], 0, ['b']),
      cache.of('delta', typeUrl).encode({ version: '1', resources: [a], removed: [], isHeartbeat: false }, false, 0),
      cache.of('sotw', typeUrl).encode({ version: '1', resources: [a], removed: [], isHeartbeat: false }, false, 0),
      cache
        .of('delta', typeNamed('cluster').typeUrl)
        .encode({ version: '1', resources: [a], removed: [], isHeartbeat: false }, false, 0),
    ];
    expect(new Set(responses.map(({ nonce }) => nonce)).size).toBe(responses.length);
  });

  it('share nothing that one of them may have been sent already (xds-protocol/X42)', () => {
    const { encode } = aWorld();
    const first = encode([a]);
    const again = encode([a], first.number);
    expect(again.number).toBeGreaterThan(first.number);
    expect(encode([a], first.number)).toBe(again);
  });
});

describe('a response', () => {
  it('is in memory of its own as long as it is remembered (hot-path/H504)', () => {
    const { encode } = aWorld();
    const heads = encode([a]).parts.slice(0, 1);
    const joined = encode([a]).parts;
    for (const part of [...heads, ...joined]) expect(part.buffer.byteLength).toBe(part.length);
  });

  it('of very many resources is one piece from the start (hot-path/H315)', () => {
    const { encode } = aWorld();
    const many = Array.from({ length: 100 }, (_, index) => aResource('endpoints', `e${index}`, 'x'));
    const response = encode(many);
    expect(response.parts).toHaveLength(1);
    expect(namesIn(response)).toEqual(many.map(({ name }) => name));
  });

  it('is forgotten when nobody was sent it for a time (hot-path/H904)', () => {
    const { cache, clock, encode } = aWorld();
    encode([a]);
    const { nonce } = encode([b]);
    clock.advance(900);
    encode([b]);
    clock.advance(900);
    encode([b]);
    clock.advance(900);
    expect(cache.size.responses).toBe(1);
    expect(encode([b]).nonce).toBe(nonce);
    clock.advance(2000);
    expect(cache.size).toEqual({ responses: 0, bytes: 0 });
    expect(encode([b]).nonce).not.toBe(nonce);
  });

  it('is forgotten early when too much is remembered (hot-path/H1107)', () => {
    const { cache, encode } = aWorld();
    for (let index = 0; index < 100; index++) {
      encode([aResource('endpoints', `e${index}`, Buffer.alloc(1024 * 1024))]);
    }
    expect(cache.size.bytes).toBeLessThan(33 * 1024 * 1024);
    expect(cache.size.responses).toBeGreaterThan(10);
  });
});

/** Keeps the pieces that it is given. */
class Receiver extends FakeClient {
  readonly pieces: Uint8Array[] = [];

  override send(parts: readonly Uint8Array[], bytes: number): boolean {
    this.pieces.push(...parts);
    return super.send(parts, bytes);
  }
}

function receivers(rig: ServerRig, count: number): readonly Receiver[] {
  return Array.from({ length: count }, () => {
    const client = new Receiver('delta');
    rig.server.accept(client, 'delta');
    return client;
  });
}

describe('a change that many streams hear of', () => {
  it('is put together once, whatever else they follow (hot-path/H313)', () => {
    const rig = new ServerRig();
    for (const name of ['all', 'x', 'y']) rig.mesh.put('endpoints', name, '1');
    const clients = receivers(rig, 10);
    clients.forEach((client, index) => {
      client.request('endpoints', {
        node: { id: aNodeId },
        resourceNamesSubscribe: ['all', index % 2 === 0 ? 'x' : 'y'],
      });
      rig.exchange(client);
      client.pieces.length = 0;
    });
    rig.mesh.put('endpoints', 'all', '2');
    rig.clock.settle();
    const [, ...others] = clients;
    expect(new Set(others.map(({ pieces }) => pieces[0])).size).toBe(1);
    expect(others.every(({ pieces }) => pieces.length === 1)).toBe(true);
    expect(clients.map(({ answers }) => answers.map(({ resources }) => resources))).toEqual(
      clients.map(() => [['all@2']]),
    );
  });
});

describe('first answers of a thousand clients', () => {
  it('are encoded once, in messages of at most 256 KB (hot-path/H904, hot-path/H903)', () => {
    const rig = new ServerRig();
    rig.mesh.change(() => {
      for (let index = 0; index < 200; index++) rig.mesh.put('cluster', `c${index}`, Buffer.alloc(5000, index));
    });
    const clients = receivers(rig, 20);
    const messages = clients.map((client) => {
      client.request('cluster', { node: { id: aNodeId } });
      return rig.exchange(client);
    });
    expect(messages[0]?.length).toBe(4);
    expect(new Set(messages.map((each) => each.flatMap(({ resources }) => resources).length))).toEqual(new Set([200]));
    const [, , ...others] = clients;
    const pieces = new Set(others.flatMap((client) => client.pieces));
    expect(pieces.size).toBe(4);
    for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(257 * 1024);
  });

  it('are put into the transport one message at a time (hot-path/H607, hot-path/H608)', () => {
    const rig = new ServerRig();
    rig.mesh.change(() => {
      for (let index = 0; index < 200; index++) rig.mesh.put('cluster', `c${index}`, Buffer.alloc(5000, index));
    });
    const client = rig.client();
    client.isFull = true;
    client.request('cluster', { node: { id: aNodeId } });
    rig.clock.settle();
    const counts = [client.answers.length];
    for (let drained = 0; drained < 4; drained++) {
      client.drain();
      client.isFull = true;
      rig.clock.settle();
      counts.push(client.answers.length);
    }
    expect(counts).toEqual([1, 2, 3, 4, 4]);
  });
});
