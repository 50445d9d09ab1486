import { Option } from 'commander';
import type { Host } from '../app/host.ts';
import type { OfflineMesh } from '../app/offline-mesh.ts';
import { describeError } from '../observe/log.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

/** The option of the commands that read a mesh without serving it. */
export function filesOption(): Option {
  return new Option('--files <DIR...>', 'directories of YAML that are the mesh').makeOptionMandatory();
}

/** The option of the commands that know no proxy whose domain they could take. */
export function domainOption(): Option {
  return new Option('--domain <DOMAIN>', 'cluster domain, behind `svc.` in the names of services').default(
    'cluster.local',
  );
}

/** Reads the mesh; what keeps it from being read at all ends the command. */
export async function readMeshFiles(host: Host, directories: readonly string[], domain: string): Promise<OfflineMesh> {
  const [{ readMesh }, { DirectoryError }] = await Promise.all([
    import('../app/offline-mesh.ts'),
    import('../discovery/file/directory-error.ts'),
  ]);
  try {
    return readMesh(directories, domain, ({ query, key, error }) =>
      host.err.write(`weir: this is a bug of Weir: ${query}(${key}): ${describeError(error)}\n`),
    );
  } catch (error) {
    if (!(error instanceof DirectoryError)) throw error;
    throw new CommandError(exitCodes.failure, `${error.message}: ${error.advice}`, error);
  }
}
