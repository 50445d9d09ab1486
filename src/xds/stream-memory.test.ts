import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { FakeClient, aNodeId, ServerRig } from '../../test/support/stream-rig.ts';
import { TinyMesh, tinyQueries, typeNamed } from '../../test/support/tiny-mesh.ts';
import { encode } from './proto.ts';
import { ResourceStore } from './store.ts';
import { StoreView, type ViewOwner } from './view.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapUsed(): number {
  for (let pass = 0; pass < 3; pass++) collect();
  const { heapUsed: heap, external } = process.memoryUsage();
  return heap + external;
}

const names = Array.from({ length: 5000 }, (_, index) => `outbound|80||service-${index}.shop.svc.cluster.local`);

const owner: ViewOwner = {
  changed: () => undefined,
  report: () => ({ nodeId: '', standing: { kind: 'confirmed' } }),
};

/** What one of many views of the same 5,000 resources takes. */
function bytesPerView(subscribe: (view: StoreView) => void): number {
  const mesh = new TinyMesh();
  mesh.change(() => names.forEach((name) => mesh.put('endpoints', name, '1')));
  const store = new ResourceStore(mesh.engine, tinyQueries, () => 0);
  const views: StoreView[] = [];
  const connect = (count: number): void => {
    for (let index = 0; index < count; index++) {
      const view = new StoreView(store, 'endpoints', ['all'], owner);
      subscribe(view);
      expect([...view.resources()]).toHaveLength(5000);
      views.push(view);
    }
  };
  connect(32);
  const before = heapUsed();
  connect(128);
  const bytes = (heapUsed() - before) / 128;
  for (const view of views) view.close();
  expect(store.size).toEqual({ groups: 0, records: 0, subscriptions: 0 });
  return bytes;
}

function everything(rig: ServerRig): unknown {
  const { watches, nodes, rows } = rig.mesh.engine.statistics();
  return { ...rig.server.size, watches, nodes, rows: [...rows.values()] };
}

describe('a stream', () => {
  it('keeps 5,000 names in less than 2 KB (hot-path/H1415, hot-path/H212, hot-path/H1105)', () => {
    expect(bytesPerView((view) => names.forEach((name) => view.follow(name)))).toBeLessThan(2000);
  });

  it('keeps nothing for each of 5,000 names that it has by wildcard (xds-protocol/X165, hot-path/H213)', () => {
    expect(bytesPerView((view) => view.followAll())).toBeLessThan(1000);
  });

  it('keeps nothing of the messages that it was sent, whose names it has copied (hot-path/H505)', async () => {
    const rig = new ServerRig();
    const client = rig.client();
    const { typeUrl } = typeNamed('endpoints');
    const send = (): WeakRef<ArrayBufferLike> => {
      const request = { node: { id: aNodeId }, typeUrl, resourceNamesSubscribe: names };
      const message = new Uint8Array(encode('envoy.service.discovery.v3.DeltaDiscoveryRequest', request));
      client.raw(message);
      return new WeakRef(message.buffer);
    };
    const sent = send();
    rig.exchange(client);
    // A weak reference holds what it refers to until the end of the turn.
    await new Promise(setImmediate);
    heapUsed();
    expect(sent.deref()).toBeUndefined();
    expect(rig.server.size.subscriptions).toBe(5000);
  });

  it('leaves nothing behind, be it 5,000 times, and accepted or turned away (xds-protocol/X6, hot-path/H908)', () => {
    const rig = new ServerRig();
    for (const name of ['a', 'b', 'c']) rig.mesh.put('endpoints', name, '1');
    rig.mesh.put('cluster', 'a', '1');
    const stays = rig.bootedClient(['a', 'b']);
    const before = everything(rig);
    for (let index = 0; index < 5000; index++) {
      const client = new FakeClient();
      rig.server.accept(client, 'delta');
      const id = index % 5 === 0 ? 'no node id that anybody would accept' : aNodeId;
      client.request('cluster', { node: { id } });
      if (client.closed === undefined) {
        client.request('endpoints', { resourceNamesSubscribe: ['a', 'c', `made up ${index}`] });
        if (index % 2 === 0) rig.clock.settle();
      }
      client.leave(index % 3 === 0 ? { kind: 'half-closed' } : { kind: 'broken', detail: 'gone' });
    }
    rig.clock.settle();
    expect(everything(rig)).toEqual(before);
    rig.mesh.put('endpoints', 'a', '2');
    expect(rig.settle(stays).map(({ resources }) => resources)).toEqual([['a@2']]);
  });
});
