import type { Json } from '../../src/xds/json.ts';
import type { Output } from './cases.ts';

/**
 * A bootstrap that holds all that a proxy is sent, so that Envoy can judge it without a control plane: load assignments
 * stand inside their clusters and route configurations inside their listeners.
 */
export function staticBootstrap(sent: Readonly<Record<Output, readonly Json[]>>): Json {
  const assignments = new Map(sent.endpoints.map((assignment) => [textOf(assignment, 'clusterName'), assignment]));
  const routes = new Map(sent.routes.map((table) => [textOf(table, 'name'), table]));
  return {
    node: { id: 'golden', cluster: 'golden' },
    staticResources: {
      clusters: [
        // Secrets come from there.
        ...[streamCluster, 'sds-grpc'].map((name) => ({
          name,
          type: 'STATIC',
          typedExtensionProtocolOptions: http2,
          loadAssignment: { clusterName: name },
        })),
        ...sent.clusters.map((cluster) => withSecretSource(withAssignment(cluster, assignments))),
      ],
      listeners: sent.listeners.map((listener) => withSecretSource(withRoutes(listener, routes))),
    },
  };
}

const streamCluster = 'weir';

const http2: Json = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    explicitHttpConfig: { http2ProtocolOptions: {} },
  },
};

/** Envoy 1.40 crashes over a static cluster whose secrets come by ADS while it validates: they come on a stream of their own here. */
function withSecretSource(json: Json): Json {
  if (Array.isArray(json)) return json.map(withSecretSource);
  if (!isObject(json)) return json;
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => [
      name,
      name === 'sdsConfig' && isObject(value) && value['ads'] !== undefined ? ownStream : withSecretSource(value),
    ]),
  );
}

const ownStream: Json = {
  apiConfigSource: {
    apiType: 'GRPC',
    transportApiVersion: 'V3',
    grpcServices: [{ envoyGrpc: { clusterName: streamCluster } }],
  },
  resourceApiVersion: 'V3',
};

function withAssignment(cluster: Json, assignments: ReadonlyMap<string, Json>): Json {
  if (!isObject(cluster) || cluster['type'] !== 'EDS') return cluster;
  const { edsClusterConfig: _, ...rest } = cluster;
  const clusterName = textOf(cluster, 'name');
  return { ...rest, type: 'STATIC', loadAssignment: assignments.get(clusterName) ?? { clusterName } };
}

/** Puts the table in the place of each reference to it, wherever that is. */
function withRoutes(json: Json, routes: ReadonlyMap<string, Json>): Json {
  if (Array.isArray(json)) return json.map((each) => withRoutes(each, routes));
  if (!isObject(json)) return json;
  const { rds, ...rest } = json;
  const copied = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, withRoutes(value, routes)]));
  if (!isObject(rds)) return copied;
  const table = routes.get(textOf(rds, 'routeConfigName'));
  if (table === undefined) throw new Error(`no route configuration ${textOf(rds, 'routeConfigName')} was sent`);
  return { ...copied, routeConfig: withVirtualHosts(table, routes) };
}

/** Virtual hosts that come one by one go where they belong. */
function withVirtualHosts(table: Json, routes: ReadonlyMap<string, Json>): Json {
  if (!isObject(table) || table['vhds'] === undefined) return table;
  const { vhds: _, ...rest } = table;
  const prefix = `${textOf(table, 'name')}/`;
  return { ...rest, virtualHosts: [...routes].filter(([name]) => name.startsWith(prefix)).map(([, host]) => host) };
}

function textOf(json: Json, name: string): string {
  const value = isObject(json) ? json[name] : undefined;
  return typeof value === 'string' ? value : '';
}

function isObject(json: Json | undefined): json is { readonly [name: string]: Json } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
