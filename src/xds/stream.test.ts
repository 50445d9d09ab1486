import { describe, expect, it } from 'vitest';
import { ServerRig, type Answer } from '../../test/support/stream-rig.ts';
import { aResource, scopesNamed } from '../../test/support/tiny-mesh.ts';

/** `type +name@content -name`, in order of sending. */
function spelled(answers: readonly Answer[]): readonly string[] {
  return answers.map(({ type, resources, removed }) =>
    [type, ...resources.map((text) => `+${text}`), ...removed.map((name) => `-${name}`)].join(' '),
  );
}

function meshRig(): ServerRig {
  const rig = new ServerRig();
  rig.mesh.change((mesh) => {
    mesh.put('cluster', 'x', '1', { children: ['x'] });
    mesh.put('endpoints', 'x', '1');
    mesh.put('listener', 'l', '1', { children: ['r'] });
    mesh.put('routes', 'r', 'to-x');
  });
  return rig;
}

describe('one change of several types', () => {
  it('is sent clusters first, then endpoints, listeners, routes (xds-protocol/X55, xds-protocol/X121)', () => {
    const rig = meshRig();
    const client = rig.bootedClient(['x'], ['r']);
    rig.mesh.change((mesh) => {
      mesh.put('routes', 'r', '2');
      mesh.put('listener', 'l', '2', { children: ['r'] });
      mesh.put('endpoints', 'x', '2');
      mesh.put('cluster', 'x', '2', { children: ['x'] });
    });
    expect(spelled(rig.settle(client))).toEqual(['cluster +x@2', 'endpoints +x@2', 'listener +l@2', 'routes +r@2']);
  });

  it('that moves routes to a new cluster breaks nothing on the way (xds-protocol/X55, policy/P346)', () => {
    const rig = meshRig();
    const client = rig.bootedClient(['x'], ['r']);
    rig.mesh.change((mesh) => {
      mesh.remove('cluster', 'x');
      mesh.put('cluster', 'y', '1', { children: ['y'] });
      mesh.put('endpoints', 'y', '1');
      mesh.put('routes', 'r', 'to-y');
    });
    const added = rig.settle(client);
    expect(spelled(added)).toEqual(['cluster +y@1', 'endpoints +y@1']);
    const [clusters, endpoints] = added;
    if (endpoints !== undefined) client.ack(endpoints);
    expect(rig.settle(client)).toEqual([]);
    if (clusters !== undefined) client.ack(clusters);
    const [routes, ...others] = rig.settle(client);
    expect(spelled([...(routes ? [routes] : []), ...others])).toEqual(['routes +r@to-y']);
    rig.clock.advance(60_000);
    expect(client.take()).toEqual([]);
    if (routes !== undefined) client.ack(routes);
    expect(spelled(rig.exchange(client))).toEqual(['cluster -x']);
  });

  it('is at once for routes that need no new cluster', () => {
    const rig = meshRig();
    const client = rig.bootedClient(['x'], ['r']);
    rig.mesh.change((mesh) => {
      mesh.put('cluster', 'x', '2', { children: ['x'] });
      mesh.put('routes', 'r', '2');
    });
    expect(spelled(rig.settle(client))).toEqual(['cluster +x@2', 'endpoints +x@1', 'routes +r@2']);
  });
});

