import { afterEach, describe, expect, it } from 'vitest';
import {
  aDefinition,
  aKubernetesPod,
  aKubernetesService,
  aNamespace,
  aSliceOf,
  aVirtualService,
  basics,
  HandFedCluster,
  HandFedServer,
} from '../../../test/support/hand-fed-cluster.ts';
import type { ConfigObject } from '../../model/config-object.ts';
import type { Violation } from '../../model/provenance.ts';
import { configs, endpointShards, namespaces, services, sourceProblems, workloads } from '../../model/tables.ts';
import { readLabelSelector, type LabelSelector } from './label-selector.ts';

const definitions = 'customresourcedefinitions.apiextensions.k8s.io';
const virtualServices = 'virtualservices.networking.istio.io';
const started: HandFedCluster[] = [];

function aCluster(options: ConstructorParameters<typeof HandFedCluster>[0] = {}): HandFedCluster {
  const cluster = new HandFedCluster(options).start();
  started.push(cluster);
  return cluster;
}

afterEach(async () => {
  for (const cluster of started.splice(0)) await cluster.stop();
});

describe('rows', () => {
  it('come of all objects of a turn at once, and go with them', () => {
    const cluster = aCluster();
    const before = cluster.rows.commits.length;
    cluster.server.put('services', aKubernetesService('web'), aKubernetesService('api'));
    expect(cluster.rows.commits.length).toBe(before + 1);
    expect(cluster.rows.keys(services)).toEqual(['shop/api.shop.svc.cluster.local', 'shop/web.shop.svc.cluster.local']);
    cluster.server.remove('services', 'shop/api');
    expect(cluster.rows.keys(services)).toEqual(['shop/web.shop.svc.cluster.local']);
  });

  it('move when an object becomes another one’s', () => {
    const cluster = aCluster();
    cluster.server.put('endpointslices.discovery.k8s.io', aSliceOf('web', ['10.0.0.1']));
    const moved = aSliceOf('web', ['10.0.0.1']);
    const metadata = { name: 'web-x', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'api' } };
    cluster.server.put('endpointslices.discovery.k8s.io', { ...moved, metadata });
    expect(cluster.rows.keys(endpointShards)).toEqual(['shop/api.shop.svc.cluster.local kubernetes/slices/web-x']);
  });

  it('kubernetes/K74, kubernetes/K23: hold nothing of an object but what is read of it, and what many have in common once', () => {
    const cluster = aCluster();
    cluster.server.synced(definitions, ...basics);
    const two = ['a', 'b'].map((name) => ({ ...aKubernetesPod(name, '10.0.0.1'), metadata: metadataOf(name) }));
    cluster.server.put('pods', ...two);
    const [a, b] = [...cluster.rows.engine.rows(workloads)];
    expect(JSON.stringify(a)).not.toContain('managedFields');
    expect(a?.labels).toBe(b?.labels);
  });

  it('are not written again where what changed is not read', () => {
    const cluster = aCluster();
    cluster.server.put('services', aKubernetesService('web'));
    const before = cluster.rows.commits.length;
    cluster.server.put('services', { ...aKubernetesService('web'), status: { loadBalancer: {} } });
    expect(cluster.rows.commits.length).toBe(before);
  });

  it('kubernetes/K117: of pods carry the name of their cluster', () => {
    const cluster = aCluster({ name: 'east' });
    cluster.server.synced(definitions, ...basics);
    cluster.server.put('pods', aKubernetesPod('web', '10.0.0.1'));
    const [row] = [...cluster.rows.engine.rows(workloads)];
    expect(row).toMatchObject({ key: 'east/shop/web', node: 'east/n1' });
    expect(row?.labels).toEqual({ app: 'web', 'topology.istio.io/cluster': 'east' });
  });
});

