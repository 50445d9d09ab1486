import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { OutgoingHttpHeaders } from 'node:http';
import type { RequestOptions } from 'node:https';
import { describeError } from '../../../observe/log.ts';
import { readYamlDocument } from '../../yaml/document.ts';
import { errorAt, readBy, type Reading } from '../objects/violations.ts';
import { ApiError } from './api-client.ts';
import type { ApiCluster, CredentialPlugIn, Credentials, Pem } from './cluster.ts';
import { chooseContext, type KubeconfigPart } from './kubeconfig-context.ts';
import {
  kubeconfigForm,
  type ChosenContext,
  type ClusterForm,
  type KubeconfigForm,
  type PlugInForm,
} from './kubeconfig-form.ts';
import { unsafeFields, unsupportedFields } from './kubeconfig-rules.ts';

export interface KubeconfigOptions {
  /** undefined: the kubeconfig's current one. */
  readonly context?: string;
  /** Somebody else wrote it: nothing in it may reach into this machine (K115). */
  readonly isForeign?: boolean;
}

/**
 * Reads kubeconfig files that are one kubeconfig together. One of several may be missing, as with kubectl.
 *
 * @throws ApiError `credentials` when one cannot be read, or none is there
 */
export async function readKubeconfigFiles(
  paths: readonly string[],
  options: KubeconfigOptions = {},
): Promise<Reading<ApiCluster>> {
  const read = await Promise.all(paths.map((path) => textOf(path, paths.length > 1)));
  const files = read.filter((file) => file !== undefined);
  if (files.length === 0) throw new ApiError('credentials', `there is no kubeconfig ${paths.join(' or ')}`);
  return readFiles(files, options);
}

/** Reads the text of a kubeconfig: the cluster of its context, or everything that is wrong with it. */
export function readKubeconfig(text: string, options: KubeconfigOptions = {}): Reading<ApiCluster> {
  return readFiles([{ text, directory: '.', place: '' }], options);
}

interface KubeconfigText extends Omit<KubeconfigPart, 'form'> {
  readonly text: string;
}

