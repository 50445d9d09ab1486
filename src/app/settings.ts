import { z } from 'zod';
import { logLevels } from '../observe/log.ts';
import { nacosSettings, nacosSettingsThatBelongTogether, nacosSettingsThatNeedAnother } from './nacos-settings.ts';
import { registrySettings } from './registry-settings.ts';
import { injectionSettings } from './injection-settings.ts';
import {
  dnsLabel,
  dnsName,
  domainName,
  duration,
  durationOrOff,
  filePath,
  hosts,
  labelSelector,
  names,
  namespacedName,
  onOff,
  paths,
  socketAddress,
} from './setting-schemas.ts';
import { xdsSettings } from './xds-settings.ts';

/**
 * Every setting of `weir serve`, in one table: flags, environment variables, keys of the configuration file, `--help`, defaults
 * and the table in `docs/configuration.md` are made from it.
 */

export interface Setting<Value> {
  /** What the user writes -> the value. Text from flags and the environment, text, numbers or lists from the file. */
  readonly schema: z.ZodType<Value>;
  readonly flag: string;
  /** What stands for the value in `--help`, for example `HOST:PORT`; a list ends in `...`; undefined: the flag alone says it. */
  readonly placeholder: string | undefined;
  readonly variable: string;
  /** As the user would write it; undefined: unset. */
  readonly default: string | undefined;
  readonly description: string;
}

