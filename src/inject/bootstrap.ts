import type * as envoy from '../xds/envoy.ts';
import { milliseconds } from '../xds/envoy.ts';
import { pack } from '../xds/proto.ts';
import { controlPlaneConnection, type ControlPlaneAddress, type ControlPlaneSecurity } from './control-plane.ts';
import type { CarriedProbe } from './probes.ts';
import { statusListener } from './status-listener.ts';

export interface BootstrapOptions {
  readonly node: envoy.Node;
  /** Where Weir serves xDS. */
  readonly xds: ControlPlaneAddress;
  readonly security: ControlPlaneSecurity;
  /** What the certificate of Weir is for; undefined: the host of `xds`. */
  readonly serverName: string | undefined;
  /** Port of Envoy's own admin server on 127.0.0.1. */
  readonly adminPort: number;
  /** Port on all addresses that answers `/ready` and `/stats/prometheus`; undefined: none. */
  readonly statusPort: number | undefined;
  /** Health checks of the application that are carried on at the status port. */
  readonly probes: readonly CarriedProbe[];
  /** Where the application listens. */
  readonly applicationAddress: string;
  /** `delta`: what changed. `sotw`: the whole state of a type with every change. */
  readonly wire: 'delta' | 'sotw';
}

/**
 * What an Envoy is started with: who it is, and where it gets everything else from. It is to be written as JSON, since in YAML a
 * node id such as `on` reads as a boolean (xds-protocol X322).
 */
export function bootstrap(options: BootstrapOptions): envoy.Bootstrap {
  const { node, adminPort, statusPort, xds, security, serverName } = options;
  const connection = controlPlaneConnection(xds, security, serverName);
  const status = statusPort === undefined ? undefined : statusListener({ ...options, port: statusPort });
  return {
    node,
    admin: { address: socketAddress('127.0.0.1', adminPort) },
    dynamicResources: dynamicResources(connection.grpcService, options),
    staticResources: {
      clusters: [...connection.clusters, ...(status === undefined ? [] : status.clusters)],
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
function dynamicResources(
  grpcService: envoy.GrpcService,
  { wire }: BootstrapOptions,
): envoy.Bootstrap_DynamicResources {
  const ads: envoy.ConfigSource = { ads: {}, resourceApiVersion: 'V3', initialFetchTimeout: milliseconds(0) };
  return {
    adsConfig: {
      apiType: wire === 'delta' ? 'DELTA_GRPC' : 'GRPC',
      transportApiVersion: 'V3',
      setNodeOnFirstMessageOnly: true,
      grpcServices: [grpcService],
    },
    cdsConfig: ads,
    ldsConfig: ads,
  };
}

function socketAddress(address: string, portValue: number): envoy.Address {
  return { socketAddress: { address, portValue } };
}
