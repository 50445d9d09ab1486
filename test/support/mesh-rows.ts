import { Engine } from '../../src/incremental/engine.ts';
import type { Commit, Write } from '../../src/incremental/commit.ts';
import type { Table } from '../../src/incremental/definitions.ts';
import type { ConfigKind, ConfigObject } from '../../src/model/config-object.ts';
import type { EndpointShard, ShardEndpoint } from '../../src/model/endpoint.ts';
import {
  endpointShardKey,
  nodeKey,
  partsOfConfigKey,
  proxyKey,
  serviceKey,
  workloadKey,
  type ConfigKey,
  type ServiceKey,
} from '../../src/model/keys.ts';
import type { Protocol } from '../../src/model/protocol.ts';
import { defaultOwnSettings, type RouteDelivery } from '../../src/model/own-settings.ts';
import type { Proxy } from '../../src/model/proxy.ts';
import type { Service } from '../../src/model/service.ts';
import type { SourceProblem } from '../../src/model/source.ts';
import {
  configs,
  endpointShards,
  nodes,
  ownSettings,
  proxies,
  services,
  sourceProblems,
  workloads,
} from '../../src/model/tables.ts';
import { unknownLocality, type Node, type Workload } from '../../src/model/workload.ts';

/** Rows as sources would write them, with what a test does not care about filled in. */

export interface ARow {
  /** Of table and row. */
  readonly key: string;
  put(write: Write): void;
  remove(write: Write): void;
}

function row<Key extends string, Row>(table: Table<Key, Row>, value: Row): ARow {
  return {
    key: `${table.name} ${table.keyOf(value)}`,
    put: (write) => write.put(table, value),
    remove: (write) => write.remove(table, table.keyOf(value)),
  };
}

/** An engine that holds rows. A query that fails throws at the end of the batch. */
export function aMesh(...rows: readonly ARow[]): Engine {
  const engine = new Engine();
  put(engine, ...rows);
  return engine;
}

export function put(engine: Engine, ...rows: readonly ARow[]): Commit {
  return engine.batch({ source: 'test', at: 0 }, (write) => {
    for (const each of rows) each.put(write);
  });
}

export function remove(engine: Engine, ...rows: readonly ARow[]): Commit {
  return engine.batch({ source: 'test', at: 0 }, (write) => {
    for (const each of rows) each.remove(write);
  });
}

export type PortText = `${string}:${number}` | `${string}:${number}>${string}`;

export interface ServiceOptions {
  readonly namespace?: string;
  /** `http:80`, or with a target port `http:80>8080`, `http:80>web`. The protocol is the name up to the first `-`. */
  readonly ports?: readonly PortText[];
  readonly selector?: Readonly<Record<string, string>> | undefined;
  readonly exportTo?: readonly string[];
  readonly createdAt?: number;
  readonly publishNotReady?: boolean;
  readonly trafficDistribution?: 'prefer-same-zone' | 'prefer-same-node';
  readonly sessionAffinity?: 'client-ip';
  readonly addresses?: readonly string[];
  readonly staysOnNode?: true;
}

/** Key of the service that `aService` makes. */
export function aServiceKey(name: string, namespace = 'shop'): ServiceKey {
  return serviceKey(namespace, hostOf(name, namespace));
}

export function hostOf(name: string, namespace = 'shop'): string {
  return `${name}.${namespace}.svc.cluster.local`;
}

export function aService(name: string, options: ServiceOptions = {}): ARow {
  const { namespace = 'shop', ports = ['http:80>8080'], selector = { app: name } } = options;
  const service: Service = {
    key: aServiceKey(name, namespace),
    hostname: hostOf(name, namespace),
    namespace,
    name,
    registry: 'kubernetes',
    ports: ports.map(portOf),
    addresses: options.addresses ?? [],
    headless: false,
    resolution: 'endpoints',
    meshExternal: false,
    exportTo: options.exportTo,
    labels: {},
    selector: 'selector' in options ? options.selector : selector,
    publishNotReady: options.publishNotReady ?? false,
    ...(options.trafficDistribution === undefined ? {} : { trafficDistribution: options.trafficDistribution }),
    ...(options.staysOnNode === undefined ? {} : { staysOnNode: options.staysOnNode }),
    ...(options.sessionAffinity === undefined ? {} : { sessionAffinity: options.sessionAffinity }),
    createdAt: options.createdAt ?? 0,
    declaredBy: { kind: 'Service', namespace, name, origin: { source: 'files' } },
  };
  return row(services, service);
}

function portOf(text: PortText): Service['ports'][number] {
  const [name = '', rest = ''] = text.split(':');
  const [number = '', target = number] = rest.split('>');
  const [protocol = ''] = name.split('-');
  const targetPort = /^\d+$/.test(target) ? Number(target) : target;
  return { name, number: Number(number), protocol: protocol as Protocol, targetPort };
}

export interface ShardOptions {
  readonly namespace?: string;
  readonly name?: string;
  readonly ports?: Readonly<Record<string, number>>;
}

