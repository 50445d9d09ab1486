import { randomUUID } from 'node:crypto';
import type { ApiClient } from '../../src/discovery/kubernetes/api/api-client.ts';
import { apiPath, type PathResource } from '../../src/discovery/kubernetes/api/api-path.ts';
import { isMapping } from '../../src/discovery/kubernetes/objects/object-rows.ts';
import type { ApiServer } from '../support/api-server/api-server.ts';
import { storeObjects, type StoredObject } from '../support/api-server/stored-objects.ts';

/**
 * A cluster of many services, each with a slice of ten endpoints and a pod behind each. Of each kind the API server makes the first object,
 * and the others are written into its store with all that it has added to that one.
 */

export interface ClusterWorld {
  readonly services: number;
}

const endpointsEach = 10;
const servicesPerNamespace = 100;
const nodes = 30;

type Content = Readonly<Record<string, unknown>>;

interface WorldKind {
  readonly resource: PathResource;
  /** Where the server keeps them: `services/specs`. */
  readonly stored: string;
  readonly count: (world: ClusterWorld) => number;
  /** As their author would write them. */
  readonly objectOf: (index: number) => Content & { readonly metadata: ObjectName };
  /** The server makes it by itself with an object of a kind before. */
  readonly followsFromOthers?: boolean;
  /** What somebody else writes into it when it is there. */
  readonly statusOf?: (index: number) => Content;
}

interface ObjectName {
  readonly name: string;
  readonly namespace?: string;
}

const core = { group: '', version: 'v1' };
const kinds: readonly WorldKind[] = [
  {
    resource: { ...core, plural: 'namespaces' },
    stored: 'namespaces',
    count: ({ services }) => Math.ceil(services / servicesPerNamespace),
    objectOf: (index) => ({
      metadata: { name: `ns-${index}`, labels: { 'kubernetes.io/metadata.name': `ns-${index}` } },
    }),
  },
  { resource: { ...core, plural: 'nodes' }, stored: 'minions', count: () => nodes, objectOf: nodeOf },
  {
    resource: { ...core, plural: 'services' },
    stored: 'services/specs',
    count: ({ services }) => services,
    objectOf: serviceOf,
  },
  // What the allocator knows of the address of a service: without it the server would repair 5,000 of them meanwhile.
  {
    resource: { group: 'networking.k8s.io', version: 'v1', plural: 'ipaddresses' },
    stored: 'ipaddresses',
    count: ({ services }) => services,
    objectOf: clusterAddressOf,
    followsFromOthers: true,
  },
  {
    resource: { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices' },
    stored: 'endpointslices',
    count: ({ services }) => services,
    objectOf: (index) => sliceOf(index),
  },
  {
    resource: { ...core, plural: 'pods' },
    stored: 'pods',
    count: ({ services }) => services * endpointsEach,
    objectOf: podOf,
    statusOf: podStatusOf,
  },
];

/** @returns what was written, by kind, and the bytes of all of it */
export async function fillCluster(
  { client, store }: ApiServer,
  world: ClusterWorld,
  say: (line: string) => void,
): Promise<{ readonly objects: number; readonly megabytes: number }> {
  let [objects, bytes] = [0, 0];
  for (const kind of kinds) {
    const first = await makeFirst(client, kind);
    const count = kind.count(world);
    bytes += await storeObjects(store, othersLike(first, kind, count));
    await mustBeComplete(client, kind, count, first);
    objects += count;
    say(`${count} ${kind.resource.plural} are stored`);
  }
  return { objects, megabytes: bytes / 1e6 };
}

/** The first object of a kind, by way of the server, as it came out of that. */
async function makeFirst(client: ApiClient, kind: WorldKind): Promise<Content> {
  const { resource, objectOf, statusOf, followsFromOthers = false } = kind;
  const body = objectOf(0);
  const { name, namespace } = body.metadata;
  const place = namespace === undefined ? {} : { namespace };
  const made = followsFromOthers
    ? await client.request({ path: apiPath(resource, { ...place, name }) })
    : await client.request({ method: 'POST', path: apiPath(resource, place), body });
  if (statusOf === undefined) return contentOf(made.body);
  const path = apiPath(resource, { ...place, name, subresource: 'status' });
  const contentType = 'application/merge-patch+json';
  const patched = await client.request({ method: 'PATCH', path, contentType, body: { status: statusOf(0) } });
  return contentOf(patched.body);
}

function* othersLike(first: Content, kind: WorldKind, count: number): Generator<StoredObject, void, void> {
  for (let index = 1; index < count; index++) {
    const { name, namespace } = kind.objectOf(index).metadata;
    const path = [kind.stored, ...(namespace === undefined ? [] : [namespace]), name].join('/');
    yield { path, text: JSON.stringify(likeFirst(first, kind, index)) };
  }
}

/** What the server would have made of another object of the kind. It gives the version itself when it reads the object. */
function likeFirst(first: Content, { objectOf, statusOf }: WorldKind, index: number): Content {
  const status = statusOf === undefined ? {} : { status: statusOf(index) };
  const metadata = { uid: randomUUID(), resourceVersion: undefined };
  return overlaid(overlaid(first, { ...objectOf(index), ...status }), { metadata });
}

/** The server has all of them, and the last one with everything that it gave the first. */
async function mustBeComplete(client: ApiClient, kind: WorldKind, count: number, first: Content): Promise<void> {
  const { resource, objectOf } = kind;
  const { body } = await client.request({ path: apiPath(resource), query: { limit: '1' } });
  const { remainingItemCount } = contentOf(contentOf(body)['metadata']);
  const found = 1 + (typeof remainingItemCount === 'number' ? remainingItemCount : 0);
  if (found < count) throw new Error(`the API server has ${found} ${resource.plural} of ${count}`);
  const { name, namespace } = objectOf(count - 1).metadata;
  const path = apiPath(resource, { name, ...(namespace === undefined ? {} : { namespace }) });
  const last = contentOf((await client.request({ path })).body);
  const missing = [...fieldsOf(first)].filter((field) => !new Set(fieldsOf(last)).has(field));
  if (missing.length > 0) throw new Error(`${path} has no ${missing.join(', ')}`);
}

/** @param change makes one endpoint unready, and another one the next time */
export function sliceOf(index: number, change?: number) {
  const { namespace, name } = nameOf(index);
  const endpoints = Array.from({ length: endpointsEach }, (_, pod) => ({
    addresses: [addressOf(index * endpointsEach + pod)],
    conditions: { ready: change === undefined || change % endpointsEach !== pod, serving: true, terminating: false },
    nodeName: `node-${pod % nodes}`,
    targetRef: { kind: 'Pod', namespace, name: `${name}-${pod}` },
  }));
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints,
  };
}

