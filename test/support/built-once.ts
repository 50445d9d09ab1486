import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Programs of tests that take minutes to build: built once for all checkouts of a user, whoever asks first. */

/** Milliseconds between two signs of life of who builds, and after which it is taken for dead. */
const heartbeat = 5_000;
const patience = 30_000;

export interface OnceOptions {
  /** What is built, for people. */
  readonly name: string;
  /** The folder to have; its name changes with everything that the result depends on. */
  readonly target: string;
  /** Told when it waits for another. */
  readonly say: (line: string) => void;
  /** Fills a folder, which takes the place of the target when it is whole. */
  readonly build: (scratch: string) => Promise<void>;
}

/**
 * Builds the folder when it is not there. Of several that ask at the same time one builds, and the others wait for it.
 *
 * @throws what the build throws
 */
export async function builtOnce({ name, target, say, build }: OnceOptions): Promise<string> {
  await mkdir(dirname(target), { recursive: true });
  const lock = `${target}.lock`;
  for (let isWaiting = false; !(await exists(target)); isWaiting = true) {
    if (await take(lock)) {
      const beat = setInterval(() => void utimes(lock, new Date(), new Date()).catch(() => undefined), heartbeat);
      try {
        if (!(await exists(target))) await buildInPlace(target, build);
      } finally {
        clearInterval(beat);
        await rm(lock, { force: true });
      }
    } else {
      if (!isWaiting) say(`${name}: waiting for another process that builds it (${lock})`);
      await delay(1_000);
    }
  }
  return target;
}

/** Builds beside the target and renames into place: what is in place is whole. */
async function buildInPlace(target: string, build: OnceOptions['build']): Promise<void> {
  const [folder, prefix] = [dirname(target), `${basename(target)}.building-`];
  for (const name of await readdir(folder)) {
    // Left by a builder that was killed.
    if (name.startsWith(prefix)) await rm(join(folder, name), { recursive: true, force: true });
  }
  const scratch = await mkdtemp(join(folder, prefix));
  try {
    await build(scratch);
    await rename(scratch, target);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Whether the lock is ours now. One without a sign of life is removed, so that the next attempt has it. */
async function take(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, `${process.pid}\n`, { flag: 'wx' });
    return true;
  } catch {
    const age = await stat(lock).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > patience) await rm(lock, { force: true });
    return false;
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
