import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** What the linter lets nobody write, shown to it in a folder with the same configuration. */

const root = join(import.meta.dirname, '..', '..');
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-lint-'));
  await cp(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Finding {
  readonly code: string;
  readonly filename: string;
}

/** The files in which it objects to the same text. */
async function findingsIn(files: readonly string[], text: string): Promise<readonly string[]> {
  for (const file of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  const output = await new Promise<string>((resolve) => {
    const program = join(root, 'node_modules', '.bin', 'oxlint');
    execFile(program, ['--format', 'json', 'src'], { cwd: folder }, (_, stdout) => resolve(stdout));
  });
  const { diagnostics } = JSON.parse(output) as { readonly diagnostics: readonly Finding[] };
  return diagnostics.filter(({ code }) => code.includes('no-restricted-properties')).map(({ filename }) => filename);
}

describe('code that makes bytes which live long', () => {
  const files = ['fragment', 'response-cache', 'translate/packed-endpoints', 'translate/virtual-host'];
  const paths = files.map((file) => `src/xds/${file}.ts`);

  it.each([
    "export const bytes = Buffer.from('text');",
    'export const bytes = Buffer.concat([]);',
    'export const bytes = Buffer.allocUnsafe(1);',
    'export const bytes = Buffer.copyBytesFrom(new Uint8Array(1));',
  ])('takes none from the pool: %s (hot-path/H504)', async (text) => {
    expect((await findingsIn(paths, text)).toSorted()).toEqual(paths.toSorted());
  });

  it('may make buffers of their own', async () => {
    expect(await findingsIn(paths, 'export const bytes = Buffer.allocUnsafeSlow(1);')).toEqual([]);
  });
});

describe('code that serves', () => {
  const paths = ['src/xds/stream.ts', 'src/xds/fragment.ts', 'src/policy/scope.ts'];

  it.each(['Date.now()', 'performance.now()', 'Math.random()'])(
    'is given its clock and its randomness: %s (xds-protocol/X237)',
    async (call) => {
      expect((await findingsIn(paths, `export const value = ${call};`)).toSorted()).toEqual(paths.toSorted());
    },
  );
});
