import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { configs, endpointShards, namespaces, services, workloads } from '../../src/model/tables.ts';
import { ApiServer } from '../support/api-server/api-server.ts';
import { kubeconfigOf } from '../support/api-server/keys.ts';
import { runKubelet } from '../support/api-server/kubelet.ts';
import { apiServerForTests } from '../support/api-server/programs.ts';
import { FollowedCluster } from '../support/followed-cluster.ts';

/** A real API server as a source. */

const programs = await apiServerForTests();

describe.skipIf(programs === undefined)('a real API server', () => {
  let server: ApiServer;
  const followed: FollowedCluster[] = [];
  const kubelet = new AbortController();
  let kubeletEnded: Promise<void> = Promise.resolve();

  beforeAll(async () => {
    if (programs === undefined) return;
    server = await ApiServer.start({ programs });
    // It ends with the server that is killed.
    kubeletEnded = runKubelet(server.client, kubelet.signal).catch(() => undefined);
  }, 120_000);

  afterEach(async () => {
    for (const cluster of followed.splice(0)) await cluster.stop();
  });

  afterAll(async () => {
    kubelet.abort();
    await kubeletEnded;
    await server.stop();
  });

  async function follow(...options: Parameters<typeof FollowedCluster.start> | []): Promise<FollowedCluster> {
    const [kubeconfig = server.kubeconfig, flags] = options;
    const cluster = await FollowedCluster.start(kubeconfig, flags);
    followed.push(cluster);
    return cluster;
  }

  async function create(path: string, body: object): Promise<void> {
    await server.client.request({ method: 'POST', path, body });
  }

  async function patch(path: string, body: object): Promise<void> {
    const contentType = 'application/merge-patch+json';
    await server.client.request({ method: 'PATCH', path, body, contentType });
  }

  async function remove(path: string): Promise<void> {
    await server.client.request({ method: 'DELETE', path });
  }

  async function aNamespace(name: string, labels: Readonly<Record<string, string>> = {}): Promise<string> {
    await create('/api/v1/namespaces', { metadata: { name, labels } });
    return `/api/v1/namespaces/${name}`;
  }

  it('kubernetes/K77: becomes services, endpoints and the pods behind them, and each goes when it is deleted', async () => {
    const cluster = await follow();
    const shop = await aNamespace('shop');
    const selector = { app: 'web' };
    await create(`${shop}/services`, { metadata: { name: 'web' }, spec: { selector, ports: [{ port: 80 }] } });
    await create('/apis/apps/v1/namespaces/shop/deployments', {
      metadata: { name: 'web' },
      spec: {
        replicas: 2,
        selector: { matchLabels: selector },
        template: { metadata: { labels: selector }, spec: { containers: [{ name: 'web', image: 'web' }] } },
      },
    });
    const shardOfWeb = () =>
      [...cluster.engine.rows(endpointShards)].find(({ service }) => service === 'shop/web.shop.svc.cluster.local');
    await cluster.until(() => shardOfWeb()?.endpoints.filter(({ health }) => health === 'healthy').length === 2);
    await cluster.until(() => cluster.source()?.freshness === 'synced');
    for (const { workload, node } of shardOfWeb()?.endpoints ?? []) {
      expect(cluster.keys(workloads)).toContain(workload);
      expect(node).toMatch(/^kubernetes\//);
    }
    await remove('/apis/apps/v1/namespaces/shop/deployments/web');
    await cluster.until(() => cluster.keys(workloads).length === 0);
    await remove(shop);
    await cluster.until(() => !cluster.keys(namespaces).includes('shop'));
    expect(cluster.keys(services).filter((key) => key.startsWith('shop/'))).toEqual([]);
    expect(cluster.problems).toEqual([]);
  }, 60_000);

  it('kubernetes/K54: has a kind as soon as it is defined, and loses it with its definition', async () => {
    const cluster = await follow();
    await cluster.until(() => cluster.source()?.freshness === 'synced');
    const stateOfKind = () =>
      cluster.source()?.kinds?.find(({ kind }) => kind === 'networking.istio.io/VirtualService')?.state;
    expect(stateOfKind()).toBe('absent');
    await create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', virtualServices);
    await cluster.until(() => stateOfKind() === 'following');
    await create('/apis/networking.istio.io/v1/namespaces/default/virtualservices', {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'web' },
      spec: { hosts: ['web'], http: [{ route: [{ destination: { host: 'web' } }] }] },
    });
    await cluster.until(() => cluster.keys(configs).length === 1);
    const path = '/apis/networking.istio.io/v1/namespaces/default/virtualservices/web';
    await patch(path, { spec: { http: [{ route: [{ destination: { host: 'web' }, weight: -5 }] }] } });
    await cluster.until(() => cluster.problems.length > 0);
    expect(cluster.problems).toEqual(['VirtualService default/web WEIR1105 spec.http[0].route[0].weight']);
    expect([...cluster.engine.rows(configs)][0]).toMatchObject({ generation: 1 });
    await remove('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/virtualservices.networking.istio.io');
    await cluster.until(() => cluster.keys(configs).length === 0 && stateOfKind() === 'absent');
    expect(cluster.problems).toEqual([]);
  }, 60_000);

  it('kubernetes/K53: that refuses says which rights are missing', async () => {
    const { body } = await server.client.request({
      method: 'POST',
      path: '/api/v1/namespaces/default/serviceaccounts/default/token',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
    });
    const { token } = (body as { readonly status: { readonly token: string } }).status;
    const cluster = await follow(kubeconfigOf(server.url, { ca: server.ca, token }));
    await cluster.until(() => cluster.problems.length === 6);
    expect(cluster.problems.toSorted()).toEqual([
      'customresourcedefinitions.apiextensions.k8s.io WEIR2103',
      'endpointslices.discovery.k8s.io WEIR2103',
      'namespaces WEIR2103',
      'nodes WEIR2103',
      'pods WEIR2103',
      'services WEIR2103',
    ]);
    expect(cluster.source()).toMatchObject({ freshness: 'unknown' });
    expect(cluster.source()?.reason).toMatch(/ cannot watch resource .* at the cluster scope, and 5 more$/);
  });

  it('kubernetes/K115, kubernetes/K117: named by a Secret is one more cluster, whose endpoints join those of the same service', async () => {
    const system = await aNamespace('weir-system');
    const both = await aNamespace('both');
    await create(`${both}/services`, { metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } });
    await create('/apis/discovery.k8s.io/v1/namespaces/both/endpointslices', {
      metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.1.2.3'] }],
    });
    const data = { east: Buffer.from(server.kubeconfig).toString('base64') };
    const labels = { 'weir.dev/remote-cluster': 'true' };
    await create(`${system}/secrets`, { metadata: { name: 'clusters', labels }, data });
    const cluster = await follow(server.kubeconfig, { kubernetesRemoteSecrets: 'weir-system' });
    await cluster.until(() => cluster.source('east')?.freshness === 'synced');
    await cluster.until(() => cluster.source('remote-clusters')?.freshness === 'synced');
    await cluster.until(() => cluster.source()?.freshness === 'synced');
    const web = 'both/web.both.svc.cluster.local';
    const shardsOfWeb = () => cluster.keys(endpointShards).filter((key) => key.startsWith(`${web} `));
    expect(shardsOfWeb()).toEqual([`${web} east/slices/web-1`, `${web} kubernetes/slices/web-1`]);
    await remove(`${system}/secrets/clusters`);
    await cluster.until(() => shardsOfWeb().length === 1);
    expect(cluster.source('east')).toBeUndefined();
    expect(cluster.keys(services)).toContain(web);
    expect(cluster.problems).toEqual([]);
  });

  it('kubernetes/K65: that is killed and started again takes nothing away that is still there', async () => {
    const kept = await aNamespace('kept');
    await create(`${kept}/services`, { metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } });
    const cluster = await follow();
    await cluster.until(() => cluster.source()?.freshness === 'synced');
    const before = cluster.keys(services);
    await server.restart('kube-apiserver');
    await create(`${kept}/services`, { metadata: { name: 'late' }, spec: { ports: [{ port: 80 }] } });
    await cluster.until(() => cluster.keys(services).length === before.length + 1);
    expect(cluster.removed.filter((row) => row.startsWith('services '))).toEqual([]);
    expect(cluster.source()?.freshness).toBe('synced');
  }, 60_000);
});

const virtualServices = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'virtualservices.networking.istio.io' },
  spec: {
    group: 'networking.istio.io',
    scope: 'Namespaced',
    names: {
      plural: 'virtualservices',
      singular: 'virtualservice',
      kind: 'VirtualService',
      listKind: 'VirtualServiceList',
    },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
