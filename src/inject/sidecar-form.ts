import type { ControlPlaneAddress } from './control-plane.ts';
import type { Pod } from './pod.ts';

/** What a sidecar is made of, whoever's it is: names, places of files, and where they come from. */

export interface InjectionOptions {
  /** Of Weir: it writes the bootstrap and the rules of interception. */
  readonly weirImage: string;
  /** A stock Envoy. */
  readonly envoyImage: string;
  /** Where Weir serves xDS over TLS. */
  readonly xds: ControlPlaneAddress;
  /** For whom the token of the pod is. */
  readonly tokenAudience: string;
  /** Cluster domain. */
  readonly domain: string;
  readonly clusterId: string;
  /** Whether the cluster runs init containers that stay. */
  readonly nativeSidecars: boolean;
  /** Whose pods never get a sidecar: that of the control plane, which must not wait for itself. */
  readonly excludedNamespaces: readonly string[];
}

export const containerNames = {
  bootstrap: 'weir-bootstrap',
  intercept: 'weir-intercept',
  proxy: 'weir-proxy',
} as const;

export const volumeNames = { bootstrap: 'weir-envoy', token: 'weir-token', root: 'weir-root' } as const;

/** User and group of the sidecar: Istio's, so that exemptions that a cluster has for it hold. */
export const proxyUser = 1337;
/** Where the sidecar answers the node (istio-compat I68). */
export const statusPort = 15_021;

export const places = {
  bootstrap: '/etc/weir/envoy',
  token: '/var/run/secrets/weir/token',
  root: '/var/run/secrets/weir/root',
} as const;

export const files = {
  bootstrap: `${places.bootstrap}/bootstrap.json`,
  token: `${places.token}/token`,
  root: `${places.root}/root-cert.pem`,
} as const;

/** What Istio calls a cluster that nobody gave a name (istio-compat I100). */
export const defaultClusterId = 'Kubernetes';

/** As long as Istio's (kubernetes K92); the node renews it when four fifths have passed. */
const tokenSeconds = 43_200;
/** In every namespace (istio-compat I36). */
const rootConfigMap = { name: 'istio-ca-root-cert', key: 'root-cert.pem' };

export function sidecarVolumes({ tokenAudience: audience }: InjectionOptions): NonNullable<Pod['spec']['volumes']> {
  const { key } = rootConfigMap;
  return [
    { name: volumeNames.bootstrap, emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } },
    {
      name: volumeNames.token,
      projected: { sources: [{ serviceAccountToken: { audience, expirationSeconds: tokenSeconds, path: 'token' } }] },
    },
    { name: volumeNames.root, configMap: { name: rootConfigMap.name, items: [{ key, path: 'root-cert.pem' }] } },
  ];
}
