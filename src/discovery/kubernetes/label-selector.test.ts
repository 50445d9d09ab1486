import { describe, expect, it } from 'vitest';
import { readLabelSelector, selectsLabels } from './label-selector.ts';

type Labels = Readonly<Record<string, string>>;

describe('a selector', () => {
  it.each<[string, Labels, boolean]>([
    ['a=b', { a: 'b' }, true],
    ['a==b', { a: 'b' }, true],
    ['a=b', { a: 'c' }, false],
    ['a=b', {}, false],
    ['a!=b', { a: 'c' }, true],
    ['a!=b', {}, true],
    ['a!=b', { a: 'b' }, false],
    ['a=', { a: '' }, true],
    ['weir.dev/discovery = enabled', { 'weir.dev/discovery': 'enabled' }, true],
    ['a in (b, c)', { a: 'c' }, true],
    ['a in (b,c)', { a: 'd' }, false],
    ['a notin (b,c)', { a: 'c' }, false],
    ['a notin (b,c)', {}, true],
    ['a', { a: '' }, true],
    ['a', {}, false],
    ['!a', {}, true],
    ['!a', { a: 'b' }, false],
    ['a=b,c in (d,e),!f', { a: 'b', c: 'e' }, true],
    ['a=b,c in (d,e),!f', { a: 'b', c: 'e', f: '' }, false],
    ['constructor', {}, false],
  ])('%s of %j is %s', (text, labels, selected) => {
    const reading = readLabelSelector(text);
    expect(reading.kind === 'valid' && selectsLabels(reading.selector, labels)).toBe(selected);
  });

  it.each([
    ['', ''],
    ['a=b,', ''],
    ['a=b=c', 'a=b=c'],
    ['a in b', 'a in b'],
    ['a in (b', 'a in (b'],
    ['a=b,-c', '-c'],
    ['a in (b!)', 'a in (b!)'],
  ])('%j is none', (text, part) => {
    expect(readLabelSelector(text)).toEqual({ kind: 'invalid', part });
  });
});
