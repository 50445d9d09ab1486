import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, expect, it } from 'vitest';
import { memoryInUse } from './encode.ts';
import { manyServices } from './endpoint-meshes.ts';

beforeAll(() => {
  setFlagsFromString('--expose-gc');
  globalThis.gc = runInNewContext('gc') as NodeJS.GCFunction;
});

it('hot-path/H1413 rows, index by address, packed endpoints and fragments of 50,000 endpoints fit into 40 MB', () => {
  const mesh = manyServices(5_000, 10);
  const before = memoryInUse();
  mesh.list();
  expect(mesh.changes()).toBe(5_000);
  const megabytes = (memoryInUse() - before) / 1e6;
  expect(megabytes).toBeGreaterThan(5);
  expect(megabytes).toBeLessThan(40);
});

it('hot-path/H1423 a list of 50,000 endpoints that is read again and says the same changes nothing for anybody', () => {
  const mesh = manyServices(5_000, 10);
  mesh.list();
  mesh.changes();
  mesh.list();
  expect(mesh.changes()).toBe(0);
});