/** What an EndpointSlice gives a service. An endpoint may be a bare address. */
export function aShard(
  service: string,
  endpoints: readonly (string | Partial<ShardEndpoint>)[],
  options: ShardOptions = {},
): ARow {
  const { namespace = 'shop', name = `${service}-1`, ports = { http: 8080 } } = options;
  const key = aServiceKey(service, namespace);
  const shard: EndpointShard = {
    key: endpointShardKey(key, 'files', `EndpointSlice/${namespace}/${name}`),
    service: key,
    ports,
    endpoints: endpoints.map((endpoint) => ({
      address: '10.0.0.1',
      health: 'healthy',
      ...(typeof endpoint === 'string' ? { address: endpoint } : endpoint),
    })),
    declaredBy: { kind: 'EndpointSlice', namespace, name, origin: { source: 'files' } },
  };
  return row(endpointShards, shard);
}

export function aPod(name: string, options: Partial<Workload> = {}): ARow {
  const namespace = options.namespace ?? 'shop';
  const workload: Workload = {
    key: workloadKey('files', namespace, name),
    namespace,
    name,
    addresses: ['10.0.0.1'],
    labels: { app: name },
    serviceAccount: 'default',
    namedPorts: {},
    ready: true,
    declaredBy: { kind: 'Pod', namespace, name, origin: { source: 'files' } },
    ...options,
  };
  return row(workloads, workload);
}

export function aNode(name: string, locality: Partial<Node['locality']>): ARow {
  return row(nodes, { key: nodeKey('files', name), name, locality: { ...unknownLocality, ...locality } });
}

export function aProxy(name: string, options: Partial<Proxy> = {}): ARow {
  const namespace = options.namespace ?? 'shop';
  const proxy: Proxy = {
    key: proxyKey(name),
    nodeId: `sidecar~10.0.0.1~${name}.${namespace}~${namespace}.svc.cluster.local`,
    addresses: ['10.0.0.1'],
    workloadName: name,
    namespace,
    domain: 'cluster.local',
    labels: {},
    serviceAccount: 'default',
    clusterId: 'Kubernetes',
    locality: unknownLocality,
    interception: 'redirect',
    httpProxyPort: undefined,
    boundAddresses: undefined,
    podPorts: [],
    version: '1.40.0',
    extensions: undefined,
    takesVirtualHosts: false,
    secrets: 'none',
    ...options,
  };
  return row(proxies, proxy);
}

export function aRouteDelivery(routeDelivery: RouteDelivery): ARow {
  return row(ownSettings, { ...defaultOwnSettings, routeDelivery });
}

export interface ObjectOptions {
  readonly namespace?: string;
  readonly createdAt?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly generation?: number;
}

function anObject(kind: ConfigKind, name: string, spec: unknown, options: ObjectOptions): ARow {
  const object: ConfigObject = {
    kind,
    namespace: options.namespace ?? 'shop',
    name,
    labels: options.labels ?? {},
    annotations: options.annotations ?? {},
    generation: options.generation ?? 1,
    createdAt: options.createdAt ?? 0,
    spec,
    origin: { source: 'files' },
  };
  return row(configs, object);
}

export function aVirtualService(name: string, spec: unknown, options: ObjectOptions = {}): ARow {
  return anObject('networking.istio.io/VirtualService', name, spec, options);
}

export function aDestinationRule(name: string, spec: unknown, options: ObjectOptions = {}): ARow {
  return anObject('networking.istio.io/DestinationRule', name, spec, options);
}

export function aServiceEntry(name: string, spec: unknown, options: ObjectOptions = {}): ARow {
  return anObject('networking.istio.io/ServiceEntry', name, spec, options);
}

export function aWorkloadEntry(name: string, spec: unknown, options: ObjectOptions = {}): ARow {
  return anObject('networking.istio.io/WorkloadEntry', name, spec, options);
}

export function anAuthorizationPolicy(name: string, spec: unknown, options: ObjectOptions = {}): ARow {
  return anObject('security.istio.io/AuthorizationPolicy', name, spec, options);
}

export function aRequestAuthentication(name: string, spec: unknown, options: ObjectOptions = {}): ARow {
  return anObject('security.istio.io/RequestAuthentication', name, spec, options);
}

export function aPeerAuthentication(name: string, spec: unknown, options: ObjectOptions = {}): ARow {
  return anObject('security.istio.io/PeerAuthentication', name, spec, options);
}

export function aMeshConfig(spec: unknown, options: ObjectOptions & { readonly name?: string } = {}): ARow {
  return anObject('mesh.istio.io/MeshConfig', options.name ?? 'mesh', spec, options);
}

export interface ProblemOptions {
  readonly generation: number;
  readonly path: string;
  readonly message: string;
  /** Of several problems of one object. */
  readonly number: number;
}

/** Why a source refuses an object. */
export function anObjectProblem(object: ConfigKey, options: ProblemOptions): ARow {
  const { generation, path, message, number } = options;
  const reference = { ...partsOfConfigKey(object), generation, origin: { source: 'kubernetes' } };
  const problem: SourceProblem = {
    key: `kubernetes ${object}#${String(number).padStart(3, '0')}`,
    source: 'kubernetes',
    place: { kind: 'object', object: reference },
    code: 'WEIR1005',
    path,
    message,
    advice: 'correct it',
    keptLastGood: false,
  };
  return row(sourceProblems, problem);
}
