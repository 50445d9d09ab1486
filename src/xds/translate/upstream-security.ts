import type { Read } from '../../incremental/definitions.ts';
import { compositeKey, type ScopeKey } from '../../model/keys.ts';
import { isHttp, type Protocol } from '../../model/protocol.ts';
import type { ConnectionPool } from '../../model/traffic-policy.ts';
import { spiffeId } from '../../model/identity.ts';
import { accountsOfService, allTakeMutualTls, declaredServerNames } from '../../policy/mesh-peers.ts';
import { scopeFactsOf } from '../../policy/scope.ts';
import type * as envoy from '../envoy.ts';
import { struct } from '../envoy.ts';
import { serverNameOfCluster } from '../names.ts';
import type { ClusterSettings } from './cluster-settings.ts';
import { clientTls, meshHttpByForm, plaintext, secretsNamed, type OwnSecrets } from './mesh-tls.ts';
import type { OutboundTarget } from './outbound-target.ts';
import { speaksHttp2 } from './upstream-protocol.ts';
import { transportSocket } from './upstream-tls.ts';

/** How a cluster's connections are protected. */
export interface UpstreamSecurity extends Pick<envoy.Cluster, 'transportSocket' | 'transportSocketMatches'> {
  /** Names of the secrets that they need. */
  readonly secrets: readonly string[];
}

const inTheClear: UpstreamSecurity = { secrets: [] };

/**
 * What the rule for the service says; without a word of it mutual TLS to all endpoints that take it, endpoint by endpoint (policy P4, P135,
 * istio-compat I114, I115).
 *
 * @param scope a client's
 */
export function upstreamSecurity(
  read: Read,
  scope: ScopeKey,
  target: OutboundTarget,
  type: envoy.Cluster['type'],
  settings: ClusterSettings,
): UpstreamSecurity {
  const { cluster, service, port, effective } = target;
  const { tls, connectionPool } = effective.policy;
  const { secrets } = scopeFactsOf(scope, 'client');
  if (tls !== undefined && (tls.mode !== 'istio-mutual' || secrets === 'none')) {
    return { transportSocket: transportSocket(tls, cluster, port.protocol, connectionPool), secrets: [] };
  }
  if (secrets === 'none') return inTheClear;
  const named = { accepted: tls?.subjectAltNames ?? [], sni: tls?.sni ?? '' };
  const ofMesh = () => meshSocket(read, target, secrets, settings, named);
  if (tls !== undefined) return { transportSocket: ofMesh(), secrets: secretsNamed(secrets) };
  if (service.meshExternal || !settings.autoMutualTls) return inTheClear;
  switch (type) {
    case 'EDS':
      return { transportSocketMatches: eitherWay(ofMesh()), secrets: secretsNamed(secrets) };
    case 'ORIGINAL_DST':
      return read(allTakeMutualTls, compositeKey(service.key, port.name))
        ? { transportSocket: ofMesh(), secrets: secretsNamed(secrets) }
        : inTheClear;
    default:
      // Behind a name that the proxy resolves nobody is known.
      return inTheClear;
  }
}

/** The first that fits an endpoint's metadata counts. */
function eitherWay(ofMesh: envoy.TransportSocket): readonly envoy.Cluster_TransportSocketMatch[] {
  return [
    { name: 'tlsMode-istio', match: struct({ tlsMode: 'istio' }), transportSocket: ofMesh },
    { name: 'tlsMode-disabled', match: struct({}), transportSocket: plaintext },
  ];
}

function meshSocket(
  read: Read,
  { cluster, service, port, effective }: OutboundTarget,
  secrets: OwnSecrets,
  { trustDomains }: ClusterSettings,
  { accepted, sni }: { readonly accepted: readonly string[]; readonly sni: string },
): envoy.TransportSocket {
  const { namespace } = service;
  const accounts = trustDomains.flatMap((domain) =>
    read(accountsOfService, service.key).map((serviceAccount) =>
      spiffeId({ trustDomain: domain, namespace, serviceAccount }),
    ),
  );
  return clientTls(secrets, {
    sni: sni === '' ? serverNameOfCluster(cluster) : sni,
    applicationProtocols: meshProtocols(port.protocol, effective.policy.connectionPool),
    accounts: accepted.length > 0 ? accepted : [...accounts, ...read(declaredServerNames, service.key)],
    trustDomains,
  });
}

/**
 * By these the server tells what is spoken inside (istio-compat I123). Where the protocol is the caller's, what follows from it would be
 * wrong half of the time: without it the server looks.
 */
function meshProtocols(protocol: Protocol, pool: ConnectionPool | undefined): readonly string[] {
  if (speaksHttp2(protocol, pool)) return meshHttpByForm.h2c;
  if (!isHttp(protocol)) return ['istio'];
  return pool?.useClientProtocol === true ? ['istio-http/1.1', 'istio'] : meshHttpByForm['http/1.1'];
}