export const settings = {
  files: {
    schema: paths,
    flag: 'files',
    placeholder: 'DIR...',
    variable: 'WEIR_FILES',
    default: undefined,
    description:
      'directories of YAML that are the mesh; sub-directories are read as well, and changes take effect at once',
  },
  kubernetes: {
    schema: onOff,
    flag: 'kubernetes',
    placeholder: undefined,
    variable: 'WEIR_KUBERNETES',
    default: undefined,
    description:
      'read the mesh from a Kubernetes cluster: the one that Weir runs in, else the one that kubectl would speak to',
  },
  kubeconfig: {
    schema: filePath,
    flag: 'kubeconfig',
    placeholder: 'FILE',
    variable: 'WEIR_KUBECONFIG',
    default: undefined,
    description: 'kubeconfig of the cluster, in place of the one that is found',
  },
  kubernetesContext: {
    schema: z.string().min(1, { error: 'must name a context' }),
    flag: 'kubernetes-context',
    placeholder: 'NAME',
    variable: 'WEIR_KUBERNETES_CONTEXT',
    default: undefined,
    description: 'context of the kubeconfig, in place of its current one',
  },
  kubernetesNamespaces: {
    schema: names,
    flag: 'kubernetes-namespaces',
    placeholder: 'NAME...',
    variable: 'WEIR_KUBERNETES_NAMESPACES',
    default: undefined,
    description: 'ask the cluster for the objects of these namespaces only',
  },
  kubernetesNamespaceSelector: {
    schema: labelSelector,
    flag: 'kubernetes-namespace-selector',
    placeholder: 'SELECTOR',
    variable: 'WEIR_KUBERNETES_NAMESPACE_SELECTOR',
    default: undefined,
    description:
      'take only the objects of namespaces whose labels match, for example weir.dev/discovery=enabled; the others are read and held back',
  },
  kubernetesMeshConfig: {
    schema: namespacedName,
    flag: 'kubernetes-mesh-config',
    placeholder: 'NAMESPACE/NAME',
    variable: 'WEIR_KUBERNETES_MESH_CONFIG',
    default: undefined,
    description: 'ConfigMap with the settings of the mesh (MeshConfig), as text under its key `mesh`',
  },
  kubernetesRemoteSecrets: {
    schema: z.string().regex(dnsLabel, { error: 'must be the name of a namespace' }),
    flag: 'kubernetes-remote-secrets',
    placeholder: 'NAMESPACE',
    variable: 'WEIR_KUBERNETES_REMOTE_SECRETS',
    default: undefined,
    description:
      'namespace of Secrets with the label weir.dev/remote-cluster=true, whose entries are kubeconfigs of further clusters',
  },
  ...nacosSettings,
  ...xdsSettings,
  jwksHosts: {
    schema: hosts,
    flag: 'jwks-hosts',
    placeholder: 'HOST...',
    variable: 'WEIR_JWKS_HOSTS',
    default: undefined,
    description:
      'hosts, or HOST:PORT, from which keys of tokens are fetched, whatever their addresses; without it all hosts whose addresses are not ' +
      'of this machine, the link or a metadata service',
  },
  trustDomain: {
    schema: z.string().regex(/^[a-z0-9._-]{1,255}$/, {
      error: 'must be a trust domain of SPIFFE: lower-case letters, digits, dots, dashes and underscores',
    }),
    flag: 'trust-domain',
    placeholder: 'NAME',
    variable: 'WEIR_TRUST_DOMAIN',
    default: 'cluster.local',
    description: 'trust domain of the mesh: the first part of the identity of every workload',
  },
  caDir: {
    schema: z.string().min(1, { error: 'must name a directory' }),
    flag: 'ca-dir',
    placeholder: 'DIR',
    variable: 'WEIR_CA_DIR',
    default: undefined,
    description:
      'directory with the certificate authority of the mesh, which is made there where there is none; ca-cert.pem, ca-key.pem, root-cert.pem and cert-chain.pem plug in another one',
  },
  caSecret: {
    schema: namespacedName,
    flag: 'ca-secret',
    placeholder: 'NAMESPACE/NAME',
    variable: 'WEIR_CA_SECRET',
    default: undefined,
    description: 'Secret with the certificate authority of the mesh, in place of a directory; all replicas share it',
  },
  certificateLifetime: {
    schema: duration.refine((milliseconds) => milliseconds >= 60_000 && milliseconds <= 90 * 86_400_000, {
      error: 'must be from 1m to 2160h (90 days)',
    }),
    flag: 'certificate-lifetime',
    placeholder: 'DURATION',
    variable: 'WEIR_CERTIFICATE_LIFETIME',
    default: '24h',
    description:
      'lifetime of the certificates of workloads that ask for none; two thirds of it, of an Istio agent half, is how long Weir may be away',
  },
  domain: {
    schema: domainName,
    flag: 'domain',
    placeholder: 'DOMAIN',
    variable: 'WEIR_DOMAIN',
    default: 'cluster.local',
    description: 'cluster domain, behind `svc.` in the full names of services',
  },
  admin: {
    schema: socketAddress,
    flag: 'admin',
    placeholder: 'HOST:PORT',
    variable: 'WEIR_ADMIN',
    default: '127.0.0.1:15014',
    description: 'address of the admin server (/ready, /status, /metrics); port 0 takes a free one',
  },
  kubernetesStatusLease: {
    schema: namespacedName,
    flag: 'kubernetes-status-lease',
    placeholder: 'NAMESPACE/NAME',
    variable: 'WEIR_KUBERNETES_STATUS_LEASE',
    default: undefined,
    description:
      'write what became of objects into their status, and the roots of the mesh into every namespace, by the one replica that holds this Lease; it is made where there is none',
  },
  webhook: {
    schema: socketAddress,
    flag: 'webhook',
    placeholder: 'HOST:PORT',
    variable: 'WEIR_WEBHOOK',
    default: undefined,
    description:
      'answer reviews of a ValidatingWebhookConfiguration on this address, by HTTPS on /validate; port 0 takes a free one',
  },
  webhookCert: {
    schema: filePath,
    flag: 'webhook-cert',
    placeholder: 'FILE',
    variable: 'WEIR_WEBHOOK_CERT',
    default: undefined,
    description: 'PEM file of its certificate and those between it and its authority; read again when it changes',
  },
  webhookKey: {
    schema: filePath,
    flag: 'webhook-key',
    placeholder: 'FILE',
    variable: 'WEIR_WEBHOOK_KEY',
    default: undefined,
    description: 'PEM file of the private key of that certificate; read again when it changes',
  },
  webhookConfiguration: {
    schema: z.string().regex(dnsName, { error: 'must be the name of a configuration of webhooks' }),
    flag: 'webhook-configuration',
    placeholder: 'NAME',
    variable: 'WEIR_WEBHOOK_CONFIGURATION',
    default: undefined,
    description:
      'ValidatingWebhookConfiguration, and with --inject-image the MutatingWebhookConfiguration, whose caBundle is kept in step with --webhook-ca',
  },
  webhookCa: {
    schema: filePath,
    flag: 'webhook-ca',
    placeholder: 'FILE',
    variable: 'WEIR_WEBHOOK_CA',
    default: undefined,
    description: "PEM file of the authorities of the webhook's certificate; read again every 30 s",
  },
  ...injectionSettings,
  routeDelivery: {
    schema: z.enum(['route-configuration', 'virtual-hosts'], {
      error: 'must be route-configuration or virtual-hosts',
    }),
    flag: 'route-delivery',
    placeholder: 'FORM',
    variable: 'WEIR_ROUTE_DELIVERY',
    default: 'route-configuration',
    description:
      'how proxies get the routes of a port that services share: route-configuration, as a whole; or virtual-hosts, host by host, to each Envoy ' +
      'from 1.40 on with incremental xDS and without an Istio agent',
  },
  ...registrySettings,
  auditInterval: {
    schema: durationOrOff,
    flag: 'audit-interval',
    placeholder: 'DURATION',
    variable: 'WEIR_AUDIT_INTERVAL',
    default: '10m',
    description:
      'time between two audits, in which everything that was computed step by step is computed again, compared and put right; or off',
  },
  logLevel: {
    schema: z.enum(logLevels, { error: `must be one of ${logLevels.join(', ')}` }),
    flag: 'log-level',
    placeholder: 'LEVEL',
    variable: 'WEIR_LOG_LEVEL',
    default: 'info',
    description: 'least important entries that are logged: error, warn, info or debug',
  },
  logFormat: {
    schema: z.enum(['auto', 'json', 'text'], { error: 'must be one of auto, json, text' }),
    flag: 'log-format',
    placeholder: 'FORMAT',
    variable: 'WEIR_LOG_FORMAT',
    default: 'auto',
    description: 'json, text, or auto: text on a terminal and JSON elsewhere; the log is always on standard error',
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>;

export type SettingKey = keyof typeof settings;

/** Settings that mean something only together. */
export const settingsThatBelongTogether: readonly (readonly SettingKey[])[] = [
  ['xdsTlsCert', 'xdsTlsKey', 'xdsTlsClientCa'],
  ['webhook', 'webhookCert', 'webhookKey'],
  ['webhookConfiguration', 'webhookCa'],
  ...nacosSettingsThatBelongTogether,
];

/** Settings that mean something only beside another one. */
export const settingsThatNeedAnother: Readonly<Partial<Record<SettingKey, SettingKey>>> = {
  kubeconfig: 'kubernetes',
  kubernetesContext: 'kubernetes',
  kubernetesNamespaces: 'kubernetes',
  kubernetesNamespaceSelector: 'kubernetes',
  kubernetesMeshConfig: 'kubernetes',
  kubernetesRemoteSecrets: 'kubernetes',
  kubernetesStatusLease: 'kubernetes',
  webhookConfiguration: 'kubernetes',
  caSecret: 'kubernetes',
  ...nacosSettingsThatNeedAnother,
  injectImage: 'webhook',
  xdsTlsCert: 'xdsTls',
};

/** Settings that mean something only beside one of others. */
export const settingsThatNeedOneOf: readonly (readonly [SettingKey, readonly [SettingKey, ...SettingKey[]]])[] = [
  ['xdsTls', ['xdsTlsCert', 'caDir', 'caSecret']],
];

/** Settings that say the same in different ways. */
export const settingsThatExclude: readonly (readonly [SettingKey, SettingKey])[] = [
  ['caDir', 'caSecret'],
  ['nacosUsername', 'nacosAccessKey'],
];

export const settingKeys = Object.keys(settings) as readonly SettingKey[];

/** The flag and the variable that name a file of settings; it cannot itself be a setting of that file. */
export const configFile = {
  flag: 'config',
  placeholder: 'FILE',
  variable: 'WEIR_CONFIG',
  description: 'YAML or JSON file with settings; flags and environment variables win over it',
} as const;

/** What each setting is once it is read; undefined where it is unset and has no default. */
export type Settings = {
  readonly [Key in SettingKey]:
    | z.output<(typeof settings)[Key]['schema']>
    | (undefined extends (typeof settings)[Key]['default'] ? undefined : never);
};
