import fc from 'fast-check';
import { RE2JS } from 're2js';
import { expect, it } from 'vitest';
import { anyFormOf } from './path-forms.ts';

const matches = (pattern: string, path: string): boolean => RE2JS.compile(pattern, RE2JS.DOTALL).matches(path);

/** Texts that would mean something in a regular expression. */
const segment = fc.string({ unit: fc.constantFrom(...'ab.*+?()[]{}|^$\\-%2F;'.split('')), minLength: 1, maxLength: 8 });
const plainSegment = fc.string({ unit: fc.constantFrom(...'ab.*+?()[]|^$-'.split('')), minLength: 1, maxLength: 8 });
const pathOf = (segments: readonly string[]): string => `/${segments.join('/')}`;

it('a text of a user stands for itself in a regular expression (reliability/S10)', () => {
  fc.assert(
    fc.property(
      fc.array(segment, { minLength: 1, maxLength: 4 }),
      fc.array(segment, { maxLength: 4 }),
      (one, other) => {
        const value = pathOf(one);
        expect(matches(anyFormOf({ kind: 'exact', value }), value)).toBe(true);
        expect(matches(anyFormOf({ kind: 'prefix', value }), value + pathOf(other))).toBe(true);
        expect(matches(anyFormOf({ kind: 'suffix', value }), pathOf(other) + value)).toBe(true);
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

it('a path that differs in more than its form is another one (reliability/S10)', () => {
  fc.assert(
    fc.property(
      fc.array(plainSegment, { minLength: 1, maxLength: 4 }),
      fc.array(plainSegment, { minLength: 1, maxLength: 4 }),
      (one, other) => {
        const value = pathOf(one);
        expect(matches(anyFormOf({ kind: 'exact', value }), pathOf(other))).toBe(value === pathOf(other));
      },
    ),
    { seed: 2, numRuns: 500 },
  );
});

it('every form of a path is found (reliability/S12)', () => {
  const separator = fc.constantFrom('/', '//', '%2F', '%2f', '\\', '/%5C');
  const parameters = fc.constantFrom('', ';', ';v=1', ';a=b;c');
  fc.assert(
    fc.property(fc.array(fc.tuple(plainSegment, separator, parameters), { minLength: 1, maxLength: 4 }), (pieces) => {
      const value = pathOf(pieces.map(([text]) => text));
      const form = pieces.map(([text, slash, more]) => slash + text + more).join('');
      expect(matches(anyFormOf({ kind: 'exact', value }), form)).toBe(true);
    }),
    { seed: 3, numRuns: 500 },
  );
});