describe('what does not decode', () => {
  const broken = aKubernetesService('web', 'shop', 99_999);

  it('keeps what was in force, and is said with object, field and advice', () => {
    const cluster = aCluster();
    cluster.server.put('services', aKubernetesService('web'));
    cluster.server.put('services', broken);
    expect(cluster.rows.problems).toEqual(['Service shop/web WEIR1004 spec.ports[0].port']);
    expect([...cluster.rows.engine.rows(sourceProblems)][0]).toMatchObject({
      source: 'kubernetes',
      keptLastGood: true,
    });
    expect([...cluster.rows.engine.rows(services)][0]?.ports[0]?.number).toBe(80);
    cluster.server.put('services', aKubernetesService('web', 'shop', 81));
    expect(cluster.rows.problems).toEqual([]);
    expect([...cluster.rows.engine.rows(services)][0]?.ports[0]?.number).toBe(81);
  });

  it('is no problem any more when the object is deleted', () => {
    const cluster = aCluster();
    cluster.server.put('services', broken);
    expect([...cluster.rows.engine.rows(sourceProblems)][0]).toMatchObject({ keptLastGood: false });
    cluster.server.remove('services', 'shop/web');
    expect(cluster.rows.problems).toEqual([]);
  });

  it('is what the dialects refuse, too', () => {
    const violation: Violation = {
      severity: 'error',
      code: 'WEIR1105',
      path: 'spec.http[0]',
      message: 'is wrong',
      advice: 'make it right',
    };
    const admit = ({ spec }: ConfigObject) => (JSON.stringify(spec).includes('bad') ? [violation] : []);
    const cluster = aCluster({ admit });
    cluster.server.put(definitions, aDefinition(virtualServices));
    cluster.server.put(virtualServices, aVirtualService('web'), aVirtualService('bad'));
    expect(cluster.rows.keys(configs)).toEqual(['networking.istio.io/VirtualService shop/web']);
    expect(cluster.rows.problems).toEqual(['VirtualService shop/bad WEIR1105 spec.http[0]']);
    const generation = (): unknown =>
      [...cluster.rows.engine.rows(sourceProblems)].map(
        ({ place }) => place.kind === 'object' && place.object.generation,
      );
    expect(generation()).toEqual([3]);
    const { metadata, spec } = aVirtualService('bad') as { readonly metadata: object; readonly spec: object };
    cluster.server.put(virtualServices, { metadata: { ...metadata, generation: 4 }, spec });
    expect(generation()).toEqual([4]);
  });
});

