import { z } from 'zod';
import { transportKinds } from '../xds/transport/transport-kinds.ts';
import {
  audiences,
  duration,
  durationOrOff,
  filePath,
  hostNames,
  loopbackAddress,
  rate,
  socketAddress,
} from './setting-schemas.ts';

/** Settings of xDS: where it is served, by which certificate, and to whom. */
export const xdsSettings = {
  xdsPlaintext: {
    schema: loopbackAddress,
    flag: 'xds-plaintext',
    placeholder: 'HOST:PORT',
    variable: 'WEIR_XDS_PLAINTEXT',
    default: undefined,
    description:
      'serve xDS without TLS on this address; only addresses of this machine are allowed; port 0 takes a free one',
  },
  xdsTls: {
    schema: socketAddress,
    flag: 'xds-tls',
    placeholder: 'HOST:PORT',
    variable: 'WEIR_XDS_TLS',
    default: undefined,
    description:
      'serve xDS over TLS on this address, to proxies that prove who they are by a token or a certificate; with a certificate of --ca-dir or ' +
      '--ca-secret unless there is --xds-tls-cert; port 0 takes a free one',
  },
  xdsTlsCert: {
    schema: filePath,
    flag: 'xds-tls-cert',
    placeholder: 'FILE',
    variable: 'WEIR_XDS_TLS_CERT',
    default: undefined,
    description:
      "PEM file of the server's certificate and those between it and its authority; read again when it changes",
  },
  xdsTlsKey: {
    schema: filePath,
    flag: 'xds-tls-key',
    placeholder: 'FILE',
    variable: 'WEIR_XDS_TLS_KEY',
    default: undefined,
    description: 'PEM file of the private key of that certificate; read again when it changes',
  },
  xdsTlsClientCa: {
    schema: filePath,
    flag: 'xds-tls-client-ca',
    placeholder: 'FILE',
    variable: 'WEIR_XDS_TLS_CLIENT_CA',
    default: undefined,
    description: 'PEM file of the authorities whose client certificates count; read again when it changes',
  },
  xdsTlsNames: {
    schema: hostNames,
    flag: 'xds-tls-names',
    placeholder: 'NAME...',
    variable: 'WEIR_XDS_TLS_NAMES',
    default: 'weir.weir-system.svc,istiod.weir-system.svc,localhost,127.0.0.1',
    description: "host names and addresses in the server's certificate, where Weir's own authority makes it",
  },
  tokenAudiences: {
    schema: audiences,
    flag: 'token-audiences',
    placeholder: 'AUDIENCE...',
    variable: 'WEIR_TOKEN_AUDIENCES',
    default: 'weir.dev,istio-ca',
    description:
      'a Kubernetes token must be for one of these audiences; `istio-ca` is what unmodified Istio agents bring',
  },
  trustDomainAliases: {
    schema: hostNames,
    flag: 'trust-domain-aliases',
    placeholder: 'DOMAIN...',
    variable: 'WEIR_TRUST_DOMAIN_ALIASES',
    default: undefined,
    description: 'former trust domains, whose certificates still prove who a proxy is',
  },
  xdsTransport: {
    schema: z.enum(transportKinds, { error: `must be one of ${transportKinds.join(', ')}` }),
    flag: 'xds-transport',
    placeholder: 'NAME',
    variable: 'WEIR_XDS_TRANSPORT',
    default: 'codec',
    description: "codec (Weir's own HTTP/2), http2 (Weir's own gRPC on node:http2) or grpc-js (the library)",
  },
  xdsStreamsPerSecond: {
    schema: rate,
    flag: 'xds-streams-per-second',
    placeholder: 'N',
    variable: 'WEIR_XDS_STREAMS_PER_SECOND',
    default: '200',
    description:
      'new streams, and TLS handshakes, that are let in each second; more wait for up to 10 s (4 s), and are refused beyond that',
  },
  xdsMaxConnectionAge: {
    schema: durationOrOff,
    flag: 'xds-max-connection-age',
    placeholder: 'DURATION',
    variable: 'WEIR_XDS_MAX_CONNECTION_AGE',
    default: '30m',
    description:
      'age, give or take a tenth, at which a connection is ended, so that proxies spread over replicas; or off',
  },
  xdsKeepalive: {
    schema: duration,
    flag: 'xds-keepalive',
    placeholder: 'DURATION',
    variable: 'WEIR_XDS_KEEPALIVE',
    default: '30s',
    description: 'time between PINGs on a connection; one that is not answered within 10 s ends it',
  },
  xdsStallTimeout: {
    schema: duration,
    flag: 'xds-stall-timeout',
    placeholder: 'DURATION',
    variable: 'WEIR_XDS_STALL_TIMEOUT',
    default: '60s',
    description: 'time that a client has to take what was sent to it, for each MiB begun, before its stream is ended',
  },
} as const;
