/**
 * Sets of small numbers, one bit each: who wants a resource, by the number of his seat. A thousand streams that all name the same
 * five thousand resources cost little more than a kilobyte each (hot-path H212, H1105).
 */

/** 32 numbers to an element. The last element is never 0, so that a set takes no more than its largest number asks for. */
export type Bits = number[];

export function hasBit(bits: Bits, index: number): boolean {
  const word = index >>> 5;
  return word < bits.length && (((bits[word] ?? 0) >>> (index & 31)) & 1) === 1;
}

/** Whether it was not in the set. */
export function addBit(bits: Bits, index: number): boolean {
  if (hasBit(bits, index)) return false;
  const word = index >>> 5;
  while (bits.length <= word) bits.push(0);
  bits[word] = (bits[word] ?? 0) | (1 << (index & 31));
  return true;
}

/** Whether it was in the set. */
export function deleteBit(bits: Bits, index: number): boolean {
  if (!hasBit(bits, index)) return false;
  const word = index >>> 5;
  bits[word] = (bits[word] ?? 0) & ~(1 << (index & 31));
  while (bits.at(-1) === 0) bits.pop();
  return true;
}

/** Calls for every number that is in one of two sets, once, in ascending order; `inFirst` says whether it is in the first. */
export function eachOfEither(first: Bits, second: Bits, visit: (index: number, inFirst: boolean) => void): void {
  const words = Math.max(first.length, second.length);
  for (let word = 0; word < words; word++) {
    const ofFirst = word < first.length ? (first[word] ?? 0) : 0;
    const ofSecond = word < second.length ? (second[word] ?? 0) : 0;
    for (let rest = ofFirst | ofSecond; rest !== 0; rest &= rest - 1) {
      const bit = 31 - Math.clz32(rest & -rest);
      visit(word * 32 + bit, ((ofFirst >>> bit) & 1) === 1);
    }
  }
}
