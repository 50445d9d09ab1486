import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { StoreError } from './authority-store.ts';
import { DirectoryStore } from './directory-store.ts';

function aDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'store-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, 'ca');
}

it('holds nothing at first, and what was written then', async () => {
  const directory = aDirectory();
  const store = new DirectoryStore(directory);
  expect(await store.read()).toEqual({ own: undefined, pluggedIn: undefined, version: undefined });
  expect(await store.write('one', undefined)).toBe(true);
  expect(await store.write('two', (await store.read()).version)).toBe(true);
  expect((await new DirectoryStore(directory).read()).own).toBe('two');
});

it('lets one of several writers of a version succeed, and its text stand whole', async () => {
  const directory = aDirectory();
  const stores = Array.from({ length: 8 }, () => new DirectoryStore(directory));
  for (const before of [undefined, '1', '2']) {
    const wins = await Promise.all(stores.map((store, index) => store.write(`writer ${index}`, before)));
    expect(wins.filter(Boolean)).toHaveLength(1);
    expect((await stores[0]?.read())?.own).toBe(`writer ${wins.indexOf(true)}`);
  }
});

it('keeps keys from others, and none of those that are replaced', async () => {
  const directory = aDirectory();
  const store = new DirectoryStore(directory);
  await store.write('one', undefined);
  await store.write('two', '1');
  const files = readdirSync(directory);
  expect(files).toEqual(['weir-authority.2.json']);
  expect(statSync(join(directory, files[0] ?? '')).mode & 0o777).toBe(0o600);
  expect(statSync(directory).mode & 0o077).toBe(0);
});

it('refuses a key that everybody may read, and says what to do', async () => {
  const directory = aDirectory();
  const store = new DirectoryStore(directory);
  await store.write('one', undefined);
  chmodSync(join(directory, 'weir-authority.1.json'), 0o604);
  await expect(store.read()).rejects.toThrow(/chmod 600 .*weir-authority.1.json/);
});

it('gives what is plugged in by its name, and takes a key from a group', async () => {
  const directory = aDirectory();
  const store = new DirectoryStore(directory);
  await store.write('one', undefined);
  writeFileSync(join(directory, 'ca-key.pem'), 'key', { mode: 0o440 });
  writeFileSync(join(directory, 'ca-cert.pem'), 'certificate');
  expect(await store.read()).toMatchObject({ pluggedIn: { 'ca-key.pem': 'key', 'ca-cert.pem': 'certificate' } });
  chmodSync(join(directory, 'ca-key.pem'), 0o644);
  await expect(store.read()).rejects.toThrow(StoreError);
});

it('says which directory cannot be written', async () => {
  const directory = aDirectory();
  writeFileSync(directory, 'a file');
  await expect(new DirectoryStore(directory).write('one', undefined)).rejects.toThrow(`the directory ${directory}`);
});
