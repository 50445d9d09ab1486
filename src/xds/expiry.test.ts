import { describe, expect, it } from 'vitest';
import { aNodeId, ServerRig, type FakeClient, type Wire } from '../../test/support/stream-rig.ts';
import type * as envoy from './envoy.ts';
import { noObserver } from './observer.ts';
import { decode, unpack } from './proto.ts';
import { spareBytes } from './transport/transport.ts';

const wires = ['delta', 'sotw'] as const;
const capable: envoy.Node = {
  id: aNodeId,
  clientFeatures: ['xds.config.supports-resource-ttl', 'xds.config.resource-in-sotw'],
};

/** `name seconds body` of each resource, `heartbeat` for the body of one that has none; a bare one has no time. */
type Seen = readonly string[];

/** A client that has asked for the load assignments `a` and `b`, or for all clusters, and what it is sent. */
class Listener {
  readonly #rig: ServerRig;
  readonly client: FakeClient;
  readonly #type: string;
  readonly #messages: Uint8Array[] = [];

  constructor(rig: ServerRig, wire: Wire, type: 'endpoints' | 'cluster', node: envoy.Node = capable) {
    this.#rig = rig;
    this.#type = type;
    this.client = rig.client(wire);
    const { send } = this.client;
    this.client.send = (parts, bytes) => {
      this.#messages.push(Buffer.concat(parts).subarray(spareBytes));
      return send.call(this.client, parts, bytes);
    };
    this.#request({ node }, type === 'endpoints' ? ['a', 'b'] : []);
  }

  /** What was sent, response by response; ACKed. */
  hear(): readonly Seen[] {
    this.#rig.clock.settle();
    return this.#messages.splice(0).map((message) => {
      const { nonce = '' } =
        this.client.wire === 'delta'
          ? decode('envoy.service.discovery.v3.DeltaDiscoveryResponse', message)
          : decode('envoy.service.discovery.v3.DiscoveryResponse', message);
      this.#request({ responseNonce: nonce }, []);
      return this.client.wire === 'delta' ? seenInDelta(message) : seenInSotw(message);
    });
  }

  /** Lets time pass. Gives the moments, in milliseconds, and what was heard. */
  listen(milliseconds: number): readonly (readonly [number, Seen])[] {
    const heard: (readonly [number, Seen])[] = [];
    for (let passed = 500; passed <= milliseconds; passed += 500) {
      this.#rig.clock.advance(500);
      for (const seen of this.hear()) heard.push([passed, seen]);
    }
    return heard;
  }

  #request(fields: { node?: envoy.Node; responseNonce?: string }, subscribe: string[]): void {
    const names = this.#type === 'endpoints' ? ['a', 'b'] : [];
    if (this.client.wire === 'sotw') this.client.list(this.#type, { ...fields, resourceNames: names });
    else this.client.request(this.#type, { ...fields, resourceNamesSubscribe: subscribe });
  }
}

function seenInDelta(message: Uint8Array): Seen {
  const { resources = [] } = decode('envoy.service.discovery.v3.DeltaDiscoveryResponse', message);
  return resources.map((resource) => seen(resource, resource.resource?.value));
}

function seenInSotw(message: Uint8Array): Seen {
  const { resources = [], versionInfo } = decode('envoy.service.discovery.v3.DiscoveryResponse', message);
  return resources.map((any) => {
    const wrapped = unpack('envoy.service.discovery.v3.Resource', any);
    if (wrapped === undefined) return Buffer.from(any.value ?? []).toString();
    // Envoy takes a resource without body for a heartbeat when its version is that of the whole.
    if (wrapped.resource === undefined) expect(wrapped.version).toBe(versionInfo);
    return seen(wrapped, wrapped.resource?.value);
  });
}

function seen({ name, ttl }: envoy.Resource, body: Uint8Array | undefined): string {
  const text = body === undefined ? 'heartbeat' : Buffer.from(body).toString();
  return ttl === undefined ? text : `${name} ${ttl.seconds} ${text}`;
}

