import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ScriptedClient } from '../support/scripted-client.ts';
import { ServedMesh } from '../support/served-mesh.ts';

/** Delta ADS by literal messages over a real connection. */

let served: ServedMesh;
let client: ScriptedClient;

beforeEach(async () => {
  served = await ServedMesh.start();
  served.server.open();
  client = served.client('delta');
});

afterEach(() => served.close());

describe('delta ADS', () => {
  it('boots an Envoy as it was seen to boot, and moves its routes (xds-protocol/X300, xds-protocol/X302)', async () => {
    const { mesh } = served;
    mesh.change(() => {
      for (const name of ['c1', 'c2']) mesh.put('cluster', name, '1', { children: [name] });
      for (const name of ['c1', 'c2', 'c3']) mesh.put('endpoints', name, '1');
      mesh.put('listener', 'l1', '1', { children: ['r1'] });
      mesh.put('routes', 'r1', 'to-c1');
    });
    client.hello('cluster', {});
    const clusters = await client.next();
    expect(clusters.resources).toEqual(['c1@1', 'c2@1']);
    client.send('endpoints', { resourceNamesSubscribe: ['c1', 'c2'] });
    client.ack(clusters);
    expect((await client.nextAcked()).resources).toEqual(['c1@1', 'c2@1']);
    client.send('listener', {});
    expect((await client.nextAcked()).resources).toEqual(['l1@1']);
    client.send('routes', { resourceNamesSubscribe: ['r1'] });
    expect((await client.nextAcked()).resources).toEqual(['r1@to-c1']);

    mesh.change(() => {
      mesh.put('cluster', 'c3', '1', { children: ['c3'] });
      mesh.put('routes', 'r1', 'to-c3');
      mesh.remove('cluster', 'c1');
    });
    const added = await client.next();
    const assigned = await client.next();
    expect([added.resources, added.removed, assigned.resources]).toEqual([['c3@1'], [], ['c3@1']]);
    client.send('endpoints', { resourceNamesSubscribe: ['c3'] });
    client.ack(assigned);
    expect(await client.silence()).toEqual([]);
    client.ack(added);
    expect((await client.nextAcked()).resources).toEqual(['r1@to-c3']);
    expect((await client.nextAcked()).removed).toEqual(['c1']);
    client.send('endpoints', { resourceNamesUnsubscribe: ['c1'] });
    expect(await client.silence()).toEqual([]);
  });

  it('says nothing to ACKs (xds-protocol/X19)', async () => {
    served.mesh.put('cluster', 'a', '1');
    client.hello('cluster', {});
    await client.nextAcked();
    expect(await client.silence()).toEqual([]);
  });

  it('answers a nonce of another type and one of nothing by silence (xds-protocol/X25)', async () => {
    served.mesh.put('cluster', 'a', '1');
    served.mesh.put('listener', 'l', '1');
    client.hello('cluster', {});
    await client.nextAcked();
    client.send('listener', {});
    const listeners = await client.next();
    client.send('cluster', { responseNonce: listeners.nonce });
    client.send('listener', { responseNonce: 'invented' });
    expect(await client.silence()).toEqual([]);
    served.mesh.put('listener', 'l', '2');
    expect(await client.silence()).toEqual([]);
    client.ack(listeners);
    expect((await client.next()).resources).toEqual(['l@2']);
  });

  it('sends a bad cluster once (xds-protocol/X49)', async () => {
    served.mesh.put('cluster', 'a', 'bad');
    client.hello('cluster', {});
    client.nack(await client.next(), 'Error adding/updating cluster(s) a: no');
    expect(await client.silence()).toEqual([]);
    served.mesh.put('cluster', 'a', 'good');
    expect((await client.nextAcked()).resources).toEqual(['a@good']);
    expect(await client.silence()).toEqual([]);
  });

  it('resumes by versions: nothing is sent again to a client that has everything (hot-path/H902)', async () => {
    const names = Array.from({ length: 500 }, (_, index) => `e${index}`);
    served.mesh.change((mesh) => {
      for (const name of names) mesh.put('endpoints', name, name);
      mesh.put('cluster', 'c', '1');
    });
    client.hello('endpoints', { resourceNamesSubscribe: names });
    const held = Object.fromEntries((await client.nextAcked()).versions);
    client.drop();
    served.mesh.put('endpoints', 'e7', 'new');
    const again = served.client('delta');
    again.hello('endpoints', { resourceNamesSubscribe: names, initialResourceVersions: held });
    expect((await again.nextAcked()).resources).toEqual(['e7@new']);
    expect(await again.silence()).toEqual([]);
  });

  it('tells a client that comes back what was deleted meanwhile, for every type (xds-protocol/X30)', async () => {
    client.hello('cluster', { initialResourceVersions: { gone: 'x' } });
    expect((await client.nextAcked()).resources).toEqual([]);
    client.send('listener', {});
    expect((await client.nextAcked()).removed).toEqual([]);
    client.send('routes', { resourceNamesSubscribe: ['gone'], initialResourceVersions: { gone: 'x' } });
    expect((await client.nextAcked()).removed).toEqual(['gone']);
    expect((await client.nextAcked()).removed).toEqual(['gone']);
    client.send('endpoints', { resourceNamesSubscribe: ['gone'], initialResourceVersions: { gone: 'x' } });
    expect((await client.nextAcked()).removed).toEqual(['gone']);
    const other = served.client('delta');
    other.hello('listener', { initialResourceVersions: { gone: 'x' } });
    expect((await other.nextAcked()).removed).toEqual(['gone']);
  });

  it('takes a reconnect that names 60,000 resources with versions (xds-protocol/X11, hot-path/H1003)', async () => {
    const names = Array.from({ length: 60_000 }, (_, index) => `outbound|80||service-${index}.shop.svc.cluster.local`);
    const versions = Object.fromEntries(names.map((name) => [name, '3twi18wncorrk']));
    served.mesh.put('endpoints', names[7] ?? '', 'new');
    client.hello('endpoints', { resourceNamesSubscribe: names, initialResourceVersions: versions });
    const received = [await client.nextAcked()];
    while (received.reduce((sum, { removed }) => sum + removed.length, 0) < 59_999)
      received.push(await client.nextAcked());
    expect(received.flatMap(({ resources }) => resources)).toEqual([`${names[7]}@new`]);
  });

  it('ends a stream that half-closes, and forgets it (xds-protocol/X6)', async () => {
    served.mesh.put('cluster', 'a', '1');
    for (let round = 0; round < 50; round++) {
      const each = served.client('delta');
      each.hello('cluster', {});
      each.send('endpoints', { resourceNamesSubscribe: ['x'] });
      if (round % 2 === 0) await each.next();
      each.halfClose();
      expect((await each.ended()).code).toBe(0);
    }
    client.halfClose();
    await client.ended();
    expect(served.server.size).toEqual({ streams: 0, groups: 0, records: 0, subscriptions: 0 });
  });

  it('refuses streams until the sources were read (xds-protocol/X9)', async () => {
    const closed = await ServedMesh.start();
    try {
      const early = closed.client('delta');
      early.hello('cluster', {});
      expect(await early.ended()).toMatchObject({ code: 14, details: /not read all of its sources/ });
      closed.server.open();
      const late = closed.client('delta');
      late.hello('cluster', {});
      expect((await late.next()).type).toBe('cluster');
    } finally {
      await closed.close();
    }
  });

  it('tells a client that is refused why (xds-protocol/X2)', async () => {
    client.hello('cluster', {}, { id: 'node-1' });
    expect(await client.ended()).toMatchObject({ code: 3, details: /must have 4: sidecar~IP~POD/ });
  });

  it('tells its clients when it shuts down', async () => {
    client.hello('cluster', {});
    await client.next();
    served.server.close();
    expect(await client.ended()).toMatchObject({ code: 14, details: /shutting down/ });
  });
});
