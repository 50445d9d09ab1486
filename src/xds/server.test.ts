import { describe, expect, it } from 'vitest';
import { aNodeId, FakeClient, ServerRig, type Answer } from '../../test/support/stream-rig.ts';
import { noObserver, type Acknowledgement, type Push, type Rejection, type XdsObserver } from './observer.ts';
import { XdsServer } from './server.ts';
import { proxies } from '../model/tables.ts';
import { tinyQueries } from '../../test/support/tiny-mesh.ts';
import type { Query } from '../incremental/definitions.ts';
import type { ProxyKey } from '../model/keys.ts';
import type { ProxyScopes } from '../model/scope.ts';

const node = { id: aNodeId };

/** Writes down everything. */
class Notes implements XdsObserver {
  readonly log: string[] = [];
  readonly pushes: Push[] = [];
  readonly acks: Acknowledgement[] = [];
  readonly nacks: Rejection[] = [];

  connected: XdsObserver['connected'] = ({ nodeId, address, wire }) =>
    void this.log.push(`+ ${nodeId} ${address} ${wire}`);
  disconnected: XdsObserver['disconnected'] = (_, reason) => void this.log.push(`- ${reason}`);
  refused: XdsObserver['refused'] = ({ status, message }) => void this.log.push(`! ${status} ${message}`);
  pushed: XdsObserver['pushed'] = (push) => void this.pushes.push(push);
  acked: XdsObserver['acked'] = (ack) => void this.acks.push(ack);
  nacked: XdsObserver['nacked'] = (rejection) => void this.nacks.push(rejection);
  overdue: XdsObserver['overdue'] = (_, type) => void this.log.push(`? ${type}`);
  denied: XdsObserver['denied'] = ({ type, name, reason }) => void this.log.push(`x ${type} ${name} ${reason}`);
}

function answerOf(rig: ServerRig, client: FakeClient): Answer {
  const [answer] = rig.settle(client);
  if (answer === undefined) throw new Error('nothing was answered');
  return answer;
}

