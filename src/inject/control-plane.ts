import { isIP } from 'node:net';
import type * as envoy from '../xds/envoy.ts';
import { milliseconds } from '../xds/envoy.ts';
import { pack } from '../xds/proto.ts';

/** How an Envoy reaches Weir and shows who it is. */

/** Where Weir serves xDS. */
export interface ControlPlaneAddress {
  readonly host: string;
  readonly port: number;
}

/** Paths of files on the machine of the Envoy. */
export type ControlPlaneSecurity =
  /** Nothing is encrypted and nobody says who they are: for Weir's listener on the Envoy's own machine. */
  | { readonly kind: 'plaintext' }
  /** A bearer token, which Envoy reads again for every stream (xds-protocol X308). */
  | { readonly kind: 'token'; readonly rootCertificate: string; readonly token: string }
  /** A client certificate, which Envoy reads once. */
  | {
      readonly kind: 'certificate';
      readonly rootCertificate: string;
      readonly certificate: string;
      readonly key: string;
    };

export interface ControlPlaneConnection {
  readonly grpcService: envoy.GrpcService;
  /** Clusters that it needs. */
  readonly clusters: readonly envoy.Cluster[];
}

/** Istio's name for the cluster of the control plane, which no service can have (istio-compat I68). */
const xdsCluster = 'xds-grpc';

/** Milliseconds: a control plane that vanished without closing its connection is noticed after both, not when TCP gives up. */
const keepalive = { interval: 30_000, timeout: 10_000 };

/** Milliseconds between attempts, with jitter, so that a restart of Weir does not bring all Envoys back in one moment. */
const retry = { base: 500, longest: 10_000 };

/** @param serverName what the certificate of Weir is for; undefined: the host of the address */
export function controlPlaneConnection(
  address: ControlPlaneAddress,
  security: ControlPlaneSecurity,
  serverName: string | undefined,
): ControlPlaneConnection {
  switch (security.kind) {
    case 'plaintext':
      return throughCluster(address, {});
    case 'certificate':
      return throughCluster(address, { transportSocket: tls(security, serverName ?? address.host) });
    case 'token':
      return throughGrpcLibrary(address, security, serverName);
  }
}

function throughCluster({ host, port }: ControlPlaneAddress, security: Partial<envoy.Cluster>): ControlPlaneConnection {
  const socketAddress = { address: host, portValue: port };
  const cluster: envoy.Cluster = {
    name: xdsCluster,
    type: isIP(host) === 0 ? 'STRICT_DNS' : 'STATIC',
    connectTimeout: milliseconds(5_000),
    loadAssignment: {
      clusterName: xdsCluster,
      endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress } } }] }],
    },
    ...security,
    typedExtensionProtocolOptions: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': pack(
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        {
          explicitHttpConfig: {
            http2ProtocolOptions: {
              connectionKeepalive: {
                interval: milliseconds(keepalive.interval),
                timeout: milliseconds(keepalive.timeout),
              },
            },
          },
        },
      ),
    },
    upstreamConnectionOptions: { tcpKeepalive: { keepaliveTime: { value: 300 } } },
  };
  const retryBackOff = { baseInterval: milliseconds(retry.base), maxInterval: milliseconds(retry.longest) };
  return {
    grpcService: { envoyGrpc: { clusterName: xdsCluster, retryPolicy: { retryBackOff } } },
    clusters: [cluster],
  };
}

type ClientCertificate = Extract<ControlPlaneSecurity, { kind: 'certificate' }>;

function tls({ rootCertificate, certificate, key }: ClientCertificate, serverName: string): envoy.TransportSocket {
  const isAddress = isIP(serverName) !== 0;
  return {
    name: 'envoy.transport_sockets.tls',
    typedConfig: pack('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
      // An address is no name of a server (RFC 6066, section 3).
      ...(isAddress ? {} : { sni: serverName }),
      commonTlsContext: {
        tlsParams: { tlsMinimumProtocolVersion: 'TLSv1_2' },
        alpnProtocols: ['h2'],
        tlsCertificates: [{ certificateChain: { filename: certificate }, privateKey: { filename: key } }],
        validationContext: {
          trustedCa: { filename: rootCertificate },
          matchTypedSubjectAltNames: [{ sanType: isAddress ? 'IP_ADDRESS' : 'DNS', matcher: { exact: serverName } }],
        },
      },
    }),
  };
}

type Token = Extract<ControlPlaneSecurity, { kind: 'token' }>;

/** Registered name of the credentials that are read from a file. */
const fileCredentials = 'envoy.grpc_credentials.file_based_metadata';

/** Envoy's own gRPC client cannot read a token from a file; the library that it also holds can (xds-protocol X308). */
function throughGrpcLibrary(
  { host, port }: ControlPlaneAddress,
  { rootCertificate, token }: Token,
  serverName: string | undefined,
): ControlPlaneConnection {
  const args: Readonly<Record<string, envoy.GrpcService_GoogleGrpc_ChannelArgs_Value>> = {
    // Without it a response of more than 4 MB ends the stream, again and again (xds-protocol X309).
    'grpc.max_receive_message_length': { intValue: -1 },
    'grpc.keepalive_time_ms': { intValue: keepalive.interval },
    'grpc.keepalive_timeout_ms': { intValue: keepalive.timeout },
    // A stream on which nothing changes for long is the usual one.
    'grpc.http2.max_pings_without_data': { intValue: 0 },
    'grpc.initial_reconnect_backoff_ms': { intValue: retry.base },
    'grpc.max_reconnect_backoff_ms': { intValue: retry.longest },
    ...(serverName === undefined ? {} : { 'grpc.ssl_target_name_override': { stringValue: serverName } }),
  };
  return {
    grpcService: {
      googleGrpc: {
        targetUri: isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`,
        statPrefix: xdsCluster,
        channelCredentials: { sslCredentials: { rootCerts: { filename: rootCertificate } } },
        credentialsFactoryName: fileCredentials,
        callCredentials: [
          {
            fromPlugin: {
              name: fileCredentials,
              typedConfig: pack('envoy.config.grpc_credential.v3.FileBasedMetadataConfig', {
                secretData: { filename: token },
                headerKey: 'authorization',
                headerPrefix: 'Bearer ',
              }),
            },
          },
        ],
        channelArgs: { args },
      },
    },
    clusters: [],
  };
}
