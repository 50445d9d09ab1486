import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/clocks.ts';
import { aMesh, aRouteDelivery, aService } from '../../test/support/mesh-rows.ts';
import { aNodeId, FakeClient, ServerRig, type Answer, type Wire } from '../../test/support/stream-rig.ts';
import { aResource, typeNamed } from '../../test/support/tiny-mesh.ts';
import { scopesOf } from '../policy/scope.ts';
import { resource, resourceNames } from './resources.ts';
import { XdsServer } from './server.ts';

/** `type +name@content -name`, in order of sending. */
function spelled(answers: readonly Answer[]): readonly string[] {
  return answers.map(({ type, resources, removed }) =>
    [type, ...resources.map((text) => `+${text}`), ...removed.map((name) => `-${name}`)].join(' '),
  );
}

/** A client that has a route configuration, `80`, and one virtual host for it. */
function bootedRig(): { readonly rig: ServerRig; readonly client: FakeClient } {
  const rig = new ServerRig();
  rig.mesh.change((mesh) => {
    mesh.put('cluster', 'x', '1', { children: ['x'] });
    mesh.put('listener', 'l', '1', { children: ['80'] });
    mesh.put('routes', '80', 'header', { children: ['80/a:80'] });
    mesh.put('virtualHosts', '80/a:80', 'to-x');
  });
  const client = rig.bootedClient(['x'], ['80']);
  client.request('virtualHosts');
  rig.exchange(client);
  return { rig, client };
}

describe('virtual hosts', () => {
  it('all go to the client that asks for none by name, and then each as it changes, comes and goes (xds-protocol/X310)', () => {
    const rig = new ServerRig();
    rig.mesh.put('virtualHosts', '80/a:80', '1');
    rig.mesh.put('virtualHosts', '80/b:80', '1');
    const client = rig.bootedClient();
    client.request('virtualHosts');
    expect(spelled(rig.exchange(client))).toEqual(['virtualHosts +80/a:80@1 +80/b:80@1']);
    rig.mesh.put('virtualHosts', '80/a:80', '2');
    expect(spelled(rig.exchange(client))).toEqual(['virtualHosts +80/a:80@2']);
    rig.mesh.put('virtualHosts', '80/c:80', '1');
    rig.mesh.remove('virtualHosts', '80/b:80');
    expect(spelled(rig.exchange(client))).toEqual(['virtualHosts +80/c:80@1 -80/b:80']);
  });

  it('are compared when the client comes back, also beside names that it once asked for', () => {
    const rig = new ServerRig();
    rig.mesh.put('virtualHosts', '80/a:80', '1');
    rig.mesh.put('virtualHosts', '80/b:80', '2');
    const client = rig.bootedClient();
    const held = aResource('virtualHosts', '80/a:80', '1').version;
    client.request('virtualHosts', {
      resourceNamesSubscribe: ['*', '80/a:80'],
      initialResourceVersions: { '80/a:80': held, '80/b:80': 'old', '80/gone:80': 'old' },
    });
    expect(spelled(rig.exchange(client))).toEqual(['virtualHosts +80/b:80@2 -80/gone:80']);
  });

  it('follow a route configuration that the client did not have, since it dropped those that came before (xds-protocol/X77)', () => {
    const { rig, client } = bootedRig();
    rig.mesh.put('virtualHosts', '90/a:90', '1');
    expect(spelled(rig.exchange(client))).toEqual(['virtualHosts +90/a:90@1']);
    rig.mesh.put('routes', '90', 'header', { children: ['90/a:90'] });
    client.request('routes', { resourceNamesSubscribe: ['90'] });
    expect(spelled(rig.exchange(client))).toEqual(['routes +90@header', 'virtualHosts +90/a:90@1']);
  });

  it('that name a new cluster wait until the client has it (xds-protocol/X57)', () => {
    const { rig, client } = bootedRig();
    rig.mesh.change((mesh) => {
      mesh.put('cluster', 'y', '1', { children: ['y'] });
      mesh.put('virtualHosts', '80/a:80', 'to-y', { children: [] });
    });
    const [clusters] = rig.settle(client);
    expect(spelled(clusters ? [clusters] : [])).toEqual(['cluster +y@1']);
    expect(rig.settle(client)).toEqual([]);
    if (clusters !== undefined) client.ack(clusters);
    expect(spelled(rig.exchange(client))).toEqual(['virtualHosts +80/a:80@to-y']);
  });

  it('let a cluster go only when the client has confirmed that they no longer name it (xds-protocol/X55)', () => {
    const { rig, client } = bootedRig();
    rig.mesh.change((mesh) => {
      mesh.remove('cluster', 'x');
      mesh.put('virtualHosts', '80/a:80', 'elsewhere');
    });
    const [hosts, ...others] = rig.settle(client);
    expect(spelled([...(hosts ? [hosts] : []), ...others])).toEqual(['virtualHosts +80/a:80@elsewhere']);
    if (hosts !== undefined) client.ack(hosts);
    expect(spelled(rig.exchange(client))).toEqual(['cluster -x']);
  });
});

