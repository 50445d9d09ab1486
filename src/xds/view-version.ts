/**
 * The version of a set of resources: the sum of one hash per (name, content), so that it does not depend on order and that one
 * change costs one subtraction and one addition (hot-path H407). Equal on every replica and after a restart.
 */

/** 128 bits in four lanes, signed: V8 keeps such numbers without a box. */
export type Stamp = readonly [number, number, number, number];

/** Hash of one resource under its name. `version` is the hash of its bytes already. */
export function stampOf(name: string, version: string): Stamp {
  let [a, b, c, d] = [0x9e3779b9, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f];
  const text = `${name}\n${version}`;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x5bd1e995);
    c = Math.imul(c ^ code, 0xcc9e2d51);
    d = Math.imul(d ^ code, 0x1b873593);
    // Each lane hears of another, or four weak hashes would fail together.
    a ^= d >>> 15;
    b ^= a >>> 13;
    c ^= b >>> 16;
    d ^= c >>> 14;
  }
  return [finish(a), finish(b), finish(c), finish(d)];
}

function finish(lane: number): number {
  let mixed = Math.imul(lane ^ (lane >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

const scratch = Buffer.alloc(16);

/** A sum of stamps. */
export class ViewSum {
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;

  add([a, b, c, d]: Stamp): void {
    this.#a = (this.#a + a) | 0;
    this.#b = (this.#b + b) | 0;
    this.#c = (this.#c + c) | 0;
    this.#d = (this.#d + d) | 0;
  }

  subtract([a, b, c, d]: Stamp): void {
    this.#a = (this.#a - a) | 0;
    this.#b = (this.#b - b) | 0;
    this.#c = (this.#c - c) | 0;
    this.#d = (this.#d - d) | 0;
  }

  /** Adds what another sum holds. */
  include(other: ViewSum): void {
    this.add([other.#a, other.#b, other.#c, other.#d]);
  }

  /** 22 characters; the same for every empty set. */
  toString(): string {
    scratch.writeInt32BE(this.#a, 0);
    scratch.writeInt32BE(this.#b, 4);
    scratch.writeInt32BE(this.#c, 8);
    scratch.writeInt32BE(this.#d, 12);
    return scratch.toString('base64url');
  }
}
