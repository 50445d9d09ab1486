import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  aDefinition,
  aKubernetesPod,
  aKubernetesService,
  aNamespace,
  aSliceOf,
  aVirtualService,
  HandFedCluster,
} from '../support/hand-fed-cluster.ts';
import { aProxy, put } from '../support/mesh-rows.ts';
import { touchedBy } from './views.ts';

/** What one change in a cluster sends again: services `cart` and `stock` in `shop`, a pod and a node behind `cart`, and one client. */

const slices = 'endpointslices.discovery.k8s.io';
const definitions = 'customresourcedefinitions.apiextensions.k8s.io';
const rules = ['virtualservices', 'destinationrules'].map((plural) => `${plural}.networking.istio.io`);
const [virtualServices = '', destinationRules = ''] = rules;

let cluster: HandFedCluster;

beforeEach(() => {
  cluster = new HandFedCluster().start();
  const { server } = cluster;
  server.put(definitions, ...rules.map((name) => aDefinition(name)));
  server.put('namespaces', aNamespace('shop'));
  server.put('services', aKubernetesService('cart'), aKubernetesService('stock'));
  server.put('nodes', aNode('n1', 'eu-1'));
  server.put(slices, sliceOfCart(['10.1.0.1', '10.1.0.2']), aSliceOf('stock', ['10.2.0.1']));
  server.put(destinationRules, subsetsOfCart);
  server.synced(definitions, ...rules);
  server.syncBasics();
  server.put('pods', aKubernetesPod('cart-1', '10.1.0.1'), aKubernetesPod('cart-2', '10.1.0.2'));
  put(cluster.rows.engine, aProxy('web-1'));
});

afterEach(() => cluster.stop());

function touched(change: (server: HandFedCluster['server']) => void): readonly string[] {
  return touchedBy(cluster.rows.engine, () => change(cluster.server))['web-1'] ?? [];
}

describe('a change that nobody needs to hear of sends nothing', () => {
  it('kubernetes/K74: the state of containers, the load of a node, who manages a field', () => {
    expect(
      touched((server) => {
        const pod = aKubernetesPod('cart-1', '10.1.0.1');
        server.put('pods', {
          ...pod,
          status: { ...(pod['status'] as object), containerStatuses: [{ restartCount: 7 }] },
        });
        server.put('nodes', { ...aNode('n1', 'eu-1'), status: { conditions: [{ type: 'MemoryPressure' }] } });
        server.put('services', { ...aKubernetesService('cart'), status: { loadBalancer: {} } });
      }),
    ).toEqual([]);
  });

  it('everything once more, as after the server was started again', () => {
    expect(
      touched((server) => {
        server.put('services', aKubernetesService('cart'), aKubernetesService('stock'));
        server.put(slices, sliceOfCart(['10.1.0.1', '10.1.0.2']));
        server.put(destinationRules, subsetsOfCart);
      }),
    ).toEqual([]);
  });
});

describe('a change sends what it is about and nothing else', () => {
  it('an EndpointSlice: the load assignments of its service', () => {
    expect(touched((server) => server.put(slices, sliceOfCart(['10.1.0.2'])))).toEqual([
      'endpoints outbound|80|v1|cart.shop.svc.cluster.local',
      'endpoints outbound|80||cart.shop.svc.cluster.local',
    ]);
  });

  it('kubernetes/K73: a pod that comes late: the subsets that it is in', () => {
    cluster.server.remove('pods', 'shop/cart-1');
    expect(touched((server) => server.put('pods', aKubernetesPod('cart-1', '10.1.0.1')))).toEqual([
      'endpoints outbound|80|v1|cart.shop.svc.cluster.local',
    ]);
  });

  it('a node that moves: the assignments with endpoints on it', () => {
    expect(touched((server) => server.put('nodes', aNode('n1', 'eu-2')))).toEqual([
      'endpoints outbound|80|v1|cart.shop.svc.cluster.local',
      'endpoints outbound|80||cart.shop.svc.cluster.local',
      'endpoints outbound|80||stock.shop.svc.cluster.local',
    ]);
  });

  it('a VirtualService: the routes of its port', () => {
    const http = [{ timeout: '2s', route: [{ destination: { host: 'cart' } }] }];
    expect(touched((server) => server.put(virtualServices, aVirtualService('cart', { http })))).toEqual(['routes 80']);
  });
});

const subsetsOfCart = {
  metadata: { name: 'cart', namespace: 'shop', generation: 1 },
  spec: { host: 'cart', subsets: [{ name: 'v1', labels: { app: 'cart-1' } }] },
};

function aNode(name: string, zone: string) {
  const labels = { 'topology.kubernetes.io/region': 'eu', 'topology.kubernetes.io/zone': zone };
  return { metadata: { name, labels } };
}

function sliceOfCart(addresses: readonly string[]) {
  const endpoints = addresses.map((address) => ({
    addresses: [address],
    nodeName: 'n1',
    targetRef: { kind: 'Pod', name: address === '10.1.0.1' ? 'cart-1' : 'cart-2' },
  }));
  return { ...aSliceOf('cart', []), endpoints };
}
