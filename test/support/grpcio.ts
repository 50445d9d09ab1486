import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { env } from 'node:process';
import { promisify } from 'node:util';
import { cacheFolder } from '../../src/app/envoy-binary.ts';
import { announceSkip, isRequired } from './envoy.ts';

/** gRPC's C core, by way of its Python package: a client that shares nothing with the one for Node. */

const version = '1.85.0';
const run = promisify(execFile);

/**
 * Folder to put on `PYTHONPATH` so that `import grpc` works; fetched with pip once, and shared by every checkout.
 *
 * @returns undefined where it cannot be had, unless `WEIR_REQUIRE` lists `grpcio`
 */
export async function grpcioForTests(): Promise<string | undefined> {
  const folder = join(cacheFolder(env), `grpcio-${version}`);
  try {
    if (!(await works(folder))) await fetch(folder);
    return folder;
  } catch (error) {
    if (isRequired('grpcio')) throw error;
    announceSkip('tests with gRPC in Python', `python3 -m pip install grpcio==${version} failed: ${String(error)}`);
    return undefined;
  }
}

async function works(folder: string): Promise<boolean> {
  return access(join(folder, 'grpc', '__init__.py')).then(
    () => true,
    () => false,
  );
}

/** Installs beside the target and renames into place, so that processes that fetch at the same time all end with a whole one. */
async function fetch(folder: string): Promise<void> {
  const parent = join(folder, '..');
  await mkdir(parent, { recursive: true });
  const scratch = await mkdtemp(join(parent, 'fetch-'));
  try {
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary=:all:'];
    await run('python3', [...pip, '--target', scratch, `grpcio==${version}`]);
    await rename(scratch, folder).catch(async (error: unknown) => {
      if (!(await works(folder))) throw error;
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