describe('routes that need a new cluster', () => {
  it('wait for its ACK, and other routes do not (xds-protocol/X57, hot-path/H611)', () => {
    const rig = meshRig();
    rig.mesh.put('routes', 'other', 'to-x');
    const client = rig.bootedClient(['x'], ['r', 'other']);
    rig.mesh.change((mesh) => {
      mesh.put('cluster', 'y', '1');
      mesh.put('routes', 'r', 'to-y');
      mesh.put('routes', 'other', 'elsewhere-to-x');
    });
    const [clusters, ...others] = rig.settle(client);
    expect(spelled(others)).toEqual(['routes +other@elsewhere-to-x']);
    for (const answer of others) client.ack(answer);
    expect(rig.settle(client)).toEqual([]);
    if (clusters !== undefined) client.ack(clusters);
    expect(spelled(rig.exchange(client))).toEqual(['routes +r@to-y']);
  });

  it('do not wait for other new clusters (xds-protocol/X57, hot-path/H611)', () => {
    const rig = meshRig();
    const client = rig.bootedClient(['x'], ['r']);
    rig.mesh.put('cluster', 'slow-to-warm', '1');
    rig.settle(client);
    rig.mesh.put('routes', 'r', 'to-x-again');
    expect(spelled(rig.settle(client))).toEqual(['routes +r@to-x-again']);
  });

  it('wait for its ACK no longer than 20 s (xds-protocol/X57)', () => {
    const rig = meshRig();
    const client = rig.bootedClient(['x'], ['r']);
    rig.mesh.change((mesh) => {
      mesh.put('cluster', 'y', '1');
      mesh.put('routes', 'r', 'to-y');
    });
    expect(spelled(rig.settle(client))).toEqual(['cluster +y@1']);
    rig.clock.advance(19_999);
    expect(client.take()).toEqual([]);
    rig.clock.advance(1);
    expect(spelled(client.take())).toEqual(['routes +r@to-y']);
  });

  it('have their 20 s each time anew (xds-protocol/X57)', () => {
    const rig = meshRig();
    const client = rig.bootedClient(['x'], ['r']);
    for (const name of ['y', 'z']) {
      rig.mesh.change((mesh) => {
        mesh.put('cluster', name, '1');
        mesh.put('routes', 'r', `to-${name}`);
      });
      const [clusters] = rig.settle(client);
      rig.clock.advance(15_000);
      expect(client.take()).toEqual([]);
      if (clusters !== undefined) client.ack(clusters);
      expect(spelled(rig.exchange(client))).toEqual([`routes +r@to-${name}`]);
    }
  });

  it('do not wait on streams that ask for clusters by name (xds-protocol/X57)', () => {
    const rig = meshRig();
    const client = rig.client();
    client.request('listener', { node: { id: 'sidecar~10.0.0.1~a.b~b.svc.c' }, resourceNamesSubscribe: ['l'] });
    client.request('routes', { resourceNamesSubscribe: ['r'] });
    client.request('cluster', { resourceNamesSubscribe: ['x'] });
    expect(spelled(rig.settle(client))).toEqual(['cluster +x@1', 'listener +l@1', 'routes +r@to-x']);
  });
});

describe('a route that waits for a new cluster', () => {
  it('keeps the cluster that it leaves, whatever other routes were confirmed meanwhile (xds-protocol/X55, policy/P346)', () => {
    const rig = meshRig();
    rig.mesh.put('routes', 'other', '1');
    const client = rig.bootedClient(['x'], ['r', 'other']);
    rig.mesh.change((mesh) => {
      mesh.put('cluster', 'y', '1');
      mesh.put('routes', 'r', 'to-y');
      mesh.put('routes', 'other', '2');
      mesh.remove('cluster', 'x');
    });
    const [clusters, other] = rig.settle(client);
    if (other !== undefined) client.ack(other);
    expect(rig.settle(client)).toEqual([]);
    if (clusters !== undefined) client.ack(clusters);
    const [routes, ...more] = rig.settle(client);
    expect([routes?.resources, more]).toEqual([['r@to-y'], []]);
    if (routes !== undefined) client.ack(routes);
    expect(spelled(rig.exchange(client))).toEqual(['cluster -x']);
  });
});

