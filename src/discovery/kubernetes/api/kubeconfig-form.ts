import { z } from 'zod';

/** The fields of a kubeconfig (client-go's `clientcmd/api/v1`) that say where a cluster is and as whom to speak to it. */

const text = z.string().nullish();

const plugIn = z.object({
  apiVersion: z.string().nullish(),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  installHint: text,
  provideClusterInfo: z.boolean().nullish(),
});

const cluster = z.object({
  server: z.string().min(1),
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': z.boolean().nullish(),
  'tls-server-name': text,
  'proxy-url': text,
});

const user = z.object({
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  token: text,
  tokenFile: text,
  username: text,
  password: text,
  as: text,
  'as-uid': text,
  'as-groups': z.array(z.string()).nullish(),
  'as-user-extra': z.record(z.string(), z.array(z.string())).nullish(),
  exec: plugIn.nullish(),
  'auth-provider': z.looseObject({ name: z.string() }).nullish(),
});

const context = z.object({ cluster: z.string(), user: text, namespace: text });

export const kubeconfigForm = z.object({
  'current-context': text,
  clusters: z.array(z.object({ name: z.string(), cluster })).nullish(),
  contexts: z.array(z.object({ name: z.string(), context })).nullish(),
  users: z.array(z.object({ name: z.string(), user: user.nullish() })).nullish(),
});

export type KubeconfigForm = z.output<typeof kubeconfigForm>;
export type ClusterForm = z.output<typeof cluster>;
export type UserForm = z.output<typeof user>;
export type PlugInForm = z.output<typeof plugIn>;

/** A context and what it names, with their paths for those who wrote them. */
export interface ChosenContext {
  readonly namespace: string | undefined;
  readonly cluster: ClusterForm;
  /** For example `clusters[0].cluster`. */
  readonly clusterPath: string;
  /** Where relative paths in the cluster begin. */
  readonly clusterDirectory: string;
  readonly user: UserForm;
  /** For example `users[0].user`. */
  readonly userPath: string;
  readonly userDirectory: string;
}