describe('a virtual host that the client asks for', () => {
  it('and that does not exist is answered without a body, and comes when it exists (xds-protocol/X312)', () => {
    const { rig, client } = bootedRig();
    client.request('virtualHosts', { resourceNamesSubscribe: ['80/b.example:8080'] });
    expect(spelled(rig.exchange(client))).toEqual(['virtualHosts +80/b.example:8080@']);
    rig.mesh.put('virtualHosts', '80/b.example:8080', '1');
    expect(spelled(rig.exchange(client))).toEqual(['virtualHosts +80/b.example:8080@1']);
    rig.mesh.remove('virtualHosts', '80/b.example:8080');
    expect(spelled(rig.exchange(client))).toEqual(['virtualHosts -80/b.example:8080']);
  });
});

describe('a mesh whose virtual hosts come one by one', () => {
  const cart = '80/cart.shop.svc.cluster.local:80';
  const node = {
    id: aNodeId,
    userAgentName: 'envoy',
    userAgentBuildVersion: { version: { majorNumber: 1, minorNumber: 40, patch: 0 } },
  };

  function aServer(): { readonly server: XdsServer; readonly clock: ManualClock } {
    const clock = new ManualClock();
    const engine = aMesh(aRouteDelivery('virtual-hosts'), aService('cart'));
    const queries = { names: resourceNames, resource, scopes: scopesOf };
    const server = new XdsServer({ engine, queries, clock, identifier: 'weir/test' });
    server.open();
    return { server, clock };
  }

  /** Asks for a type by names, after what says who the client is. */
  function answers(
    type: string,
    names: readonly string[],
    more: { wire?: Wire; only?: string; as?: object } = {},
  ): readonly Answer[] {
    const { wire = 'delta', only, as = node } = more;
    const { server, clock } = aServer();
    const client = new FakeClient(wire);
    server.accept(client, wire, { only });
    if (wire === 'delta') client.request(type, { node: as, resourceNamesSubscribe: [...names] });
    else client.list(type, { node: as, resourceNames: [...names] });
    clock.settle();
    return client.take();
  }

  const namesOf = (found: readonly Answer[]): readonly string[] =>
    found.flatMap(({ resources }) => resources.map((text) => text.slice(0, text.indexOf('@'))));

  it('answers the first request with the hosts of the tables that the listeners name', () => {
    expect(namesOf(answers('virtualHosts', []))).toEqual(['80/*', cart]);
    expect(
      answers('routes', ['80'])
        .flatMap(({ resources }) => resources)
        .join(),
    ).not.toContain('cart');
  });

  it('has whole tables and no virtual hosts for those that cannot take them so (xds-protocol/X40, xds-protocol/X77)', () => {
    const { typeUrl } = typeNamed('routes');
    const older = { ...node, userAgentBuildVersion: { version: { majorNumber: 1, minorNumber: 39, patch: 0 } } };
    const foreign = [
      answers('routes', ['80'], { as: older }),
      answers('routes', ['80'], { as: { id: aNodeId, userAgentName: 'gRPC C-core' } }),
      answers('routes', ['80'], { only: typeUrl }),
      answers('routes', ['80'], { wire: 'sotw' }),
    ];
    for (const found of foreign) expect(found.flatMap(({ resources }) => resources).join()).toContain('cart');
    expect(answers('virtualHosts', [], { as: older })).toMatchObject([{ resources: [], removed: [] }]);
    expect(answers('virtualHosts', [], { wire: 'sotw' })).toMatchObject([{ resources: [] }]);
  });
});