/** Of a service and its slice. */
export function nameOf(index: number): { readonly namespace: string; readonly name: string } {
  return { namespace: `ns-${Math.floor(index / servicesPerNamespace)}`, name: `service-${index}` };
}

function nodeOf(index: number) {
  const labels = { 'topology.kubernetes.io/region': 'eu', 'topology.kubernetes.io/zone': `eu-${index % 3}` };
  return { metadata: { name: `node-${index}`, labels } };
}

function serviceOf(index: number) {
  const { namespace, name } = nameOf(index);
  const address = clusterAddress(index);
  const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
  return {
    metadata: { name, namespace },
    spec: { clusterIP: address, clusterIPs: [address], selector: { app: name }, ports },
  };
}

function clusterAddressOf(index: number) {
  const { namespace, name } = nameOf(index);
  const parentRef = { group: '', resource: 'services', namespace, name };
  return { metadata: { name: clusterAddress(index) }, spec: { parentRef } };
}

/** As large as pods are: most of it is what nobody reads. */
function podOf(index: number) {
  const [service, pod] = [Math.floor(index / endpointsEach), index % endpointsEach];
  const { namespace, name } = nameOf(service);
  const environment = Array.from({ length: 13 }, (_, number) => ({ name: `SETTING_${number}`, value: 'x'.repeat(80) }));
  const container = {
    image: `registry.example/${name}:1`,
    env: environment,
    ports: [{ name: 'http', containerPort: 8080 }],
  };
  return {
    metadata: {
      name: `${name}-${pod}`,
      namespace,
      labels: { app: name, version: `v${pod % 2}`, 'pod-template-hash': '5d4f8c7b9' },
      annotations: { note: 'y'.repeat(500) },
    },
    spec: {
      nodeName: `node-${pod % nodes}`,
      serviceAccountName: name,
      automountServiceAccountToken: false,
      containers: ['app', 'helper'].map((each) => ({ ...container, name: each })),
    },
  };
}

function podStatusOf(index: number) {
  const podIP = addressOf(index);
  const conditions = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'];
  return {
    phase: 'Running',
    podIP,
    podIPs: [{ ip: podIP }],
    conditions: conditions.map((type) => ({ type, status: 'True', lastTransitionTime: '2026-01-31T12:00:00Z' })),
  };
}

function addressOf(pod: number): string {
  return `10.${(pod >> 16) & 255}.${(pod >> 8) & 255}.${pod & 255}`;
}

/** Of the upper half of the range, from which nothing is given out unasked. */
function clusterAddress(service: number): string {
  return `10.96.${128 + (service >> 8)}.${service & 255}`;
}

/** Lists are as long as the first one's, and overlaid item by item. */
function overlaid(under: Content, over: Content): Content {
  const result: Record<string, unknown> = { ...under };
  for (const [name, value] of Object.entries(over)) result[name] = overlaidValue(under[name], value);
  return result;
}

function overlaidValue(under: unknown, over: unknown): unknown {
  if (isMapping(under) && isMapping(over)) return overlaid(under, over);
  if (!Array.isArray(under) || !Array.isArray(over)) return over;
  return over.map((value: unknown, index) => overlaidValue(under[index], value));
}

/** Paths of everything that an object says. */
function* fieldsOf(value: unknown, path = ''): Generator<string, void, void> {
  if (!isMapping(value) && !Array.isArray(value)) return yield path;
  for (const [name, each] of Object.entries(value)) yield* fieldsOf(each, `${path}.${name}`);
}

function contentOf(value: unknown): Content {
  if (!isMapping(value)) throw new Error('the API server answers with no object');
  return value;
}
