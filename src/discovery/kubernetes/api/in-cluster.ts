import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from '../../../observe/log.ts';
import { ApiError } from './api-client.ts';
import type { ApiCluster } from './cluster.ts';

/** What a pod finds of its cluster. */
export interface PodSurroundings {
  /** Value of `KUBERNETES_SERVICE_HOST`. */
  readonly host: string;
  /** Value of `KUBERNETES_SERVICE_PORT`. */
  readonly port: string;
  /** Where the files of the service account are mounted. */
  readonly directory?: string;
}

const mountedAt = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The cluster in which Weir itself runs, as whom its service account is.
 *
 * @throws ApiError `credentials` when the pod has no service account
 */
export async function inCluster({ host, port, directory = mountedAt }: PodSurroundings): Promise<ApiCluster> {
  const address = host.includes(':') ? `[${host}]` : host;
  return {
    server: `https://${address}:${port}`,
    authorities: { kind: 'file', path: join(directory, 'ca.crt') },
    credentials: { kind: 'token-file', path: join(directory, 'token') },
    namespace: await readNamespace(join(directory, 'namespace')),
  };
}

async function readNamespace(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    const message = `${path} cannot be read, so that this pod has no service account: ${describeError(error)}`;
    throw new ApiError('credentials', message, { cause: error });
  }
}