async function textOf(path: string, isOneOfSeveral: boolean): Promise<KubeconfigText | undefined> {
  try {
    const text = await readFile(path, 'utf8');
    return { text, directory: dirname(resolve(path)), place: isOneOfSeveral ? `${path}: ` : '' };
  } catch (error) {
    if (isOneOfSeveral && error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    const message = `the kubeconfig ${path} cannot be read: ${describeError(error)}`;
    throw new ApiError('credentials', message, { cause: error });
  }
}

function readFiles(files: readonly KubeconfigText[], options: KubeconfigOptions): Reading<ApiCluster> {
  const parts = files.map((file) => ({ file, form: readForm(file) }));
  const broken = parts.flatMap(({ form }) => (form.kind === 'invalid' ? form.violations : []));
  if (broken.length > 0) return { kind: 'invalid', violations: broken };
  const valid = parts.flatMap(({ file, form }) => (form.kind === 'valid' ? [{ ...file, form: form.value }] : []));
  const chosen = chooseContext(valid, options.context);
  if (chosen.kind === 'invalid') return chosen;
  const violations = [
    ...(options.isForeign === true ? unsafeFields(chosen.value) : []),
    ...unsupportedFields(chosen.value),
    ...serverViolations(chosen.value),
  ];
  if (violations.length > 0) return { kind: 'invalid', violations };
  return { kind: 'valid', value: clusterOf(chosen.value) };
}

function readForm({ text, place }: KubeconfigText): Reading<KubeconfigForm> {
  const document = readYamlDocument(text);
  if (document.kind === 'broken') {
    const message = `the kubeconfig is not YAML: line ${document.line + 1}: ${document.message}`;
    return { kind: 'invalid', violations: [errorAt('WEIR2102', place, message, document.advice)] };
  }
  const reading = readBy(kubeconfigForm, document.kind === 'blank' ? {} : document.value);
  if (reading.kind === 'valid') return reading;
  return { kind: 'invalid', violations: reading.violations.map((each) => ({ ...each, path: `${place}${each.path}` })) };
}

function serverViolations({ cluster, clusterPath }: ChosenContext) {
  if (/^https?:$/.test(URL.parse(cluster.server)?.protocol ?? '')) return [];
  const message = `${JSON.stringify(cluster.server)} is no address of an API server`;
  return [errorAt('WEIR2102', `${clusterPath}.server`, message, 'write it like https://10.0.0.1:6443')];
}

function clusterOf(chosen: ChosenContext): ApiCluster {
  const { cluster, clusterDirectory, user, userDirectory, namespace } = chosen;
  const authorities = pem(cluster['certificate-authority-data'], cluster['certificate-authority'], clusterDirectory);
  const certificate = pem(user['client-certificate-data'], user['client-certificate'], userDirectory);
  const key = pem(user['client-key-data'], user['client-key'], userDirectory);
  const tlsServerName = cluster['tls-server-name'] ?? '';
  return {
    server: cluster.server.replace(/\/$/, ''),
    ...(cluster['proxy-url'] ? { proxy: cluster['proxy-url'] } : {}),
    ...(authorities && { authorities }),
    ...(tlsServerName !== '' && { tlsServerName }),
    ...(cluster['insecure-skip-tls-verify'] === true && { skipsTlsVerification: true }),
    ...(certificate && key && { clientCertificate: { certificate, key } }),
    ...(namespace !== undefined && namespace !== '' && { namespace }),
    credentials: credentialsOf(chosen),
  };
}

/** Where there are several, the one that is renewed by itself counts, as in client-go. */
function credentialsOf(chosen: ChosenContext): Credentials {
  const { user, cluster, userDirectory: directory } = chosen;
  if (user.exec) return { kind: 'plug-in', plugIn: plugInOf(user.exec, cluster, directory) };
  if (user['auth-provider']) return { kind: 'provider', authorization: authorizationBy(chosen) };
  if (user.tokenFile) return { kind: 'token-file', path: resolve(directory, user.tokenFile) };
  if (user.token) return { kind: 'token', token: user.token };
  if (user.username) return { kind: 'basic', username: user.username, password: user.password ?? '' };
  return { kind: 'none' };
}

function plugInOf(exec: PlugInForm, cluster: ClusterForm, directory: string): CredentialPlugIn {
  const { command } = exec;
  return {
    apiVersion: exec.apiVersion ?? 'client.authentication.k8s.io/v1',
    // A bare name is looked for in PATH, a path begins where the kubeconfig is.
    command: command.includes('/') ? resolve(directory, command) : command,
    args: exec.args ?? [],
    environment: Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value])),
    cluster:
      exec.provideClusterInfo === true
        ? {
            server: cluster.server,
            'tls-server-name': cluster['tls-server-name'] ?? undefined,
            'insecure-skip-tls-verify': cluster['insecure-skip-tls-verify'] ?? undefined,
            'certificate-authority-data': cluster['certificate-authority-data'] ?? undefined,
          }
        : undefined,
    installHint: exec.installHint ?? undefined,
  };
}

/**
 * The login flows of `auth-provider` (OpenID Connect and those of clouds) are the library's business: 54 MB on disk and half a second, in
 * which nothing else happens, so that nobody else loads it (K3).
 */
function authorizationBy({ cluster, user }: ChosenContext): () => Promise<string | undefined> {
  const name = 'chosen';
  const text = JSON.stringify({
    'current-context': name,
    contexts: [{ name, context: { cluster: name, user: name } }],
    clusters: [{ name, cluster }],
    users: [{ name, user }],
  });
  let loaded: Promise<{ applyToHTTPSOptions(options: RequestOptions): Promise<void> }> | undefined;
  const load = async () => {
    const { KubeConfig } = await import('@kubernetes/client-node');
    const config = new KubeConfig();
    config.loadFromString(text);
    return config;
  };
  return async () => {
    loaded ??= load();
    const options: RequestOptions & { headers: OutgoingHttpHeaders } = { headers: {} };
    await (await loaded).applyToHTTPSOptions(options);
    const value = options.headers['Authorization'];
    return typeof value === 'string' ? value : undefined;
  };
}

function pem(data: string | null | undefined, path: string | null | undefined, directory: string): Pem | undefined {
  if (data) return { kind: 'text', text: Buffer.from(data, 'base64').toString('utf8') };
  if (path) return { kind: 'file', path: resolve(directory, path) };
  return undefined;
}
