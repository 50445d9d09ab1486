import { execFile } from 'node:child_process';
import { cp, mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');

/**
 * Lays out what the Dockerfile puts into the image as `/weir`, out of this checkout: the compiled program, the libraries that it needs
 * while it runs, and no others.
 */
export async function layOutPackage(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await run(process.execPath, ['build.ts', join(folder, 'dist')], { cwd: root });
  const files = ['package.json', 'LICENSE', 'deploy/manifests/weir.yaml', ...(await libraries())];
  for (const file of files) await cp(join(root, file), join(folder, file), { recursive: true });
}

/** Folders of the packages without which the program does not run. */
async function libraries(): Promise<readonly string[]> {
  const { stdout } = await run('npm', ['ls', '--all', '--parseable', '--omit=dev', '--omit=optional'], { cwd: root });
  const folders = stdout.split('\n').map((path) => relative(root, path));
  // Those within others go along with them.
  return folders.filter((path) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path));
}
