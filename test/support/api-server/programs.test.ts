import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { locateControlPlane } from './programs.ts';

describe('the programs of a control plane', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-assets-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function program(name: string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, '');
    await chmod(path, 0o755);
    return path;
  }

  const located = (environment: Readonly<Record<string, string>>) =>
    locateControlPlane({ PATH: '', XDG_CACHE_HOME: folder, ...environment }, () => undefined);

  it('are those of the folder that is named, of which some may be missing (kubernetes/K125)', async () => {
    const [etcd, apiServer] = [await program('etcd'), await program('kube-apiserver')];
    const found = await located({ KUBEBUILDER_ASSETS: folder });
    expect(found).toEqual({ etcd, apiServer, controllerManager: undefined, kubectl: undefined, helm: undefined });
  });

  it('may be named one by one (kubernetes/K125)', async () => {
    const [etcd, apiServer] = [await program('my-etcd'), await program('my-apiserver')];
    const single = { TEST_ASSET_ETCD: etcd, TEST_ASSET_KUBE_APISERVER: apiServer };
    expect(await located(single)).toMatchObject({ etcd, apiServer });
    await program('etcd');
    await program('kube-apiserver');
    expect(await located({ ...single, KUBEBUILDER_ASSETS: folder })).toMatchObject({ etcd, apiServer });
  });

  it('are missed with a word on how to have them (kubernetes/K125)', async () => {
    await expect(located({ KUBEBUILDER_ASSETS: folder })).rejects.toThrow(
      `${join(folder, 'etcd')} is not an executable`,
    );
    await expect(located({})).rejects.toThrow(
      'set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver, or have',
    );
  });
});
