import { describe, expect, test } from 'vitest';
import { anyOtherNamespace, isExportedTo, sharedAudience } from './visibility.ts';

const everybody = ['*'];

describe('isExportedTo', () => {
  test.each([
    [undefined, 'other', true],
    [[], 'other', true],
    [['*'], 'other', true],
    [['.'], 'other', false],
    [['.'], 'shop', true],
    [['~'], 'shop', false],
    [['other', 'third'], 'other', true],
    [['other'], 'shop', false],
    [['.', 'other'], 'shop', true],
  ])('policy/G3: exportTo %j of an object in shop, seen from %s: %s', (exportTo, namespace, seen) => {
    expect(isExportedTo(exportTo, everybody, 'shop', namespace)).toBe(seen);
  });

  test('policy/G3: nothing said means the default of the mesh', () => {
    expect(isExportedTo(undefined, ['.'], 'shop', 'other')).toBe(false);
    expect(isExportedTo(undefined, ['.'], 'shop', 'shop')).toBe(true);
    expect(isExportedTo(['*'], ['.'], 'shop', 'other')).toBe(true);
  });
});

describe('sharedAudience', () => {
  test('names the namespaces that see all the objects', () => {
    const named = { exportTo: ['a', 'b'], namespace: 'shop' };
    expect(sharedAudience([named, { exportTo: ['*'], namespace: 'other' }], everybody)).toEqual(['a', 'b']);
    expect(sharedAudience([named, { exportTo: ['b', 'c'], namespace: 'other' }], everybody)).toEqual(['b']);
    expect(sharedAudience([named, { exportTo: ['.'], namespace: 'other' }], everybody)).toEqual([]);
  });

  test('includes everybody else where all are public', () => {
    const open = { exportTo: undefined, namespace: 'shop' };
    expect(sharedAudience([open, open], everybody)).toContain(anyOtherNamespace);
  });
});
