import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { builtOnce } from '../built-once.ts';

/**
 * Builds the programs of a Kubernetes control plane from the Go module in `test/cluster/apiserver`, once for all checkouts of a
 * user: the result is in the cache under a key made of everything that it depends on.
 */

const module = fileURLToPath(new URL('../../cluster/apiserver', import.meta.url));
const helm = 'helm.sh/helm/v3/cmd/helm';
/** Names under which the one program is each of its parts; see `main.go`. */
const parts = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl'];
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
  return builtOnce({
    name: 'Kubernetes API server',
    target: join(cache, `kubernetes-${await keyOf(flags, go)}`),
    say,
    build: (scratch) => build(scratch, flags, { environment: go, say }),
  });
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

async function build(
  folder: string,
  flags: readonly string[],
  { environment, say }: Pick<BuildOptions, 'environment' | 'say'>,
): Promise<void> {
  const started = performance.now();
  const seconds = (): string => `${Math.round((performance.now() - started) / 1000)} s`;
  say('Kubernetes API server: building it, once for this user; with empty caches that takes six minutes');
  await compile(['-o', `${folder}/`, ...flags, '.', helm], environment, (packages) =>
    say(`Kubernetes API server: ${packages} packages compiled after ${seconds()} (all: about 3,000)`),
  );
  for (const part of parts) await symlink(basename(module), join(folder, part));
  say(`Kubernetes API server: built in ${seconds()}`);
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
