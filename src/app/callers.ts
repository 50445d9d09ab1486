import { reviewToken } from '../discovery/kubernetes/token-review.ts';
import type { ApiClient } from '../discovery/kubernetes/api/api-client.ts';
import { authenticate, bearerToken, type Verdict } from '../identity/authenticate.ts';
import type { Authenticator, Credentials } from '../identity/caller.ts';
import { certificateAuthenticator } from '../identity/certificate-caller.ts';
import { readInstance } from '../identity/instance.ts';
import { KubernetesTokens } from '../identity/kubernetes-token.ts';
import type { CallMetadata, PeerInfo } from '../xds/transport/transport.ts';
import type { Settings } from './settings.ts';

/** Finds out who calls, of xDS and of the admin server. */
export type Callers = (credentials: Credentials) => Promise<Verdict>;

export interface CallersOptions {
  readonly settings: Pick<Settings, 'trustDomain' | 'trustDomainAliases' | 'tokenAudiences'>;
  /** To Weir's own cluster; undefined: there is none, and no token of one is known. */
  readonly client: ApiClient | undefined;
  /** Further ones, asked before the cluster is. */
  readonly others: readonly Authenticator[];
}

export function callersOf({ settings, client, others }: CallersOptions): Callers {
  const { trustDomain, trustDomainAliases = [], tokenAudiences } = settings;
  const now = (): number => Date.now();
  const tokens =
    client === undefined
      ? []
      : [
          new KubernetesTokens({
            trustDomain,
            audiences: tokenAudiences,
            reviewer: (clusterId) =>
              isLocal(clusterId) ? (token, audiences) => reviewToken(client, token, audiences) : undefined,
            now,
          }),
        ];
  const authenticators = [certificateAuthenticator([trustDomain, ...trustDomainAliases]), ...others, ...tokens];
  return (credentials) => authenticate(authenticators, credentials, now());
}

/** Istio's agents call the cluster that their control plane runs in `Kubernetes` where nobody named it. */
function isLocal(clusterId: string): boolean {
  return clusterId === '' || clusterId === 'Kubernetes';
}

/** What a call shows of who makes it. */
export function credentialsOf({ address, certificate }: PeerInfo, metadata: CallMetadata): Credentials {
  return {
    address,
    token: bearerToken(metadata.authorization),
    clusterId: metadata.clusterId,
    certificate: certificate && {
      uris: certificate.uris,
      instance: readInstance(certificate.bytes),
      notAfter: certificate.notAfter,
    },
  };
}
