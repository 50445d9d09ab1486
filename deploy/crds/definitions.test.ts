import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, it } from 'vitest';
import { definitionFiles } from './definitions.ts';

it.each(definitionFiles)('$path is what the schemas give (`npm run crds` writes it)', ({ path, text }) => {
  expect(existsSync(path) && readFileSync(path, 'utf8') === text).toBe(true);
});

it('has a file for each kind and no other', () => {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.yaml'));
  expect(files.toSorted()).toEqual(definitionFiles.map(({ path }) => basename(path)).toSorted());
});

it('kubernetes/K83: fits into the annotation in which a plain `kubectl apply` keeps what it applied', () => {
  const largest = Math.max(...definitionFiles.map(({ text }) => text.length));
  // As JSON it is less than half of that.
  expect(largest).toBeLessThan(2 * 262_144);
});
