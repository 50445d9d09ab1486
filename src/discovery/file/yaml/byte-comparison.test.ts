import fc from 'fast-check';
import { expect, it } from 'vitest';
import { commonEnd, commonStart } from './byte-comparison.ts';

it.each([
  ['', '', 0, 0],
  ['abc', 'abc', 3, 3],
  ['abc', 'abd', 2, 0],
  ['xabc', 'abc', 0, 3],
  ['ab', 'abab', 2, 2],
])('compares %j and %j', (a, b, start, end) => {
  expect(commonStart(Buffer.from(a), Buffer.from(b))).toBe(start);
  expect(commonEnd(Buffer.from(a), Buffer.from(b), Math.min(a.length, b.length))).toBe(end);
});

it('finds single changes in buffers of several blocks', () => {
  const original = Buffer.alloc(200_000, 'x');
  fc.assert(
    fc.property(fc.nat(199_999), fc.integer({ min: 0, max: 5 }), (place, inserted) => {
      const changed = Buffer.concat([
        original.subarray(0, place),
        Buffer.alloc(inserted + 1, 'y'),
        original.subarray(place + 1),
      ]);
      expect(commonStart(original, changed)).toBe(place);
      expect(commonEnd(original, changed, original.length - place)).toBe(original.length - place - 1);
    }),
    { numRuns: 50 },
  );
});
