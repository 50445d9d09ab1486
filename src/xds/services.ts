import type { Wire } from './observer.ts';
import { typeUrlOf, type TypeName } from './proto.ts';
import type { CallHandler, CallMetadata, StreamTransport } from './transport/transport.ts';

/**
 * The calls by which resources are served, as data (xds-protocol X4, X108). What is not in here, such as the `Fetch…` calls that poll,
 * does not exist: the transports answer it by UNIMPLEMENTED (X8).
 */

export interface XdsService {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly wire: Wire;
  /** The one type of a single-type service; undefined: the requests say which (ADS). */
  readonly typeUrl: string | undefined;
}

const xdsServices: readonly XdsService[] = [
  ...service('discovery.v3.AggregatedDiscoveryService', 'AggregatedResources', undefined),
  ...service('cluster.v3.ClusterDiscoveryService', 'Clusters', 'envoy.config.cluster.v3.Cluster'),
  ...service('endpoint.v3.EndpointDiscoveryService', 'Endpoints', 'envoy.config.endpoint.v3.ClusterLoadAssignment'),
  ...service('listener.v3.ListenerDiscoveryService', 'Listeners', 'envoy.config.listener.v3.Listener'),
  ...service('route.v3.RouteDiscoveryService', 'Routes', 'envoy.config.route.v3.RouteConfiguration'),
  ...service('secret.v3.SecretDiscoveryService', 'Secrets', 'envoy.extensions.transport_sockets.tls.v3.Secret'),
  ...service(
    'extension.v3.ExtensionConfigDiscoveryService',
    'ExtensionConfigs',
    'envoy.config.core.v3.TypedExtensionConfig',
  ),
  ...service('runtime.v3.RuntimeDiscoveryService', 'Runtime', 'envoy.service.runtime.v3.Runtime'),
  // Virtual hosts one by one exist as delta only (xds-protocol X77).
  row('route.v3.VirtualHostDiscoveryService/DeltaVirtualHosts', 'delta', 'envoy.config.route.v3.VirtualHost'),
];

/** Has every service accepted by the same function. */
export function xdsHandlers(
  accept: (transport: StreamTransport, service: XdsService, metadata: CallMetadata) => void,
): ReadonlyMap<string, CallHandler> {
  return new Map(
    xdsServices.map((service) => [service.path, (transport, metadata) => accept(transport, service, metadata)]),
  );
}

/** @param plural what the methods are called after: `Stream…` and `Delta…` */
function service(name: string, plural: string, type: TypeName | undefined): readonly XdsService[] {
  return [row(`${name}/Stream${plural}`, 'sotw', type), row(`${name}/Delta${plural}`, 'delta', type)];
}

function row(method: string, wire: Wire, type: TypeName | undefined): XdsService {
  return { path: `/envoy.service.${method}`, wire, typeUrl: type && typeUrlOf(type) };
}