describe('load assignments', () => {
  it('do not wait for the ACK of clusters (xds-protocol/X56, xds-protocol/X104)', () => {
    const rig = meshRig();
    const client = rig.bootedClient(['x'], ['r']);
    rig.mesh.put('cluster', 'x', '2', { children: ['x'] });
    const [clusters, endpoints] = rig.settle(client);
    if (endpoints !== undefined) client.ack(endpoints);
    rig.mesh.put('endpoints', 'x', '2');
    expect(spelled(rig.exchange(client))).toEqual(['endpoints +x@2']);
    if (clusters !== undefined) client.ack(clusters);
    expect(rig.exchange(client)).toEqual([]);
  });

  it('follow a second cluster that shares them (xds-protocol/X66)', () => {
    const rig = meshRig();
    const client = rig.bootedClient(['x'], ['r']);
    rig.mesh.put('cluster', 'second', '1', { children: ['x'] });
    expect(spelled(rig.settle(client))).toEqual(['cluster +second@1', 'endpoints +x@1']);
  });

  it('follow only clusters that changed (xds-protocol/X129, hot-path/H612)', () => {
    const rig = meshRig();
    rig.mesh.put('cluster', 'other', '1', { children: ['other'] });
    rig.mesh.put('endpoints', 'other', '1');
    const client = rig.bootedClient(['x', 'other'], ['r']);
    rig.mesh.put('cluster', 'other', '2', { children: ['other'] });
    expect(spelled(rig.exchange(client))).toEqual(['cluster +other@2', 'endpoints +other@1']);
  });

  it('are not pushed before the client has asked for any (xds-protocol/X303)', () => {
    const rig = meshRig();
    const client = rig.client();
    client.request('cluster', { node: { id: 'sidecar~10.0.0.1~a.b~b.svc.c' } });
    expect(spelled(rig.exchange(client))).toEqual(['cluster +x@1']);
  });

  it('follow a changed cluster when the client comes back and holds them (xds-protocol/X60)', () => {
    const rig = meshRig();
    const client = rig.bootedClient(['x'], ['r']);
    const held = { x: aResource('endpoints', 'x', '1').version };
    client.leave({ kind: 'broken', detail: 'gone' });
    rig.mesh.put('cluster', 'x', '2', { children: ['x'] });
    const again = rig.client();
    again.request('cluster', { node: { id: 'sidecar~10.0.0.1~a.b~b.svc.c' }, initialResourceVersions: { x: 'old' } });
    again.request('endpoints', { resourceNamesSubscribe: ['x'], initialResourceVersions: held });
    expect(spelled(rig.exchange(again))).toEqual(['cluster +x@2', 'endpoints +x@1']);
  });
});

describe('route configurations', () => {
  it('follow a changed listener that names them (xds-protocol/X64)', () => {
    const rig = meshRig();
    const client = rig.bootedClient(['x'], ['r']);
    rig.mesh.put('listener', 'l', '2', { children: ['r', 'unasked'] });
    expect(spelled(rig.exchange(client))).toEqual(['listener +l@2', 'routes +r@to-x']);
  });
});

describe('secrets', () => {
  it('that a proxy may not have do not exist for it, whoever it is (xds-protocol/X79)', () => {
    const rig = meshRig();
    rig.mesh.put('secret', 'of-another', 'private key');
    const client = rig.bootedClient(['x'], ['r']);
    client.request('secret', { resourceNamesSubscribe: ['of-another'] });
    expect(spelled(rig.exchange(client))).toEqual(['secret -of-another']);
  });
});

