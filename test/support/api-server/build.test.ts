import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildControlPlane } from './build.ts';

/** With a Go that builds nothing, but quickly. */
const aGo = `#!/bin/sh
case "$1" in
env) echo go1.26.0; echo linux; echo amd64;;
build)
  echo build >> "$CALLS"
  if [ -n "$BROKEN" ]; then echo "main.go:1: broken" >&2; exit 1; fi
  while [ "$1" != -o ]; do shift; done
  touch "$2/apiserver" "$2/helm";;
esac
`;

describe('the build of a control plane', () => {
  let folder: string;
  let cache: string;
  let environment: Readonly<Record<string, string>>;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-build-'));
    cache = join(folder, 'cache', 'weir');
    const programs = join(folder, 'bin');
    await mkdir(programs);
    await writeFile(join(programs, 'go'), aGo);
    await chmod(join(programs, 'go'), 0o755);
    environment = { PATH: `${programs}:${process.env['PATH'] ?? ''}`, CALLS: join(folder, 'calls') };
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  function build(further: Readonly<Record<string, string>> = {}): Promise<string> {
    return buildControlPlane({ cache, environment: { ...environment, ...further }, say: () => undefined });
  }

  async function builds(): Promise<number> {
    return (await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n').length;
  }

  it('leaves a folder as envtest has it, and is done once (kubernetes/K126, kubernetes/K151)', async () => {
    const target = await build();
    const programs = ['apiserver', 'etcd', 'helm', 'kube-apiserver', 'kube-controller-manager', 'kubectl'];
    expect((await readdir(target)).sort()).toEqual(programs);
    expect(await build()).toBe(target);
    expect(await builds()).toBe(1);
    expect(await readdir(cache)).toEqual([basename(target)]);
  });

  it('is done by one of several who want it at the same time (kubernetes/K151)', async () => {
    const targets = await Promise.all([build(), build(), build()]);
    expect(new Set(targets).size).toBe(1);
    expect(await builds()).toBe(1);
  });

  it('is done by the next when who did it was killed, and clears up after that one (kubernetes/K151)', async () => {
    const target = await build();
    await rm(target, { recursive: true });
    await mkdir(`${target}.building-x`);
    await writeFile(`${target}.lock`, '1\n');
    await utimes(`${target}.lock`, new Date(0), new Date(0));
    expect(await build()).toBe(target);
    expect(await readdir(cache)).toEqual([basename(target)]);
  });

  it('says what is wrong when it fails, leaves nothing, and can be done again', async () => {
    await expect(build({ BROKEN: 'yes' })).rejects.toThrow('main.go:1: broken');
    expect(await readdir(cache)).toEqual([]);
    expect(basename(await build())).toMatch(/^kubernetes-[\da-f]{16}$/);
  });
});
