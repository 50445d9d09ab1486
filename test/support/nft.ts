import { execFile } from 'node:child_process';
import { access, chmod, constants, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../src/app/envoy-binary.ts';

/**
 * Where to find nft: the PATH, or packages of Debian in the user's cache folder, which are fetched once and installed nowhere.
 */

type Environment = Readonly<Record<string, string | undefined>>;

const run = promisify(execFile);
/** What a machine without nft may lack. */
const packages = ['nftables', 'libnftables1', 'libnftnl11', 'libmnl0', 'libjansson4', 'libxtables12', 'libedit2'];

/** @returns the folder that nft is in; rejects when there is none and none can be fetched */
export async function nftFolder(environment: Environment): Promise<string> {
  const cached = join(cacheFolder(environment), 'nft');
  for (const folder of [...(environment['PATH'] ?? '').split(delimiter), cached]) {
    if (folder !== '' && (await isExecutable(join(folder, 'nft')))) return folder;
  }
  await mkdir(cacheFolder(environment), { recursive: true });
  const scratch = await mkdtemp(join(cacheFolder(environment), 'nft-'));
  try {
    await run('apt-get', ['download', '--quiet', ...packages], { cwd: scratch });
    const archives = (await readdir(scratch)).filter((name) => name.endsWith('.deb'));
    for (const archive of archives) await run('dpkg-deb', ['--extract', archive, 'root'], { cwd: scratch });
    const launcher = join(scratch, 'nft');
    await writeFile(launcher, script);
    await chmod(launcher, 0o755);
    await rename(scratch, cached).catch(async (error: unknown) => {
      // Somebody else was faster.
      if (!(await isExecutable(join(cached, 'nft')))) throw error;
    });
    return cached;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const script = `#!/bin/sh
root="$(dirname "$0")/root"
LD_LIBRARY_PATH="$(echo "$root"/usr/lib/*-linux-gnu)" exec "$root/usr/sbin/nft" "$@"
`;

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
