import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Received, ScriptedClient } from '../support/scripted-client.ts';
import { ServedMesh } from '../support/served-mesh.ts';

/** State-of-the-world ADS by literal messages over a real connection. */

let served: ServedMesh;
let client: ScriptedClient<'sotw'>;

beforeEach(async () => {
  served = await ServedMesh.start();
  served.server.open();
  client = served.client('sotw');
});

afterEach(() => served.close());

/** Asks for something that exists and gives what came before the answer: what was asked before is then known to be read. */
async function silence(): Promise<readonly Received[]> {
  const probe = `probe-${client.trace.length}`;
  served.mesh.put('routes', probe, probe);
  const responseNonce = client.trace.findLast(({ type }) => type === 'routes')?.nonce ?? '';
  client.send('routes', { resourceNames: [probe], responseNonce });
  const between: Received[] = [];
  for (;;) {
    const received = await client.next();
    if (received.resources.includes(probe)) {
      client.ack(received, [probe]);
      return between;
    }
    between.push(received);
  }
}

/** First request of the stream, with the node. */
async function begin(): Promise<void> {
  served.mesh.put('routes', 'probe', 'start');
  client.hello('routes', { resourceNames: ['probe'] });
  client.ack(await client.next(), ['probe']);
}

describe('state-of-the-world ADS', () => {
  it('boots an Envoy as it was seen to boot, and warms what changes (xds-protocol/X60, xds-protocol/X61)', async () => {
    const { mesh } = served;
    mesh.change(() => {
      for (const name of ['c1', 'c2']) mesh.put('cluster', name, `${name}=1`, { children: [name] });
      for (const name of ['c1', 'c2']) mesh.put('endpoints', name, `${name}:1`);
      mesh.put('listener', 'l1', 'l1=1', { children: ['r1'] });
    });
    await begin();
    client.send('cluster', {});
    const clusters = await client.next();
    expect(clusters.resources).toEqual(['c1=1', 'c2=1']);
    client.send('endpoints', { resourceNames: ['c1', 'c2'] });
    client.ack(clusters);
    const endpoints = await client.next();
    expect(endpoints.resources).toEqual(['c1:1', 'c2:1']);
    client.ack(endpoints, ['c1', 'c2']);
    client.send('listener', {});
    const listeners = await client.next();
    expect(listeners.resources).toEqual(['l1=1']);
    client.ack(listeners);

    mesh.put('cluster', 'c2', 'c2=2', { children: ['c2'] });
    const changed = await client.next();
    expect(changed.resources).toEqual(['c1=1', 'c2=2']);
    const pushed = await client.next();
    expect(pushed.resources).toEqual(['c2:1']);
    // Envoy asks again with what it had, and then confirms what was pushed: neither is answered.
    client.send('endpoints', {
      resourceNames: ['c1', 'c2'],
      versionInfo: endpoints.version,
      responseNonce: endpoints.nonce,
    });
    client.ack(pushed, ['c1', 'c2']);
    client.ack(changed);
    expect(await silence()).toEqual([]);
  });

  it('answers every type of resource by resources of that type (xds-protocol/X27)', async () => {
    served.mesh.put('cluster', 'a', 'a=1');
    served.mesh.put('listener', 'l', 'l=1');
    await begin();
    client.send('cluster', {});
    const received = [await client.nextAcked()];
    client.send('listener', {});
    received.push(await client.nextAcked());
    expect(received.map(({ type, resources }) => [type, resources])).toEqual([
      ['cluster', ['a=1']],
      ['listener', ['l=1']],
    ]);
  });

  it('unsubscribes grpc-js-xds as it leaves: an empty list for each type, error and nonce repeated (xds-protocol/X22, xds-protocol/X50)', async () => {
    await begin();
    for (const type of ['listener', 'cluster', 'endpoints'] as const) served.mesh.put(type, 'a', 'a=1');
    const nonces = new Map<string, string>();
    for (const type of ['listener', 'cluster', 'endpoints'] as const) {
      client.send(type, { resourceNames: ['a'] });
      const received = await client.next();
      nonces.set(type, received.nonce);
      client.nack(received, 'a is bad', { resourceNames: ['a'], versionInfo: '' });
    }
    for (const [type, responseNonce] of nonces) {
      client.send(type, { responseNonce, errorDetail: { code: 14, message: 'a is bad' }, resourceNames: [] });
    }
    expect(await silence()).toEqual([]);
    served.mesh.change((mesh) => {
      for (const type of ['listener', 'cluster', 'endpoints'] as const) mesh.put(type, 'a', 'a=2');
    });
    expect(await silence()).toEqual([]);
    client.halfClose();
    expect((await client.ended()).code).toBe(0);
    expect(served.server.size).toEqual({ streams: 0, groups: 0, records: 0, subscriptions: 0 });
  });

  it('says nothing of types that it does not know, and goes on (xds-protocol/X5)', async () => {
    await begin();
    client.send('type.googleapis.com/future.Type', { resourceNames: ['x'] });
    client.send('type.googleapis.com/future.Wildcard', {});
    client.send('cluster', {});
    expect((await client.next()).type).toBe('cluster');
    expect(await silence()).toEqual([]);
  });

  it('names the same versions after a restart and on a replica (xds-protocol/X18, xds-protocol/X44, hot-path/H405)', async () => {
    const replica = await ServedMesh.start();
    try {
      replica.server.open();
      replica.mesh.put('cluster', 'other', 'other=1');
      replica.mesh.put('cluster', 'b', 'b=1');
      replica.mesh.put('cluster', 'a', 'a=1');
      replica.mesh.remove('cluster', 'other');
      served.mesh.put('cluster', 'a', 'a=1');
      served.mesh.put('cluster', 'b', 'b=1');
      const there = replica.client('sotw');
      there.hello('cluster', {});
      client.hello('cluster', {});
      expect((await client.next()).version).toBe((await there.next()).version);
    } finally {
      await replica.close();
    }
  });
});
