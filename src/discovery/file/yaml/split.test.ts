import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import fc from 'fast-check';
import { splitDocuments } from './split.ts';

function parts(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  return splitDocuments(bytes).map(({ start, end }) => bytes.toString('utf8', start, end));
}

describe('splitDocuments', () => {
  it.each([
    ['nothing', '', []],
    ['one document', 'a: 1\n', ['a: 1\n']],
    ['two documents', 'a: 1\n---\nb: 2', ['a: 1\n', '---\nb: 2']],
    ['a marker on the first line', '---\na: 1\n---\nb: 2\n', ['---\na: 1\n', '---\nb: 2\n']],
    ['a marker with content or a comment behind it', '--- {a: 1}\n--- # b\nb: 2', ['--- {a: 1}\n', '--- # b\nb: 2']],
    ['a marker at the very end', 'a: 1\n---', ['a: 1\n', '---']],
    ['carriage returns', 'a: 1\r\n---\r\nb: 2\r\n', ['a: 1\r\n', '---\r\nb: 2\r\n']],
    ['dashes that are no marker', 'a: |\n  x\n ---\n----\n--- -\n', ['a: |\n  x\n ---\n----\n', '--- -\n']],
    ['an end marker', 'a: 1\n...\nb: 2\n', ['a: 1\n...\n', 'b: 2\n']],
    ['an end marker before a marker', 'a: 1\n...\n---\nb: 2\n', ['a: 1\n...\n', '---\nb: 2\n']],
    [
      'directives',
      '%YAML 1.2\n---\na: 1\n...\n# c\n%YAML 1.2\n---\nb: 2',
      ['%YAML 1.2\n---\na: 1\n...\n', '# c\n%YAML 1.2\n---\nb: 2'],
    ],
    ['directives before several documents', '%YAML 1.2\n---\na: 1\n---\nb: 2', ['%YAML 1.2\n---\na: 1\n', '---\nb: 2']],
    ['letters of several bytes', 'ä: ö\n---\nü: 1', ['ä: ö\n', '---\nü: 1']],
  ])('knows %s', (_name, text, expected) => {
    expect(parts(text)).toEqual(expected);
  });

  it('loses nothing, and finds the documents that the general reader finds', () => {
    const lines = fc.array(
      fc.constantFrom(
        'a: 1',
        'b: [x]',
        '- x',
        '---',
        '--- # c',
        '---x',
        '# c',
        '',
        '%YAML 1.2',
        '  ---',
        '...',
        '----',
      ),
      { maxLength: 10 },
    );
    fc.assert(
      fc.property(lines, (chosen) => {
        const text = chosen.join('\n');
        expect(parts(text).join('')).toBe(text);
        const whole = parseAllDocuments(text, { logLevel: 'error' });
        if (!Array.isArray(whole) || whole.some(({ errors }) => errors.length > 0)) return;
        const single = parts(text).flatMap((part) => parseAllDocuments(part, { logLevel: 'error' }));
        const values = (documents: readonly { toJS(): unknown }[]): readonly unknown[] =>
          documents.map((document) => document.toJS()).filter((value) => value !== null);
        expect(values(single)).toEqual(values(whole));
      }),
      { numRuns: 500 },
    );
  });
});
