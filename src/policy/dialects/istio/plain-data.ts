import { describe, pathOf } from './field-path.ts';
import { largestObject } from './limits.ts';
import type { Reading } from './reading.ts';

/**
 * The spec of an object as plain data of a bearable size, so that everything behind need not fear nesting without end, keys
 * that reach into prototypes, or values that are no JSON. `null` counts as absent, which is how YAML writes an emptied field.
 *
 * @returns the spec itself where nothing had to be left out, an empty one where there is none; undefined where it cannot be looked at
 */
export function plainData(reading: Reading): unknown {
  if (reading.spec === undefined || reading.spec === null) return {};
  const walk: Walk = { reading, path: [], characters: 0, values: 0 };
  const value = plain(reading.spec, walk);
  if (walk.characters <= largestObject.characters && walk.values <= largestObject.values) return value;
  const { characters, values } = largestObject;
  reading.error(
    'WEIR1008',
    'spec',
    `the spec has more than ${characters} characters or ${values} values`,
    'split the object, and check whether a program generated it by mistake',
  );
  return undefined;
}

interface Walk {
  readonly reading: Reading;
  readonly path: (string | number)[];
  characters: number;
  values: number;
}

function plain(value: unknown, walk: Walk): unknown {
  walk.values += 1;
  // What is too large is walked no further.
  if (walk.values > largestObject.values || walk.characters > largestObject.characters) return undefined;
  switch (typeof value) {
    case 'string':
      walk.characters += value.length;
      return value;
    case 'number':
    case 'boolean':
    case 'undefined':
      return value;
    case 'object':
      if (value === null) return undefined;
      if (walk.path.length >= largestObject.depth) return malformed(walk, 'the spec is nested too deeply');
      if (Array.isArray(value)) return plainList(value, walk);
      if (isMapping(value)) return plainMapping(value, walk);
      return malformed(walk, 'the value is no plain data');
    case 'bigint':
    case 'symbol':
    case 'function':
      return malformed(walk, `the value is ${describe(value)}`);
  }
}

function plainList(list: readonly unknown[], walk: Walk): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < list.length; index += 1) {
    walk.path.push(index);
    const item = list[index];
    const kept = plain(item, walk);
    if (item === null || item === undefined) malformed(walk, 'the list item is empty');
    walk.path.pop();
    if (kept === item) continue;
    copy ??= [...list];
    copy[index] = kept;
  }
  return copy ?? list;
}

function plainMapping(mapping: Readonly<Record<string, unknown>>, walk: Walk): Readonly<Record<string, unknown>> {
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(mapping)) {
    walk.path.push(key);
    walk.characters += key.length;
    const value = mapping[key];
    const kept = key === '__proto__' ? malformed(walk, 'the key is reserved') : plain(value, walk);
    walk.path.pop();
    if (kept === value && kept !== undefined) continue;
    copy ??= { ...mapping };
    if (kept === undefined) delete copy[key];
    else copy[key] = kept;
  }
  return copy ?? mapping;
}

function isMapping(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function malformed(walk: Walk, message: string): undefined {
  const path = pathOf('spec', walk.path);
  walk.reading.error('WEIR1007', path, message, 'look for a forgotten value, a stray dash or wrong indentation');
  walk.reading.silence([path]);
  return undefined;
}
