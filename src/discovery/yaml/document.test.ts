import { describe, expect, it } from 'vitest';
import { readYamlDocument } from './document.ts';

describe('readYamlDocument', () => {
  it.each([
    ['an anchor and a merge key', 'a: &x {b: 1}\nc: {<<: *x, d: 2}', { a: { b: 1 }, c: { b: 1, d: 2 } }],
    ['a block scalar', 'a: |\n  b\n  c\n', { a: 'b\nc\n' }],
    ['carriage returns', 'a: 1\r\nb:\r\n- x\r\n', { a: 1, b: ['x'] }],
    ['a directive', '%YAML 1.2\n---\na: on\n', { a: 'on' }],
    ['words of other YAML versions as text', 'a: yes\nb: &x no\n', { a: 'yes', b: 'no' }],
    ['an integer beyond precision', 'a: 12345678901234567890', { a: Number('12345678901234567890') }],
    ['a scalar over several lines', 'a: b\n  c', { a: 'b c' }],
  ])('reads %s', (_name, text, value) => {
    expect(readYamlDocument(text)).toEqual({ kind: 'value', value });
  });

  it.each(['', '---\n', '# nothing\n', '---\n# nothing\n...\n', 'null', '~\n'])('finds nothing in %j', (text) => {
    expect(readYamlDocument(text)).toEqual({ kind: 'blank' });
  });

  it.each([
    ['an open bracket', 'a: 1\nb: [1, 2\nc: 3\n', 2, /close the bracket/],
    ['an open bracket at the end', 'a: 1\nb: [\n\n', 1, /close the bracket/],
    ['a tab', 'a:\n\tb: 1\n', 1, /blanks/],
    ['a key twice', 'a: 1\nb: 2\na: 3\n', 2, /remove one/],
    ['wrong indentation', 'a:\n    b: 1\n  c: 2\n', 2, /indent/],
    ['an unknown tag', 'a: 1\nb: !secret x\n', 1, /remove the tag/],
    ['an unknown anchor', 'a: 1\nb: *nowhere\n', 1, /define the anchor/],
  ])('says where %s is, and what to do', (_name, text, line, advice) => {
    const document = readYamlDocument(text);
    expect(document).toMatchObject({ kind: 'broken', line });
    expect(document.kind === 'broken' ? document.advice : '').toMatch(advice);
  });

  it('refuses aliases that multiply without end', () => {
    const levels = 'bcdefghi'.split('').map((name, index) => {
      const inner = Array.from({ length: 10 }, () => `*${'abcdefgh'[index]}`).join(', ');
      return `${name}: &${name} [${inner}]`;
    });
    expect(readYamlDocument(['a: &a [x]', ...levels].join('\n')).kind).toBe('broken');
  });

  it('refuses nesting without end', () => {
    expect(readYamlDocument('['.repeat(100_000)).kind).toBe('broken');
  });
});