describe('freshness', () => {
  it('is unknown until every kind has been read once', () => {
    const cluster = aCluster();
    expect(cluster.sourceRow).toMatchObject({ freshness: 'unknown', kind: 'kubernetes', target: 'https://api' });
    cluster.server.synced(definitions, 'namespaces', 'services', 'endpointslices.discovery.k8s.io');
    expect(cluster.sourceRow).toMatchObject({ freshness: 'unknown', reason: 'waiting for nodes' });
    cluster.server.synced('nodes');
    expect(cluster.sourceRow).toMatchObject({ freshness: 'unknown', reason: 'waiting for pods' });
    cluster.server.synced('pods');
    expect(cluster.sourceRow).toMatchObject({ freshness: 'synced' });
    expect(cluster.sourceRow?.reason).toBeUndefined();
  });

  it('reliability/R1: is stale, and nothing is removed, while a kind is not heard of', () => {
    const cluster = aCluster();
    cluster.server.put('services', aKubernetesService('web'));
    cluster.server.syncAll();
    cluster.server.health('services', { kind: 'stale', reason: 'nothing heard for 4 minutes' });
    expect(cluster.sourceRow).toMatchObject({
      freshness: 'stale',
      reason: 'services: nothing heard for 4 minutes',
    });
    expect(cluster.rows.keys(services)).toEqual(['shop/web.shop.svc.cluster.local']);
    cluster.server.health('services', { kind: 'following' });
    expect(cluster.sourceRow?.freshness).toBe('synced');
  });

  it('reliability/SC9: is stale, and nothing is removed, while its server is not to be believed', async () => {
    const server = new HandFedServer();
    let doubt: (reason: string | undefined) => void = () => undefined;
    const cluster = aCluster({
      connect: () => ({
        server: 'https://api',
        reflect: server.reflect,
        probe: (doubted, signal) => {
          doubt = doubted;
          return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
        },
      }),
    });
    server.put('services', aKubernetesService('web'));
    server.syncAll();
    doubt('no read for 60 s');
    expect(cluster.sourceRow).toMatchObject({ freshness: 'stale', reason: 'no read for 60 s' });
    expect(cluster.rows.keys(services)).toEqual(['shop/web.shop.svc.cluster.local']);
    doubt(undefined);
    expect(cluster.sourceRow?.freshness).toBe('synced');
    await cluster.stop();
    doubt('too late');
    expect(cluster.sourceRow?.freshness).toBe('synced');
  });

  it('kubernetes/K53: names the rights that are missing, and needs no restart when they are given', () => {
    const cluster = aCluster();
    cluster.server.synced(definitions, ...basics);
    cluster.server.health('pods', { kind: 'forbidden', reason: 'User "weir" cannot list resource "pods"' });
    expect(cluster.sourceRow).toMatchObject({
      freshness: 'unknown',
      reason: 'pods: User "weir" cannot list resource "pods"',
    });
    expect([...cluster.rows.engine.rows(sourceProblems)]).toMatchObject([
      {
        code: 'WEIR2103',
        place: { kind: 'resource', resource: 'pods' },
        advice: 'grant the account that Weir runs as the verbs list and watch on pods',
      },
    ]);
    cluster.server.synced('pods');
    expect(cluster.rows.problems).toEqual([]);
    expect(cluster.sourceRow?.freshness).toBe('synced');
  });

  it('shows each kind', () => {
    const cluster = aCluster();
    cluster.server.put('services', aKubernetesService('web'));
    cluster.server.health('nodes', { kind: 'unknown', reason: 'connection refused' });
    expect(cluster.sourceRow?.kinds).toContainEqual({ kind: 'Service', state: 'unknown', objects: 1 });
    expect(cluster.sourceRow?.kinds).toContainEqual({
      kind: 'Node',
      state: 'unknown',
      reason: 'connection refused',
      objects: 0,
    });
    expect(cluster.sourceRow).toMatchObject({ objects: 1, reason: 'nodes: connection refused' });
  });
});

describe('pods', () => {
  it('kubernetes/K25: are asked for last, and endpoints do not wait for them', () => {
    const cluster = aCluster();
    cluster.server.put('endpointslices.discovery.k8s.io', aSliceOf('web', ['10.0.0.1']));
    expect(cluster.server.followed).not.toContain('pods v1');
    expect(cluster.rows.keys(endpointShards)).toHaveLength(1);
    cluster.server.synced(definitions, ...basics.slice(1));
    expect(cluster.server.followed).not.toContain('pods v1');
    cluster.server.synced('namespaces');
    expect(cluster.server.followed).toContain('pods v1');
  });

  it('kubernetes/K72: that have finished are left out at the server', () => {
    const cluster = aCluster();
    cluster.server.synced(definitions, ...basics);
    expect(cluster.server.selection('pods').fieldSelector).toBe('status.phase!=Failed,status.phase!=Succeeded');
  });

  it('are asked for although something else is refused', () => {
    const cluster = aCluster();
    cluster.server.health('nodes', { kind: 'forbidden', reason: 'no' });
    cluster.server.synced(definitions, 'namespaces', 'services', 'endpointslices.discovery.k8s.io');
    expect(cluster.server.followed).toContain('pods v1');
  });
});