describe('the removal of a cluster', () => {
  it('waits while the client refuses routes (xds-protocol/X55)', () => {
    const rig = meshRig();
    const client = rig.bootedClient(['x'], ['r']);
    rig.mesh.put('routes', 'r', 'bad');
    const [routes] = rig.settle(client);
    if (routes !== undefined) client.nack(routes, 'route r: no');
    rig.mesh.remove('cluster', 'x');
    rig.clock.advance(600_000);
    expect(client.take()).toEqual([]);
    rig.mesh.put('routes', 'r', 'good');
    expect(spelled(rig.exchange(client))).toEqual(['routes +r@good', 'cluster -x']);
  });

  it('is not held up for ever by routes that go on changing (xds-protocol/X55)', () => {
    const rig = meshRig();
    const client = rig.bootedClient(['x'], ['r']);
    rig.mesh.put('routes', 'r', '0');
    rig.mesh.remove('cluster', 'x');
    const seen: string[] = [];
    for (let round = 1; round <= 3; round++) {
      const answers = rig.settle(client);
      seen.push(...spelled(answers));
      rig.mesh.put('routes', 'r', String(round));
      for (const answer of answers) client.ack(answer);
    }
    expect(seen).toContain('cluster -x');
  });

  it('goes without routes on a client that has asked for no listeners for 5 s', () => {
    const rig = meshRig();
    const client = rig.client();
    client.request('cluster', { node: { id: 'sidecar~10.0.0.1~a.b~b.svc.c' } });
    rig.exchange(client);
    rig.mesh.remove('cluster', 'x');
    rig.clock.advance(4_999);
    expect(client.take()).toEqual([]);
    rig.clock.advance(1);
    expect(spelled(client.take())).toEqual(['cluster -x']);
  });

  it('waits on a client that comes back until it has confirmed its routes (xds-protocol/X55)', () => {
    const rig = meshRig();
    const client = rig.client();
    client.request('cluster', { node: { id: 'sidecar~10.0.0.1~a.b~b.svc.c' }, initialResourceVersions: { gone: '1' } });
    expect(spelled(rig.exchange(client))).toEqual(['cluster +x@1']);
    client.request('listener', { initialResourceVersions: { l: 'old' } });
    client.request('routes', { resourceNamesSubscribe: ['r'], initialResourceVersions: { r: 'old' } });
    const answers = rig.settle(client);
    expect(spelled(answers)).toEqual(['listener +l@1', 'routes +r@to-x']);
    for (const answer of answers) client.ack(answer);
    expect(spelled(rig.exchange(client))).toEqual([]);
    // The listener that was replaced serves what is connected to it until then.
    rig.clock.advance(600_000);
    expect(spelled(rig.exchange(client))).toEqual(['cluster -gone']);
  });

  it('waits while a listener that may use it drains, and is no lack meanwhile (xds-protocol/X55)', () => {
    const rig = meshRig();
    const client = rig.bootedClient(['x'], ['r']);
    rig.mesh.change((mesh) => {
      mesh.remove('listener', 'l');
      mesh.remove('cluster', 'x');
    });
    expect(spelled(rig.exchange(client))).toEqual(['listener -l']);
    rig.clock.advance(599_000);
    expect(spelled(rig.exchange(client))).toEqual([]);
    expect(rig.server.proxies()[0]?.types.map(({ state }) => state)).toEqual(['synced', 'synced', 'synced', 'synced']);
    rig.clock.advance(1_000);
    expect(spelled(rig.exchange(client))).toEqual(['cluster -x']);
  });
});

describe('a transport that is full', () => {
  it('is sent nothing more until it drains, and then what is newest (xds-protocol/X68, hot-path/H608)', () => {
    const rig = meshRig();
    const client = rig.bootedClient(['x'], ['r']);
    client.isFull = true;
    rig.mesh.put('endpoints', 'x', '2');
    const [first] = rig.settle(client);
    if (first !== undefined) client.ack(first);
    for (const content of ['3', '4', '5']) {
      rig.mesh.put('endpoints', 'x', content);
      expect(rig.settle(client)).toEqual([]);
    }
    client.drain();
    expect(spelled(rig.exchange(client))).toEqual(['endpoints +x@5']);
  });

  it('is one client, and the others go on (hot-path/H616)', () => {
    const rig = meshRig();
    const stalled = rig.bootedClient(['x'], ['r']);
    const other = rig.bootedClient(['x'], ['r']);
    stalled.isFull = true;
    for (const content of ['2', '3', '4']) {
      rig.mesh.put('endpoints', 'x', content);
      expect(spelled(rig.exchange(other))).toEqual([`endpoints +x@${content}`]);
    }
    expect(stalled.answers).toHaveLength(1);
  });
});

describe('a proxy that belongs elsewhere from now on', () => {
  it('is sent what differs there (hot-path/H215)', () => {
    const rig = meshRig();
    for (const type of ['cluster', 'endpoints', 'listener', 'routes'] as const) {
      rig.mesh.put(type, type === 'listener' ? 'l' : type === 'routes' ? 'r' : 'x', '1', { scope: 'other' });
    }
    const client = rig.bootedClient(['x'], ['r'], 'sidecar~10.0.0.1~a.b~b.svc.c');
    rig.mesh.place('sidecar~10.0.0.1~a.b~b.svc.c', scopesNamed('other'));
    expect(spelled(rig.exchange(client))).toEqual(['routes +r@1']);
    rig.mesh.put('routes', 'r', 'unseen');
    expect(rig.exchange(client)).toEqual([]);
  });
});
