import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { builtOnce } from '../built-once.ts';

/**
 * Builds a Nacos server and a registrar from the Maven project in `test/cluster/nacos`, once for all checkouts of a user: the result
 * is in the cache under a key made of that project.
 */

const project = fileURLToPath(new URL('../../cluster/nacos', import.meta.url));
const name = 'Nacos server';

type Environment = Readonly<Record<string, string | undefined>>;

export interface BuildOptions {
  /** Folder that holds what is built. */
  readonly cache: string;
  readonly environment: Environment;
  /** Told now and then how far it is: with an empty cache this takes a minute. */
  readonly say: (line: string) => void;
}

/**
 * Folder with `nacos-for-tests.jar` and `libraries`; built when it is not there. Of several that ask at the same time one builds, and
 * the others wait for it.
 *
 * @throws when there is no Maven, or the build fails
 */
export async function buildNacos({ cache, environment, say }: BuildOptions): Promise<string> {
  return builtOnce({
    name,
    target: join(cache, `nacos-${await keyOfProject()}`),
    say,
    build: (scratch) => build(scratch, environment, say),
  });
}

/** Changes with everything that the result depends on. */
async function keyOfProject(): Promise<string> {
  const hash = createHash('sha256');
  for (const path of await sources()) hash.update(path).update(await readFile(join(project, path)));
  return hash.digest('hex').slice(0, 16);
}

async function sources(): Promise<readonly string[]> {
  const java = await readdir(join(project, 'src'), { recursive: true });
  const paths = java.filter((path) => path.endsWith('.java')).map((path) => join('src', path));
  return ['pom.xml', ...paths.toSorted()];
}

async function build(folder: string, environment: Environment, say: (line: string) => void): Promise<void> {
  const started = performance.now();
  say(
    `${name}: building it, once for this user; with an empty Maven repository that downloads 190 MB, in about a minute`,
  );
  const source = join(folder, 'source');
  for (const path of await sources()) await cp(join(project, path), join(source, path));
  await runMaven(['--batch-mode', '--no-transfer-progress', '--quiet', 'package'], source, environment);
  for (const built of ['nacos-for-tests.jar', 'libraries']) {
    await rename(join(source, 'target', built), join(folder, built));
  }
  await rm(source, { recursive: true });
  say(`${name}: built in ${Math.round((performance.now() - started) / 1000)} s`);
}

async function runMaven(args: readonly string[], cwd: string, env: Environment): Promise<void> {
  const child = spawn('nice', ['-n', '10', 'mvn', ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const words: string[] = [];
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (line) => {
      if (line.includes('ERROR') || !line.startsWith('[')) words.push(line);
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`mvn package in ${project} failed: ${words.slice(0, 8).join('; ')}`);
}