describe('kinds that need a definition', () => {
  it('kubernetes/K54: are known to be absent, and are followed as soon as they are defined', () => {
    const cluster = aCluster();
    cluster.server.syncAll();
    expect(cluster.sourceRow?.freshness).toBe('synced');
    expect(cluster.sourceRow?.kinds).toContainEqual({
      kind: 'networking.istio.io/VirtualService',
      state: 'absent',
      reason: 'the cluster has no such kind',
      objects: 0,
    });
    cluster.server.put(definitions, aDefinition(virtualServices, ['v1'], false));
    expect(cluster.server.followed).not.toContain(`${virtualServices} v1`);
    cluster.server.put(definitions, aDefinition(virtualServices, ['v1']));
    expect(cluster.server.followed).toContain(`${virtualServices} v1`);
    cluster.server.put(virtualServices, aVirtualService('web'));
    expect(cluster.rows.keys(configs)).toEqual(['networking.istio.io/VirtualService shop/web']);
    expect(cluster.sourceRow?.freshness).toBe('synced');
  });

  it('are waited for when they are defined from the start', () => {
    const cluster = aCluster();
    cluster.server.put(definitions, aDefinition(virtualServices));
    cluster.server.synced(definitions, ...basics, virtualServices);
    cluster.server.synced('pods');
    expect(cluster.sourceRow?.freshness).toBe('synced');
    const other = aCluster();
    other.server.put(definitions, aDefinition(virtualServices));
    other.server.synced(definitions, ...basics);
    expect(other.sourceRow).toMatchObject({ freshness: 'unknown', reason: `waiting for ${virtualServices}` });
  });

  it('go with their definition', () => {
    const cluster = aCluster();
    cluster.server.put(definitions, aDefinition(virtualServices));
    cluster.server.put(virtualServices, aVirtualService('web'));
    cluster.server.remove(definitions, virtualServices);
    expect(cluster.rows.keys(configs)).toEqual([]);
    expect(cluster.server.followed).not.toContain(`${virtualServices} v1`);
  });

  it('are read in the best version, and another one takes over without a gap', () => {
    const cluster = aCluster();
    cluster.server.put(definitions, aDefinition(virtualServices, ['v1alpha3', 'v1beta1']));
    expect(cluster.server.followed).toContain(`${virtualServices} v1beta1`);
    cluster.server.put(virtualServices, aVirtualService('web'), aVirtualService('old'));
    cluster.server.put(definitions, aDefinition(virtualServices, ['v1beta1', 'v1']));
    expect(cluster.server.followed).toContain(`${virtualServices} v1`);
    expect(cluster.rows.keys(configs)).toHaveLength(2);
    cluster.server.put(virtualServices, aVirtualService('web'));
    cluster.server.synced(virtualServices);
    expect(cluster.rows.keys(configs)).toEqual(['networking.istio.io/VirtualService shop/web']);
  });

  it('are said when no version can be read, and keep what was in force', () => {
    const cluster = aCluster();
    cluster.server.put(definitions, aDefinition(virtualServices));
    cluster.server.put(virtualServices, aVirtualService('web'));
    cluster.server.put(definitions, aDefinition(virtualServices, ['v2']));
    expect(cluster.rows.problems).toEqual([`${virtualServices} WEIR2009 spec.versions`]);
    expect(cluster.rows.keys(configs)).toHaveLength(1);
  });

  it('keep the generation that the server counts, and lose kubectl’s copy of the object', () => {
    const cluster = aCluster();
    cluster.server.put(definitions, aDefinition(virtualServices));
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', note: 'x' };
    const metadata = { name: 'web', namespace: 'shop', generation: 3, annotations };
    cluster.server.put(virtualServices, { metadata, spec: {} });
    cluster.server.put(virtualServices, { metadata: { ...metadata, labels: { team: 'a' } }, spec: {} });
    expect([...cluster.rows.engine.rows(configs)]).toMatchObject([
      { generation: 3, labels: { team: 'a' }, annotations: { note: 'x' } },
    ]);
    expect([...cluster.rows.engine.rows(configs)][0]?.annotations).toEqual({ note: 'x' });
  });

  it('of a cluster whose rules do not count are not followed', () => {
    const cluster = aCluster({ rules: undefined });
    expect(cluster.server.followed).toEqual([...basics].map((name) => `${name} v1`).toSorted());
    cluster.server.synced(...basics);
    cluster.server.synced('pods');
    expect(cluster.sourceRow?.freshness).toBe('synced');
  });
});