describe('a stream', () => {
  it('keeps the node of its first request (xds-protocol/X1)', () => {
    const rig = new ServerRig();
    const client = rig.client();
    client.request('cluster', { node });
    client.request('listener');
    expect(rig.settle(client).map(({ type }) => type)).toEqual(['cluster', 'listener']);
    client.request('endpoints', { node: { id: 'no node id at all' }, resourceNamesSubscribe: ['x'] });
    expect(client.closed).toBeUndefined();
    expect(rig.server.proxies().map(({ nodeId }) => nodeId)).toEqual([aNodeId]);
  });

  it.each([
    ['no node', {}, /has no node/],
    ['a node without id', { node: { cluster: 'x' } }, /has no id; it must be sidecar~IP~POD/],
    ['a node with a wrong id', { node: { id: 'node-1' } }, /'node-1' has 1 parts/],
  ])('with %s is refused (xds-protocol/X2)', (_, request, message) => {
    const notes = new Notes();
    const rig = new ServerRig(notes);
    const client = rig.client();
    client.request('cluster', request);
    expect(client.closed?.status).toBe('INVALID_ARGUMENT');
    expect(client.closed?.detail).toMatch(message);
    expect(notes.log).toEqual([`! INVALID_ARGUMENT ${client.closed?.detail}`]);
  });

  it('is its own, even of one node twice (xds-protocol/X3)', () => {
    const rig = new ServerRig();
    rig.mesh.put('endpoints', 'a', '1');
    rig.mesh.put('endpoints', 'b', '1');
    const [first, second] = [rig.client(), rig.client()];
    first.request('endpoints', { node, resourceNamesSubscribe: ['a'] });
    second.request('endpoints', { node, resourceNamesSubscribe: ['b'] });
    rig.clock.settle();
    expect([first, second].map((client) => client.take()[0]?.resources)).toEqual([['a@1'], ['b@1']]);
    rig.mesh.put('endpoints', 'b', '2');
    rig.clock.settle();
    expect(first.take()).toEqual([]);
    expect(new Set(rig.server.proxies().map(({ key }) => key)).size).toBe(2);
  });

  it('is refused a request without a type (xds-protocol/X4)', () => {
    const client = new ServerRig().client();
    client.request('', { node });
    expect(client.closed).toEqual({ status: 'INVALID_ARGUMENT', detail: 'the request has no type_url' });
  });

  it('goes on when it is asked for an unknown type, of which nothing exists (xds-protocol/X5)', () => {
    const rig = new ServerRig();
    rig.mesh.put('cluster', 'a', '1');
    const client = rig.client();
    client.request('type.googleapis.com/future.Type', { node, resourceNamesSubscribe: ['x', 'y'] });
    client.request('type.googleapis.com/other.Type');
    client.request('cluster');
    const answers = rig.settle(client);
    expect(answers.map(({ type, resources, removed }) => ({ type, resources, removed }))).toEqual([
      { type: 'cluster', resources: ['a@1'], removed: [] },
      { type: 'type.googleapis.com/future.Type', resources: [], removed: ['x', 'y'] },
    ]);
  });

  it('that half-closes is closed from this side, and leaves nothing behind (xds-protocol/X6)', () => {
    const rig = new ServerRig();
    rig.mesh.put('cluster', 'a', '1');
    for (let round = 0; round < 100; round++) {
      const client = rig.client();
      client.request('cluster', { node });
      client.request('endpoints', { resourceNamesSubscribe: ['x'] });
      if (round % 2 === 0) rig.clock.settle();
      client.leave(round % 3 === 0 ? { kind: 'broken', detail: 'reset' } : { kind: 'half-closed' });
      expect(client.closed?.status).toBe(round % 3 === 0 ? undefined : 'OK');
    }
    expect(rig.server.size).toEqual({ streams: 0, groups: 0, records: 0, subscriptions: 0 });
    expect(rig.mesh.engine.statistics().watches).toBe(0);
  });

  it('that is refused leaves nothing behind either (xds-protocol/X7)', () => {
    const rig = new ServerRig();
    for (let round = 0; round < 100; round++) {
      const client = rig.client();
      if (round % 2 === 0) client.request('cluster', { node: { id: 'bad' } });
      else {
        client.request('cluster', { node });
        client.raw(Buffer.from([0xff]));
      }
      expect(client.closed?.status).toBe('INVALID_ARGUMENT');
    }
    expect(rig.server.size).toEqual({ streams: 0, groups: 0, records: 0, subscriptions: 0 });
    expect(rig.mesh.engine.statistics().watches).toBe(0);
  });

  it('that sends no protobuf ends, and no other does', () => {
    const rig = new ServerRig();
    const [bad, good] = [rig.client(), rig.client()];
    good.request('cluster', { node });
    bad.request('cluster', { node });
    bad.raw(Buffer.from('nonsense'));
    rig.clock.settle();
    expect(bad.closed?.status).toBe('INVALID_ARGUMENT');
    expect(good.closed).toBeUndefined();
    expect(good.take()).toHaveLength(1);
  });

  it('that has ended hears nothing more, and says nothing more', () => {
    const rig = new ServerRig();
    const client = rig.client();
    client.request('cluster', { node });
    client.leave({ kind: 'broken', detail: 'reset' });
    rig.mesh.put('cluster', 'a', '1');
    client.request('listener');
    expect(rig.settle(client)).toEqual([]);
  });

  it('may hold 64 types and no more', () => {
    const client = new ServerRig().client();
    for (let type = 0; type < 65; type++) client.request(`type.googleapis.com/made.Up${type}`, { node });
    expect(client.closed?.status).toBe('RESOURCE_EXHAUSTED');
  });

  it('is refused before the sources were read, and served after (xds-protocol/X9, hot-path/H615)', () => {
    const rig = new ServerRig();
    const notes = new Notes();
    const { engine } = rig.mesh;
    const server = new XdsServer({ engine, queries: tinyQueries, clock: rig.clock, observer: notes, identifier: 'x' });
    const early = new FakeClient();
    server.accept(early, 'delta');
    expect(early.closed?.status).toBe('UNAVAILABLE');
    expect(notes.log).toEqual(['! UNAVAILABLE the control plane has not read all of its sources yet']);
    server.open();
    const late = new FakeClient();
    server.accept(late, 'delta');
    late.request('cluster', { node });
    rig.clock.settle();
    expect(late.take()).toHaveLength(1);
  });

  it('is refused when its scopes cannot be worked out: an empty view would make it drop everything', () => {
    const rig = new ServerRig();
    const scopes: Query<ProxyKey, ProxyScopes> = {
      name: 'failing',
      compute: () => {
        throw new Error('no');
      },
    };
    const options = { queries: { ...tinyQueries, scopes }, clock: rig.clock, observer: noObserver, identifier: 'x' };
    const server = new XdsServer({ engine: rig.mesh.engine, ...options });
    server.open();
    const client = new FakeClient();
    server.accept(client, 'delta');
    client.request('cluster', { node });
    expect(client.closed?.status).toBe('UNAVAILABLE');
  });
});

