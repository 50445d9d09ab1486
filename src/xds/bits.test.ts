import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addBit, deleteBit, eachOfEither, hasBit, type Bits } from './bits.ts';

const number = fc.integer({ min: 0, max: 200 });
const step = fc.record({ number, adds: fc.boolean() });

function madeBy(steps: readonly { number: number; adds: boolean }[]): { bits: Bits; set: ReadonlySet<number> } {
  const bits: Bits = [];
  const set = new Set<number>();
  for (const { number: index, adds } of steps) {
    if (adds) expect(addBit(bits, index)).toBe(!set.has(index));
    else expect(deleteBit(bits, index)).toBe(set.has(index));
    if (adds) set.add(index);
    else set.delete(index);
  }
  return { bits, set };
}

it('is a set of numbers, whatever the way to it', () => {
  fc.assert(
    fc.property(fc.array(step), fc.array(step), (one, other) => {
      const [first, second] = [madeBy(one), madeBy(other)];
      for (let index = 0; index <= 200; index++) expect(hasBit(first.bits, index)).toBe(first.set.has(index));
      const visited: (readonly [number, boolean])[] = [];
      eachOfEither(first.bits, second.bits, (index, inFirst) => visited.push([index, inFirst]));
      const union = [...new Set([...first.set, ...second.set])].toSorted((a, b) => a - b);
      expect(visited).toEqual(union.map((index) => [index, first.set.has(index)]));
    }),
  );
});

it('takes no more room than its largest number asks for, and none when empty', () => {
  const bits: Bits = [];
  for (const index of [3, 31, 32, 5000]) addBit(bits, index);
  expect(bits).toHaveLength(157);
  deleteBit(bits, 5000);
  expect(bits).toHaveLength(2);
  for (const index of [3, 31, 32]) deleteBit(bits, index);
  expect(bits).toEqual([]);
});
