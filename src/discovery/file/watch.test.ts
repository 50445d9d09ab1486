import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DirectoryWatches } from './watch.ts';

let directory: string;
let heard: PromiseWithResolvers<string>;
let failures: string[];
let watches: DirectoryWatches;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weir-watch-'));
  heard = Promise.withResolvers();
  failures = [];
  watches = new DirectoryWatches(
    (path) => heard.resolve(path),
    (failed) => failures.push(failed),
  );
});

afterEach(() => {
  watches.close();
  rmSync(directory, { recursive: true });
});

it('hears what happens in a directory', async () => {
  watches.add(directory, '1');
  writeFileSync(join(directory, 'a.yaml'), '');
  expect(await heard.promise).toBe(join(directory, 'a.yaml'));
});

it('hears of a directory that appears', async () => {
  watches.addParentOf(join(directory, 'sub'));
  writeFileSync(join(directory, 'other'), '');
  writeFileSync(join(directory, 'sub'), '');
  expect(await heard.promise).toBe(join(directory, 'sub'));
});

it('says which directory cannot be watched, unless there is none', () => {
  watches.add('a\0b', '1');
  watches.addParentOf('a\0b/c');
  watches.add(join(directory, 'nowhere'), '2');
  expect(failures).toEqual(['a\0b']);
});
