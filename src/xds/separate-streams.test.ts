import { describe, expect, it } from 'vitest';
import { aNodeId, ServerRig, type FakeClient } from '../../test/support/stream-rig.ts';
import { resourceTypes } from './resource-types.ts';

const node = { id: aNodeId };

function say(client: FakeClient, type: string, resourceNames: string[] = []): void {
  if (client.wire === 'sotw') client.list(type, { node, resourceNames });
  else client.request(type, { node, resourceNamesSubscribe: resourceNames });
}

describe.each(['delta', 'sotw'] as const)('a stream of one type: %s', (wire) => {
  it.each(resourceTypes.map(({ name }) => name))('implies its type (xds-protocol/X4): %s', (type) => {
    const rig = new ServerRig();
    rig.mesh.put(type, 'a', '1');
    const client = rig.separateClient(type, wire);
    if (wire === 'sotw') client.list('', { node, resourceNames: ['a'] });
    else client.request('', { node, resourceNamesSubscribe: ['a'] });
    expect(client.closed).toBeUndefined();
    expect(rig.server.proxies()[0]?.types.map((status) => status.type)).toEqual([type]);
  });

  it.each(resourceTypes.map(({ name }) => name))('refuses every other (xds-protocol/X4): %s', (type) => {
    const rig = new ServerRig();
    const client = rig.separateClient(type, wire);
    say(client, type === 'cluster' ? 'listener' : 'cluster');
    expect(client.closed?.status).toBe('INVALID_ARGUMENT');
    expect(client.closed?.detail).toMatch(/^this service serves .*; the request is for /);
    expect(rig.server.size).toEqual({ streams: 0, groups: 0, records: 0, subscriptions: 0 });
  });

  it('keeps a removed cluster for a while, since routes go another way (xds-protocol/X59)', () => {
    const rig = new ServerRig();
    rig.mesh.put('cluster', 'a', '1');
    rig.mesh.put('cluster', 'b', '1');
    const client = rig.separateClient('cluster', wire);
    say(client, 'cluster');
    confirm(rig, client);
    rig.clock.advance(60_000);
    rig.mesh.remove('cluster', 'a');
    rig.clock.advance(10_000);
    rig.mesh.remove('cluster', 'b');
    rig.clock.advance(4_999);
    expect(client.take()).toEqual([]);
    rig.clock.advance(1);
    const [first] = confirm(rig, client);
    expect([first?.removed, first?.resources]).toEqual(wire === 'delta' ? [['a'], []] : [[], ['1']]);
    rig.clock.advance(9_999);
    expect(client.take()).toEqual([]);
    rig.clock.advance(1);
    const [second] = confirm(rig, client);
    expect([second?.removed, second?.resources]).toEqual(wire === 'delta' ? [['b'], []] : [[], []]);
  });

  it('does not wait for types that the client hears of elsewhere (xds-protocol/X57)', () => {
    const rig = new ServerRig();
    rig.mesh.put('routes', 'r', 'to-y');
    const clusters = rig.separateClient('cluster', wire);
    say(clusters, 'cluster');
    confirm(rig, clusters);
    rig.mesh.put('cluster', 'y', '1');
    const routes = rig.separateClient('routes', wire);
    say(routes, 'routes', ['r']);
    expect(rig.settle(routes)).toHaveLength(1);
  });
});

/** Takes what is due and ACKs it. */
function confirm(rig: ServerRig, client: FakeClient): ReturnType<FakeClient['take']> {
  const answers = rig.settle(client);
  for (const { type, nonce } of answers) {
    if (client.wire === 'sotw') client.list(type, { responseNonce: nonce });
    else client.request(type, { responseNonce: nonce });
  }
  return answers;
}
