import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Option } from 'commander';
import type { Host } from '../app/host.ts';
import { weirVersion } from '../app/version.ts';
import { ApiError, type ApiClient } from '../discovery/kubernetes/api/api-client.ts';
import type { TimedClock } from '../discovery/kubernetes/api/timed-clock.ts';
import type { ApiCluster } from '../discovery/kubernetes/api/cluster.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

/** The cluster that a command works on: that of a kubeconfig, as kubectl finds it. */

export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
}

export function clusterOptions(): readonly Option[] {
  return [
    new Option('--kubeconfig <FILE>', 'kubeconfig that names the cluster (default: ~/.kube/config, env: KUBECONFIG)'),
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
    throw explained(error);
  }
}

/** Loaded only here, so that the other commands start quickly. */
async function connect(host: Host, flags: ClusterFlags): Promise<ApiClient> {
  const [{ createApiClient }, { serverClock, sourceClock }] = await Promise.all([
    import('../discovery/kubernetes/api/create-api-client.ts'),
    import('../app/system-clock.ts'),
  ]);
  const clock: TimedClock = {
    ...sourceClock,
    after: (milliseconds, callback) => serverClock.after(milliseconds, callback),
  };
  const cluster = await chosenCluster(host, flags);
  return createApiClient(cluster, { clock, userAgent: `weir/${weirVersion}`, variables: host.environment });
}

async function chosenCluster({ environment }: Host, { kubeconfig, context }: ClusterFlags): Promise<ApiCluster> {
  const { readKubeconfigFile } = await import('../discovery/kubernetes/api/kubeconfig.ts');
  const named = (environment['KUBECONFIG'] ?? '').split(delimiter).find((path) => path !== '');
  const path = kubeconfig ?? named ?? join(environment['HOME'] ?? homedir(), '.kube', 'config');
  const reading = await readKubeconfigFile(path, context === undefined ? {} : { context });
  if (reading.kind === 'valid') return reading.value;
  const problems = reading.violations.map(({ path: field, message, advice }) => `${field}: ${message}: ${advice}`);
  throw new CommandError(exitCodes.usage, `the kubeconfig ${path} is of no use\n${problems.join('\n')}`);
}

function explained(error: unknown): unknown {
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
