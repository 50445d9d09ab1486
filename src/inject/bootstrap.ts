import { isIP } from 'node:net';
import type * as envoy from '../xds/envoy.ts';
import { milliseconds } from '../xds/envoy.ts';
import { pack } from '../xds/proto.ts';
import { statusListener } from './status-listener.ts';

export interface BootstrapOptions {
  readonly node: envoy.Node;
  /** Where Weir serves xDS. */
  readonly xds: { readonly host: string; readonly port: number };
  /** Port of Envoy's own admin server on 127.0.0.1. */
  readonly adminPort: number;
  /** Port on all addresses that answers `/ready` and `/stats/prometheus`; undefined: none. */
  readonly statusPort: number | undefined;
  /** `delta`: what changed. `sotw`: the whole state of a type with every change. */
  readonly wire: 'delta' | 'sotw';
}

/** Istio's name for the cluster of the control plane, which no service can have (istio-compat I68). */
const xdsCluster = 'xds-grpc';

/**
 * What an Envoy is started with: who it is, and where it gets everything else from. It is to be written as JSON, since in YAML a
 * node id such as `on` reads as a boolean (xds-protocol X322).
 */
export function bootstrap(options: BootstrapOptions): envoy.Bootstrap {
  const { node, adminPort, statusPort } = options;
  const status = statusPort === undefined ? undefined : statusListener(statusPort, adminPort);
  return {
    node,
    admin: { address: socketAddress('127.0.0.1', adminPort) },
    dynamicResources: dynamicResources(options),
    staticResources: {
      clusters: [controlPlane(options), ...(status === undefined ? [] : [status.cluster])],
      ...(status === undefined ? {} : { listeners: [status.listener] }),
    },
    // Without a limit Envoy accepts connections until it has no file descriptors left to serve them with.
    overloadManager: {
      resourceMonitors: [
        {
          name: 'envoy.resource_monitors.global_downstream_max_connections',
          typedConfig: pack(
            'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
            {
              maxActiveDownstreamConnections: 50_000,
            },
          ),
        },
      ],
    },
  };
}

/** CDS and LDS without a time limit: an Envoy that gave up waiting would say that it is ready, without any configuration. */
function dynamicResources({ wire }: BootstrapOptions): envoy.Bootstrap_DynamicResources {
  const ads: envoy.ConfigSource = { ads: {}, resourceApiVersion: 'V3', initialFetchTimeout: milliseconds(0) };
  return {
    adsConfig: {
      apiType: wire === 'delta' ? 'DELTA_GRPC' : 'GRPC',
      transportApiVersion: 'V3',
      setNodeOnFirstMessageOnly: true,
      grpcServices: [
        {
          envoyGrpc: {
            clusterName: xdsCluster,
            // With jitter, so that a restart of Weir does not bring all Envoys back in one moment.
            retryPolicy: { retryBackOff: { baseInterval: milliseconds(500), maxInterval: milliseconds(10_000) } },
          },
        },
      ],
    },
    cdsConfig: ads,
    ldsConfig: ads,
  };
}

function controlPlane({ xds: { host, port } }: BootstrapOptions): envoy.Cluster {
  return {
    name: xdsCluster,
    type: isIP(host) === 0 ? 'STRICT_DNS' : 'STATIC',
    connectTimeout: milliseconds(5_000),
    loadAssignment: {
      clusterName: xdsCluster,
      endpoints: [{ lbEndpoints: [{ endpoint: { address: socketAddress(host, port) } }] }],
    },
    typedExtensionProtocolOptions: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': pack(
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        {
          explicitHttpConfig: {
            http2ProtocolOptions: {
              // A control plane that vanished without closing its connection is noticed within 40 s, not when TCP gives up.
              connectionKeepalive: { interval: milliseconds(30_000), timeout: milliseconds(10_000) },
            },
          },
        },
      ),
    },
    upstreamConnectionOptions: { tcpKeepalive: { keepaliveTime: { value: 300 } } },
  };
}

function socketAddress(address: string, portValue: number): envoy.Address {
  return { socketAddress: { address, portValue } };
}
