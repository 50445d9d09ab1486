import type { Protocol } from '../../model/protocol.ts';
import type { ClientTls, ConnectionPool } from '../../model/traffic-policy.ts';
import { isAddress } from '../../model/cidr.ts';
import type * as envoy from '../envoy.ts';
import { serverNameOfCluster, type ClusterNameParts } from '../names.ts';
import { pack } from '../proto.ts';
import { speaksHttp2 } from './upstream-protocol.ts';

/** Where the distributions that Envoy is built for keep the authorities that everybody trusts. */
const systemAuthorities = '/etc/ssl/certs/ca-certificates.crt';

/** Transport security that the client itself starts, as its policy says (policy D15); undefined: none. */
export function transportSocket(
  tls: ClientTls | undefined,
  cluster: ClusterNameParts,
  protocol: Protocol,
  pool: ConnectionPool | undefined,
): envoy.TransportSocket | undefined {
  if (tls === undefined || tls.mode === 'disable') return undefined;
  return {
    name: 'envoy.transport_sockets.tls',
    typedConfig: pack('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
      sni: tls.mode === 'istio-mutual' && tls.sni === '' ? serverNameOfCluster(cluster) : tls.sni,
      commonTlsContext: {
        alpnProtocols: applicationProtocols(tls, speaksHttp2(protocol, pool)),
        tlsCertificates: clientCertificates(tls),
        validationContext: tls.insecureSkipVerify ? undefined : serverValidation(tls),
      },
    }),
  };
}

/** Which names a handshake takes from the request, because the policy gives none (policy D15). */
export function namesFromRequest(tls: ClientTls | undefined): {
  readonly serverNameFromHost: boolean;
  readonly certificateForHost: boolean;
} {
  const own = tls !== undefined && (tls.mode === 'simple' || tls.mode === 'mutual');
  return {
    serverNameFromHost: own && tls.sni === '',
    certificateForHost: own && tls.subjectAltNames.length === 0 && !tls.insecureSkipVerify,
  };
}

function applicationProtocols({ mode }: ClientTls, http2: boolean): readonly string[] {
  return [...(mode === 'istio-mutual' ? ['istio'] : []), ...(http2 ? ['h2'] : [])];
}

/** A workload without identity has none to show, and its peer turns it away: better than to call it in the clear. */
function clientCertificates({ mode, clientCertificate, privateKey }: ClientTls): readonly envoy.TlsCertificate[] {
  if (mode !== 'mutual' || clientCertificate === '') return [];
  return [{ certificateChain: { filename: clientCertificate }, privateKey: { filename: privateKey } }];
}

function serverValidation({ caCertificates, subjectAltNames }: ClientTls): envoy.CertificateValidationContext {
  return {
    trustedCa: { filename: caCertificates === '' ? systemAuthorities : caCertificates },
    matchTypedSubjectAltNames: subjectAltNames.map((name) => ({
      sanType: name.includes('://') ? 'URI' : isAddress(name) ? 'IP_ADDRESS' : 'DNS',
      matcher: { exact: name },
    })),
  };
}