describe('settings of the mesh', () => {
  const options = { rules: { meshConfig: { namespace: 'weir-system', name: 'mesh' } } };
  const title = 'configmaps in weir-system';
  const configMap = (mesh: string) => ({ metadata: { name: 'mesh', namespace: 'weir-system' }, data: { mesh } });

  it('are those of the ConfigMap that is named', () => {
    const cluster = aCluster(options);
    expect(cluster.server.selection(title).fieldSelector).toBe('metadata.name=mesh');
    cluster.server.put(title, configMap('accessLogFile: /dev/stdout'));
    expect([...cluster.rows.engine.rows(configs)]).toMatchObject([
      { kind: 'mesh.istio.io/MeshConfig', spec: { accessLogFile: '/dev/stdout' } },
    ]);
  });

  it('keep what was in force while the text is broken', () => {
    const cluster = aCluster(options);
    cluster.server.put(title, configMap('accessLogFile: /dev/stdout'));
    cluster.server.put(title, configMap('accessLogFile: ['));
    expect(cluster.rows.problems).toEqual(['ConfigMap weir-system/mesh WEIR2006 data.mesh']);
    expect(cluster.rows.keys(configs)).toHaveLength(1);
  });
});

describe('namespaces', () => {
  it('that are named are the only ones that are asked for', () => {
    const cluster = aCluster({ namespaces: { names: ['shop', 'bank'] } });
    expect(cluster.server.followed).toContain('services in shop v1');
    expect(cluster.server.followed).toContain('services in bank v1');
    expect(cluster.server.followed).not.toContain('services v1');
    cluster.server.put('namespaces', aNamespace('shop'), aNamespace('other'));
    expect(cluster.rows.keys(namespaces)).toEqual(['shop']);
  });

  it('that stop matching take their objects away, and bring them back', () => {
    const cluster = aCluster({ namespaces: { selector: selecting('weir=on') } });
    cluster.server.put('services', aKubernetesService('web'), aKubernetesService('api', 'bank'));
    expect(cluster.rows.keys(services)).toEqual([]);
    cluster.server.put('namespaces', aNamespace('shop', { weir: 'on' }), aNamespace('bank'));
    expect(cluster.rows.keys(services)).toEqual(['shop/web.shop.svc.cluster.local']);
    expect(cluster.rows.keys(namespaces)).toEqual(['shop']);
    cluster.server.put('namespaces', aNamespace('shop'));
    expect(cluster.rows.keys(services)).toEqual([]);
    cluster.server.put('services', aKubernetesService('late'));
    cluster.server.put('namespaces', aNamespace('shop', { weir: 'on' }));
    expect(cluster.rows.keys(services)).toHaveLength(2);
    expect(cluster.sourceRow?.objects).toBe(3);
    cluster.server.remove('namespaces', 'shop');
    expect(cluster.rows.keys(services)).toEqual([]);
    expect(cluster.sourceRow?.objects).toBe(0);
  });

  it('that do not match have no problems either', () => {
    const cluster = aCluster({ namespaces: { selector: selecting('weir=on') } });
    cluster.server.put('services', aKubernetesService('web', 'shop', 0));
    expect(cluster.rows.problems).toEqual([]);
    cluster.server.put('namespaces', aNamespace('shop', { weir: 'on' }));
    expect(cluster.rows.problems).toEqual(['Service shop/web WEIR1004 spec.ports[0].port']);
    cluster.server.put('namespaces', aNamespace('shop'));
    expect(cluster.rows.problems).toEqual([]);
  });
});

it('hears nothing of what it has stopped to follow', async () => {
  const cluster = aCluster();
  cluster.server.put(definitions, aDefinition(virtualServices));
  const late = aVirtualService('late');
  const feed = (): void => cluster.server.put(virtualServices, late);
  cluster.server.remove(definitions, virtualServices);
  expect(feed).toThrow('are not followed');
  await cluster.stop();
  expect(cluster.server.followed).toEqual([]);
});

function metadataOf(name: string) {
  const managedFields = [{ manager: 'kubelet', fieldsV1: {} }];
  return { name, namespace: 'shop', labels: { app: 'web' }, managedFields };
}

function selecting(text: string): LabelSelector {
  const reading = readLabelSelector(text);
  if (reading.kind === 'invalid') throw new Error(reading.part);
  return reading.selector;
}