describe('a server', () => {
  it('ends all streams when it closes, and takes no more', () => {
    const notes = new Notes();
    const rig = new ServerRig(notes);
    const client = rig.client();
    client.request('cluster', { node });
    rig.server.close();
    expect(client.closed).toEqual({ status: 'UNAVAILABLE', detail: 'the control plane is shutting down' });
    expect(rig.client().closed?.status).toBe('UNAVAILABLE');
    expect(rig.server.size.streams).toBe(0);
    expect(notes.log.slice(0, 2)).toEqual([
      `+ ${aNodeId} 192.0.2.1:4711 delta`,
      '- the control plane is shutting down',
    ]);
  });

  it('has a row for each proxy that is connected', () => {
    const rig = new ServerRig();
    const client = rig.client();
    client.request('cluster', { node: { id: aNodeId, metadata: { fields: { CLUSTER_ID: { stringValue: 'c1' } } } } });
    const [status] = rig.server.proxies();
    const row = status && rig.mesh.engine.read(proxies, status.key);
    expect(row).toMatchObject({ nodeId: aNodeId, namespace: 'shop', clusterId: 'c1' });
    client.leave({ kind: 'half-closed' });
    expect(status && rig.mesh.engine.read(proxies, status.key)).toBeUndefined();
  });

  it('puts its name into every response (xds-protocol/X13)', () => {
    const rig = new ServerRig();
    const client = rig.client();
    const identifiers: string[] = [];
    const { send } = client;
    client.send = (parts, bytes) => {
      identifiers.push(Buffer.from(parts[0] ?? []).includes('weir/test') ? 'weir/test' : 'nobody');
      return send.call(client, parts, bytes);
    };
    client.request('cluster', { node });
    client.request('endpoints', { resourceNamesSubscribe: ['x'] });
    rig.exchange(client);
    expect(identifiers).toEqual(['weir/test', 'weir/test']);
  });

  it('uses no nonce twice on a stream, though others get the same responses (xds-protocol/X42, hot-path/H313)', () => {
    const rig = new ServerRig();
    rig.mesh.put('endpoints', 'a', '1');
    const [client, other] = [rig.client(), rig.client()];
    for (const each of [client, other]) {
      for (const type of ['cluster', 'listener']) each.request(type, { node });
      each.request('endpoints', { resourceNamesSubscribe: ['a'] });
    }
    const nonces: string[] = [];
    const collect = (): void => {
      for (const answer of rig.exchange(client)) nonces.push(answer.nonce);
    };
    collect();
    expect(rig.exchange(other).map(({ nonce }) => nonce)).toEqual(nonces);
    for (let again = 0; again < 3; again++) {
      client.request('endpoints', { resourceNamesUnsubscribe: ['a'] });
      client.request('endpoints', { resourceNamesSubscribe: ['a'] });
      collect();
    }
    expect(nonces).toHaveLength(6);
    expect(new Set(nonces).size).toBe(6);
    expect(nonces).not.toContain('');
  });
});

