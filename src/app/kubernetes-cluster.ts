import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ApiError } from '../discovery/kubernetes/api/api-client.ts';
import type { ApiCluster } from '../discovery/kubernetes/api/cluster.ts';
import { inCluster } from '../discovery/kubernetes/api/in-cluster.ts';
import { readKubeconfigFiles } from '../discovery/kubernetes/api/kubeconfig.ts';
import type { Settings } from './settings.ts';

/** No cluster was found, or how to reach it cannot be read. The message says what was tried and what to do. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
}

export interface Surroundings {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** The user's directory. */
  readonly home: string;
}

/**
 * The cluster that Weir is to read: that of the kubeconfig or context that is named, else the one that it runs in, else the one that kubectl
 * would speak to.
 *
 * @throws ClusterError
 */
export async function findCluster(
  { kubeconfig, kubernetesContext }: Pick<Settings, 'kubeconfig' | 'kubernetesContext'>,
  surroundings: Surroundings,
): Promise<ApiCluster> {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = surroundings.variables;
  try {
    if (kubeconfig === undefined && kubernetesContext === undefined && host !== '')
      return await inCluster({ host, port });
    return await clusterOf(kubeconfig === undefined ? kubeconfigsOf(surroundings) : [kubeconfig], kubernetesContext);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // Its message says what was tried.
    throw new ClusterError(`${error.message}: name another kubeconfig by --kubeconfig`, { cause: error });
  }
}

async function clusterOf(paths: readonly string[], context: string | undefined): Promise<ApiCluster> {
  const reading = await readKubeconfigFiles(paths, context === undefined ? {} : { context });
  if (reading.kind === 'valid') return reading.value;
  const lines = reading.violations.map(({ code, path: field, message, advice }) => {
    const place = [...(paths.length === 1 ? paths : []), field].filter((part) => part !== '').join(': ');
    return `${place}: ${code} ${message}: ${advice}`;
  });
  throw new ClusterError(lines.join('\n'));
}

/** As kubectl finds it: several files of `KUBECONFIG` are one kubeconfig. */
function kubeconfigsOf({ variables, home }: Surroundings): readonly string[] {
  const paths = (variables['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  if (paths.length > 0) return paths;
  const usual = join(home, '.kube', 'config');
  if (existsSync(usual)) return [usual];
  throw new ClusterError(
    `no cluster was found: Weir runs in no pod (KUBERNETES_SERVICE_HOST is not set), KUBECONFIG is not set, and there is no ${usual}: ` +
      'name a kubeconfig by --kubeconfig',
  );
}
