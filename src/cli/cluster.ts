import { homedir } from 'node:os';
import { Option } from 'commander';
import type { Host } from '../app/host.ts';
import { weirVersion } from '../app/version.ts';
import { ApiError, type ApiClient } from '../discovery/kubernetes/api/api-client.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

/** The cluster that a command works on. */

export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
}

export function clusterOptions(): readonly Option[] {
  return [
    new Option('--kubeconfig <FILE>', 'kubeconfig of the cluster (default: that of kubectl)'),
    new Option('--context <NAME>', 'context of the kubeconfig (default: its current one)'),
  ];
}

/**
 * Opens a client of the cluster, and closes it when the work is done.
 *
 * @throws CommandError when there is no such cluster, it cannot be reached, or it refuses
 */
export async function withCluster(
  host: Host,
  flags: ClusterFlags,
  work: (client: ApiClient, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const signal = host.untilStopped(() => undefined);
  try {
    const client = await connect(host, flags);
    try {
      await work(client, signal);
    } finally {
      client.close();
    }
  } catch (error) {
    if (signal.aborted) throw new CommandError(exitCodes.failure, 'interrupted: what was done until then stays', error);
    throw await explained(error);
  }
}

/** Loaded only here, so that the other commands start quickly. */
async function connect(host: Host, flags: ClusterFlags): Promise<ApiClient> {
  const [{ findCluster }, { createApiClient }, { timedClock }] = await Promise.all([
    import('../app/kubernetes-cluster.ts'),
    import('../discovery/kubernetes/api/create-api-client.ts'),
    import('../app/system-clock.ts'),
  ]);
  const { environment: variables } = host;
  const { kubeconfig, context: kubernetesContext } = flags;
  const cluster = await findCluster({ kubeconfig, kubernetesContext }, { variables, home: homedir() });
  return createApiClient(cluster, { clock: timedClock, userAgent: `weir/${weirVersion}`, variables });
}

async function explained(error: unknown): Promise<unknown> {
  const { ClusterError } = await import('../app/kubernetes-cluster.ts');
  if (error instanceof ClusterError) return new CommandError(exitCodes.usage, error.message, error);
  if (error instanceof ApiError) {
    const exitCode = error.failure === 'refused' ? exitCodes.failure : exitCodes.unavailable;
    return new CommandError(exitCode, error.message, error);
  }
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return new CommandError(
      exitCodes.unavailable,
      'the API server took too long: see what keeps it busy, and try again',
    );
  }
  return error;
}