describe.each(wires)('a resource that expires: %s', (wire) => {
  it('has its time, and is prolonged before half of it has passed (xds-protocol/X72)', () => {
    const rig = new ServerRig();
    rig.mesh.put('endpoints', 'a', 'A', { ttl: 8_000 });
    rig.mesh.put('endpoints', 'b', 'B');
    const listener = new Listener(rig, wire, 'endpoints');
    expect(listener.hear()).toEqual([['a 8 A', 'B']]);
    const heard = listener.listen(20_000);
    expect(heard.map(([, what]) => what)).toEqual(heard.map(() => ['a 8 heartbeat']));
    expect(heard.length).toBeGreaterThan(4);
    const moments = heard.map(([at]) => at);
    const pauses = moments.map((at, index) => at - (moments[index - 1] ?? 0));
    expect(pauses.every((pause) => pause >= 2_000 && pause <= 4_000)).toBe(true);
  });

  it('is prolonged at moments of chance (xds-protocol/X72)', () => {
    const dice = [0.9, 0, 0.5];
    const rig = new ServerRig(noObserver, () => dice.shift() ?? 0);
    rig.mesh.put('endpoints', 'a', 'A', { ttl: 40_000 });
    const listener = new Listener(rig, wire, 'endpoints');
    listener.hear();
    expect(listener.listen(45_000).map(([at]) => at)).toEqual([19_000, 29_000, 44_000]);
  });

  it('is a resource like any other to a client that does not know of this (xds-protocol/X72, xds-protocol/X14)', () => {
    const rig = new ServerRig();
    rig.mesh.put('endpoints', 'a', 'A', { ttl: 8_000 });
    const listener = new Listener(rig, wire, 'endpoints', { id: aNodeId });
    expect(listener.hear()).toEqual([['A']]);
    expect(listener.listen(20_000)).toEqual([]);
  });

  it('is sent again when it expires no longer, or otherwise (xds-protocol/X73)', () => {
    const rig = new ServerRig();
    rig.mesh.put('endpoints', 'a', 'A', { ttl: 8_000 });
    const listener = new Listener(rig, wire, 'endpoints');
    listener.hear();
    rig.mesh.put('endpoints', 'a', 'A', { ttl: 12_000 });
    expect(listener.hear()).toEqual([['a 12 A']]);
    rig.mesh.put('endpoints', 'a', 'A');
    expect(listener.hear()).toEqual([['A']]);
    expect(listener.listen(20_000)).toEqual([]);
  });

  it('waits for the ACK of what is on its way, so that nothing overtakes it (xds-protocol/X73, xds-protocol/X67)', () => {
    const rig = new ServerRig();
    rig.mesh.put('endpoints', 'a', 'A', { ttl: 8_000 });
    const listener = new Listener(rig, wire, 'endpoints');
    rig.clock.settle();
    rig.clock.advance(5_000);
    expect(listener.client.answers).toHaveLength(1);
    expect(listener.hear()).toEqual([['a 8 A']]);
    expect(listener.hear()).toEqual([['a 8 heartbeat']]);
  });

  it('is not prolonged beyond its end', () => {
    const rig = new ServerRig();
    rig.mesh.put('endpoints', 'a', 'A', { ttl: 8_000 });
    const listener = new Listener(rig, wire, 'endpoints');
    listener.hear();
    if (wire === 'delta') listener.client.request('endpoints', { resourceNamesUnsubscribe: ['a'] });
    else listener.client.list('endpoints', { resourceNames: ['b'] });
    expect(listener.listen(20_000)).toEqual([]);
  });

  it('is prolonged with everything else where responses hold everything (xds-protocol/X16, xds-protocol/X72)', () => {
    const rig = new ServerRig();
    rig.mesh.put('cluster', 'a', 'A', { ttl: 8_000 });
    rig.mesh.put('cluster', 'b', 'B');
    const listener = new Listener(rig, wire, 'cluster');
    expect(listener.hear()).toEqual([['a 8 A', 'B']]);
    const [first] = listener.listen(4_000);
    expect(first?.[1]).toEqual(wire === 'delta' ? ['a 8 heartbeat'] : ['a 8 A', 'B']);
  });

  it('that is refused is not prolonged', () => {
    const rig = new ServerRig();
    rig.mesh.put('endpoints', 'a', 'A', { ttl: 8_000 });
    const listener = new Listener(rig, wire, 'endpoints');
    listener.hear();
    rig.clock.advance(4_000);
    const [, heartbeat] = listener.client.take();
    const refusal = { responseNonce: heartbeat?.nonce ?? '', errorDetail: { code: 13, message: 'no' } };
    if (wire === 'delta') listener.client.request('endpoints', refusal);
    else listener.client.list('endpoints', { ...refusal, resourceNames: ['a', 'b'] });
    rig.clock.advance(60_000);
    expect(listener.client.take()).toEqual([]);
  });
});

it('a heartbeat clears nothing that a NACK left open (xds-protocol/X304)', () => {
  const rig = new ServerRig();
  rig.mesh.put('cluster', 'a', 'A', { ttl: 8_000 });
  const listener = new Listener(rig, 'delta', 'cluster');
  listener.hear();
  listener.client.take();
  rig.mesh.put('cluster', 'a', 'bad', { ttl: 8_000 });
  for (const answer of rig.settle(listener.client)) listener.client.nack(answer, 'cluster a: no');
  rig.clock.advance(4_000);
  for (const answer of listener.client.take()) listener.client.ack(answer);
  expect(rig.server.taint.names).toBe(1);
  expect(rig.server.proxies()[0]?.types[0]?.state).toBe('rejected');
});
