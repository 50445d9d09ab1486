import type { SecretOrigin } from '../../model/identity.ts';
import type * as envoy from '../envoy.ts';
import { milliseconds } from '../envoy.ts';
import { agentSecretCluster, ownCertificateSecret, trustBundleSecret } from '../names.ts';
import { pack } from '../proto.ts';

/** The TLS of the mesh itself, between workloads that have identities (policy P326, istio-compat I113, I116). */

/** Where a proxy with an identity gets its certificate from. */
export type OwnSecrets = Exclude<SecretOrigin, 'none'>;

/** What names a context refers to, in resources that Envoy holds back until it has them. */
export function secretsNamed(secrets: SecretOrigin): readonly string[] {
  return secrets === 'stream' ? [ownCertificateSecret, trustBundleSecret] : [];
}

/** What the client offers and the server's chains tell apart (policy P331 to P333, istio-compat I120). */
export const meshHttp: readonly string[] = ['istio-http/1.0', 'istio-http/1.1', 'istio-h2'];
export const meshTcp: readonly string[] = ['istio-peer-exchange', 'istio'];
export const meshAny: readonly string[] = [...meshTcp, ...meshHttp];

/** What a client offers, by the form of HTTP that it speaks (istio-compat I112). */
export const meshHttpByForm = {
  'http/1.1': ['istio-http/1.1', 'istio', 'http/1.1'],
  h2c: ['istio-h2', 'istio', 'h2'],
} as const;

const tlsSocket = 'envoy.transport_sockets.tls';

const parameters: envoy.TlsParameters = {
  tlsMinimumProtocolVersion: 'TLSv1_2',
  tlsMaximumProtocolVersion: 'TLSv1_3',
};

const servedCiphers = [
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-GCM-SHA256',
];

/**
 * Takes connections of workloads of the mesh and of nobody else. `istio-peer-exchange` and `istio` are never offered: the first promises a
 * filter that stock Envoy lacks, the second would win over h2 (policy P326, istio-compat I116).
 *
 * @param trustDomains of whose workloads connections are taken
 */
export function serverTls(secrets: OwnSecrets, trustDomains: readonly string[]): envoy.TransportSocket {
  return {
    name: tlsSocket,
    typedConfig: pack('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
      requireClientCertificate: { value: true },
      commonTlsContext: {
        tlsParams: { ...parameters, cipherSuites: servedCiphers },
        alpnProtocols: ['h2', 'http/1.1'],
        ...certificates(secrets, trustDomains.map(anyOfDomain)),
      },
    }),
  };
}

export interface ClientTlsNames {
  /** The server name that is asked for. */
  readonly sni: string;
  readonly applicationProtocols: readonly string[];
  /** Names of which the server's certificate must carry one; empty: any of the trust domains. */
  readonly accounts: readonly string[];
  readonly trustDomains: readonly string[];
}

/** Calls a workload of the mesh, and nobody else. */
export function clientTls(secrets: OwnSecrets, names: ClientTlsNames): envoy.TransportSocket {
  const { sni, applicationProtocols, accounts, trustDomains } = names;
  const accepted = accounts.length > 0 ? accounts.map((name) => uri({ exact: name })) : trustDomains.map(anyOfDomain);
  return {
    name: tlsSocket,
    typedConfig: pack('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
      sni,
      commonTlsContext: {
        tlsParams: parameters,
        alpnProtocols: applicationProtocols,
        ...certificates(secrets, accepted),
      },
    }),
  };
}

export const plaintext: envoy.TransportSocket = {
  name: 'envoy.transport_sockets.raw_buffer',
  typedConfig: pack('envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer', {}),
};

type Certificates = Pick<envoy.CommonTlsContext, 'tlsCertificateSdsSecretConfigs' | 'combinedValidationContext'>;

function certificates(secrets: OwnSecrets, accepted: readonly envoy.SubjectAltNameMatcher[]): Certificates {
  const sdsConfig = secretSource(secrets);
  return {
    tlsCertificateSdsSecretConfigs: [{ name: ownCertificateSecret, sdsConfig }],
    combinedValidationContext: {
      defaultValidationContext: { matchTypedSubjectAltNames: accepted },
      validationContextSdsSecretConfig: { name: trustBundleSecret, sdsConfig },
    },
  };
}

function uri(matcher: envoy.StringMatcher): envoy.SubjectAltNameMatcher {
  return { sanType: 'URI', matcher };
}

function anyOfDomain(trustDomain: string): envoy.SubjectAltNameMatcher {
  return uri({ prefix: `spiffe://${trustDomain}/` });
}

/** Without a limit of time: a listener without its certificate must not open (istio-compat I60). */
function secretSource(secrets: OwnSecrets): envoy.ConfigSource {
  const initialFetchTimeout = milliseconds(0);
  if (secrets === 'stream') return { ads: {}, initialFetchTimeout, resourceApiVersion: 'V3' };
  return {
    apiConfigSource: {
      apiType: 'GRPC',
      transportApiVersion: 'V3',
      setNodeOnFirstMessageOnly: true,
      grpcServices: [{ envoyGrpc: { clusterName: agentSecretCluster } }],
    },
    initialFetchTimeout,
    resourceApiVersion: 'V3',
  };
}