describe('the status of a proxy (xds-protocol/X84)', () => {
  function typeStatus(rig: ServerRig, type: string) {
    return rig.server.proxies()[0]?.types.find((each) => each.type === type);
  }

  it('shows what was sent, what was ACKed and since when something is missing', () => {
    const rig = new ServerRig();
    rig.mesh.put('cluster', 'a', '1');
    const client = rig.client();
    client.request('cluster', { node });
    const { nonce } = answerOf(rig, client);
    const wall = rig.clock.wallTime();
    expect(typeStatus(rig, 'cluster')).toMatchObject({
      state: 'pending',
      wildcard: true,
      resources: 1,
      sent: { nonce, at: wall },
      acked: undefined,
      pendingSince: wall,
    });
    rig.clock.advance(3);
    client.request('cluster', { responseNonce: nonce });
    const synced = typeStatus(rig, 'cluster');
    expect(synced).toMatchObject({ state: 'synced', pendingSince: undefined, acked: { at: wall + 3 } });
    expect([synced?.acked?.version, synced?.sent?.version]).toEqual([synced?.version, synced?.version]);
    rig.clock.advance(3);
    rig.mesh.put('cluster', 'a', '2');
    expect(typeStatus(rig, 'cluster')).toMatchObject({ state: 'pending', pendingSince: wall + 6 });
    expect(typeStatus(rig, 'cluster')?.version).not.toBe(synced?.version);
  });

  it('shows who it is and where it is', () => {
    const rig = new ServerRig();
    const client = rig.client();
    expect(rig.server.proxies()).toEqual([]);
    client.request('endpoints', { node, resourceNamesSubscribe: ['a', 'b'] });
    expect(rig.server.proxies()).toMatchObject([
      {
        nodeId: aNodeId,
        address: '192.0.2.1:4711',
        connectedAt: rig.clock.wallTime(),
        wire: 'delta',
        workload: { namespace: 'shop', name: 'app-1' },
        scopes: { cluster: ['all'] },
        types: [{ type: 'endpoints', wildcard: false, names: 2, resources: 0 }],
      },
    ]);
  });

  it('shows what it refuses and whose that is (xds-protocol/X53)', () => {
    const rig = new ServerRig();
    const origin = { source: 'files', file: 'mesh/a.yaml', document: 2, line: 7 };
    const object = { kind: 'networking.istio.io/VirtualService', namespace: 'shop', name: 'reviews', origin };
    rig.mesh.put('routes', 'r', 'bad', { provenance: [object] });
    const client = rig.client();
    client.request('routes', { node, resourceNamesSubscribe: ['r'] });
    client.nack(answerOf(rig, client), 'Only a single wildcard domain is permitted in route r');
    expect(typeStatus(rig, 'routes')).toMatchObject({
      state: 'rejected',
      nack: { message: 'Only a single wildcard domain is permitted in route r', names: ['r'], objects: [object] },
    });
    rig.mesh.put('routes', 'r', 'good');
    rig.exchange(client);
    expect(typeStatus(rig, 'routes')).toMatchObject({ state: 'synced', nack: undefined });
  });
});

describe('an observer', () => {
  it('hears how long a change took, from the event at its source to the ACK, stage by stage', () => {
    const notes = new Notes();
    const rig = new ServerRig(notes);
    const client = rig.bootedClient(['a']);
    notes.acks.length = 0;
    const heardAt = rig.clock.now();
    rig.clock.advance(5);
    rig.mesh.engine.batch({ source: 'files', at: heardAt }, () => rig.mesh.put('endpoints', 'a', '1'));
    const answer = answerOf(rig, client);
    rig.clock.advance(3);
    rig.mesh.put('endpoints', 'a', '2');
    rig.clock.advance(4);
    client.ack(answer);
    expect(notes.acks).toMatchObject([
      {
        type: 'endpoints',
        milliseconds: 7,
        latencies: [{ source: 'files', stages: { commit: 5, send: 0, ack: 7 }, total: 12 }],
      },
    ]);
    const second = answerOf(rig, client);
    rig.clock.advance(1);
    client.ack(second);
    // It had to wait for the ACK of the first.
    expect(notes.acks[1]?.latencies).toEqual([{ source: 'test', stages: { commit: 0, send: 4, ack: 1 }, total: 5 }]);
  });

  it('hears of pushes with their size, and of what a NACK is about', () => {
    const notes = new Notes();
    const rig = new ServerRig(notes);
    rig.mesh.put('cluster', 'a', '1');
    const client = rig.client();
    client.request('cluster', { node });
    const answer = answerOf(rig, client);
    expect(notes.pushes).toMatchObject([
      { type: 'cluster', resources: 1, removed: 0, changes: 0, nonce: answer.nonce },
    ]);
    expect(notes.pushes[0]?.bytes).toBeGreaterThan(50);
    client.nack(answer, 'cluster a: no');
    expect(notes.nacks).toMatchObject([{ type: 'cluster', names: ['a'], message: 'cluster a: no' }]);
  });

  it('hears once of an ACK that is missing for a minute, and the stream goes on (xds-protocol/X69)', () => {
    const notes = new Notes();
    const rig = new ServerRig(notes);
    const client = rig.client();
    client.request('cluster', { node });
    rig.settle(client);
    rig.clock.advance(50_000);
    expect(notes.log.slice(1)).toEqual([]);
    rig.clock.advance(100_000);
    expect(notes.log.slice(1)).toEqual(['? cluster']);
    expect(client.closed).toBeUndefined();
  });
});
