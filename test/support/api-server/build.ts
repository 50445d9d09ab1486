import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/**
 * Builds the programs of a Kubernetes control plane from the Go module in `test/cluster/apiserver`, once for all checkouts of a
 * user: the result is in the cache under a key made of everything that it depends on.
 */

const module = fileURLToPath(new URL('../../cluster/apiserver', import.meta.url));
const helm = 'helm.sh/helm/v3/cmd/helm';
/** Names under which the one program is each of its parts; see `main.go`. */
const parts = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl'];
/** Milliseconds between two signs of life of who builds, and after which it is taken for dead. */
const heartbeat = 5_000;
const patience = 30_000;
const progressInterval = 20_000;

type Environment = Readonly<Record<string, string | undefined>>;

const run = promisify(execFile);

export interface BuildOptions {
  /** Folder that holds what is built. */
  readonly cache: string;
  readonly environment: Environment;
  /** Told now and then how far it is: with an empty cache this takes minutes. */
  readonly say: (line: string) => void;
}

/**
 * Folder with `etcd`, `kube-apiserver`, `kube-controller-manager`, `kubectl` and `helm`; built when it is not there. Of several
 * that ask at the same time one builds, and the others wait for it.
 *
 * @throws when there is no Go, it is too old, or the build fails
 */
export async function buildControlPlane({ cache, environment, say }: BuildOptions): Promise<string> {
  const flags = await buildFlags();
  const go = { ...environment, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOWORK: 'off' };
  const target = join(cache, `kubernetes-${await keyOf(flags, go)}`);
  await mkdir(cache, { recursive: true });
  const lock = `${target}.lock`;
  for (let isWaiting = false; !(await exists(target)); isWaiting = true) {
    if (await take(lock)) {
      const beat = setInterval(() => void utimes(lock, new Date(), new Date()).catch(() => undefined), heartbeat);
      try {
        if (!(await exists(target))) await build(target, flags, { environment: go, say });
      } finally {
        clearInterval(beat);
        await rm(lock, { force: true });
      }
    } else {
      if (!isWaiting) say(`Kubernetes API server: waiting for another process that builds it (${lock})`);
      await delay(1_000);
    }
  }
  return target;
}

/** Changes with everything that the result depends on. */
async function keyOf(flags: readonly string[], environment: Environment): Promise<string> {
  const { stdout: version } = await run('go', ['env', 'GOVERSION', 'GOOS', 'GOARCH'], {
    env: environment,
    cwd: module,
  });
  const hash = createHash('sha256').update([version, ...flags, ...parts].join('\n'));
  const sources = (await readdir(module)).filter((name) => /\.go$|^go\.(mod|sum)$/.test(name)).sort();
  for (const name of sources) hash.update(name).update(await readFile(join(module, name)));
  return hash.digest('hex').slice(0, 16);
}

/** Builds beside the target and renames into place: what is in place is whole. */
async function build(
  target: string,
  flags: readonly string[],
  { environment, say }: Pick<BuildOptions, 'environment' | 'say'>,
): Promise<void> {
  const [folder, prefix] = [dirname(target), `${basename(target)}.building-`];
  for (const name of await readdir(folder)) {
    // Left by a builder that was killed.
    if (name.startsWith(prefix)) await rm(join(folder, name), { recursive: true, force: true });
  }
  const scratch = await mkdtemp(join(folder, prefix));
  const started = performance.now();
  const seconds = (): string => `${Math.round((performance.now() - started) / 1000)} s`;
  try {
    say('Kubernetes API server: building it, once for this user; with empty caches that takes six minutes');
    await compile(['-o', `${scratch}/`, ...flags, '.', helm], environment, (packages) =>
      say(`Kubernetes API server: ${packages} packages compiled after ${seconds()} (all: about 3,000)`),
    );
    for (const part of parts) await symlink(basename(module), join(scratch, part));
    await rename(scratch, target);
    say(`Kubernetes API server: built in ${seconds()}: ${target}`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** @param progress told now and then how many packages have been compiled */
async function compile(
  args: readonly string[],
  environment: Environment,
  progress: (packages: number) => void,
): Promise<void> {
  const child = spawn('nice', ['-n', '10', 'go', 'build', '-v', ...args], {
    cwd: module,
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // With -v the compiler names each package that it has compiled; anything else is what went wrong.
  let packages = 0;
  const words: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (/^[\w./~-]+$/.test(line)) packages++;
    else if (!line.startsWith('go: downloading ')) words.push(line);
  });
  const timer = setInterval(() => progress(packages), progressInterval);
  const [code] = (await once(child, 'close').finally(() => clearInterval(timer))) as [number | null];
  if (code !== 0) throw new Error(`go build in ${module} failed: ${words.slice(-8).join('; ')}`);
}

async function buildFlags(): Promise<readonly string[]> {
  const version = /^\s*k8s\.io\/kubernetes (v\S+)$/m.exec(await readFile(join(module, 'go.mod'), 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${join(module, 'go.mod')} does not require k8s.io/kubernetes`);
  const [major = '', minor = ''] = version.slice(1).split('.');
  // The version that the programs say they have; without it clients warn of a difference.
  const set = { gitVersion: version, gitMajor: major, gitMinor: minor };
  const variables = Object.entries(set).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  return ['-trimpath', '-buildvcs=false', '-mod=readonly', '-ldflags', `-s -w ${variables.join(' ')}`];
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
