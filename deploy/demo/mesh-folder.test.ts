import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changedLines, MeshFolder } from './mesh-folder.ts';

describe('changedLines', () => {
  it('shows what a reader of the file would call changed', () => {
    expect(changedLines('a\nb\nc\n', 'a\nB\nc\n')).toEqual(['- b', '+ B']);
    expect(changedLines('a\nc\n', 'a\nb\nc\n')).toEqual(['+ b']);
    expect(changedLines('a\nb\nc\n', 'a\nc\n')).toEqual(['- b']);
    expect(changedLines('w: 90\nx\ny\nz\nw: 10\n', 'w: 50\nx\ny\nz\nw: 50\n')).toEqual([
      '- w: 90',
      '+ w: 50',
      '- w: 10',
      '+ w: 50',
    ]);
    expect(changedLines('same', 'same')).toEqual([]);
  });

  it('shows changes that are close together as one, others apart', () => {
    expect(changedLines('a\n1\nb\n', 'A\n1\nB\n')).toEqual(['- a', '- 1', '- b', '+ A', '+ 1', '+ B']);
    expect(changedLines('a\n1\n2\n3\nb\n', 'A\n1\n2\n3\nB\n')).toEqual(['- a', '+ A', '- b', '+ B']);
  });
});

describe('the mesh of the demo', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-mesh-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('has an address and a port of its own for every pod', async () => {
    const pods = await (await MeshFolder.copyTo(join(folder, 'mesh'))).pods();
    expect(pods.map((pod) => `${pod.app} ${pod.version}`)).toEqual([
      'catalogue v1',
      'catalogue v1',
      'catalogue v2',
      'stock v1',
      'stock v1',
      'web v1',
    ]);
    expect(new Set(pods.map((pod) => pod.address)).size).toBe(pods.length);
    expect(new Set(pods.map((pod) => pod.port)).size).toBe(pods.length);
  });

  it('is copied as the place that takes it needs it', async () => {
    const mesh = await MeshFolder.copyTo(join(folder, 'mesh'), (text) => text.replaceAll('127.0.1.', '10.244.1.'));
    for (const { address } of await mesh.pods()) expect(address).toMatch(/^10\.244\.1\.\d+$/);
  });

  it('is edited and removed from in a copy, in one step each', async () => {
    const mesh = await MeshFolder.copyTo(join(folder, 'mesh'));
    const { before, after } = await mesh.edit('web.yaml', (text) => text.replace('port: 80', 'port: 81'));
    expect(changedLines(before, after)).toEqual(['-     port: 80', '+     port: 81']);
    await expect(mesh.edit('web.yaml', (text) => text)).rejects.toThrow('nothing to change in web.yaml');
    await mesh.remove('web.yaml');
    expect(await readdir(mesh.path)).not.toContain('web.yaml');
  });
});
