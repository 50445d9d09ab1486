import type { Reflected } from './reflected.ts';

/** The objects of a kind as the server last had them, and who hears of every difference. */
export class Store<Kept extends Reflected> {
  #objects = new Map<string, Kept>();
  readonly #changed: (key: string, before: Kept | undefined) => void;

  /** @param changed is told what stood under the key before; what stands there now can be asked for */
  constructor(changed: (key: string, before: Kept | undefined) => void) {
    this.#changed = changed;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): Kept | undefined {
    return this.#objects.get(key);
  }

  put(object: Kept): void {
    const before = this.#objects.get(object.key);
    if (before !== undefined && isSame(before, object)) return;
    this.#objects.set(object.key, object);
    this.#changed(object.key, before);
  }

  /** A key that is not there is none of our business (K58). */
  remove(key: string): void {
    const before = this.#objects.get(key);
    if (before === undefined) return;
    this.#objects.delete(key);
    this.#changed(key, before);
  }

  /**
   * Takes a complete set in the place of what there is. Only differences are heard of: what is missing, what is new, and what has another
   * version or another uid (K18).
   *
   * @returns how many objects differed
   */
  replace(objects: Map<string, Kept>): number {
    const old = this.#objects;
    const different: [string, Kept | undefined][] = [];
    for (const [key, object] of objects) {
      const before = old.get(key);
      if (before === undefined || !isSame(before, object)) different.push([key, before]);
      // The one that the handler has: two equal ones would both be kept.
      else objects.set(key, before);
    }
    for (const [key, before] of old) if (!objects.has(key)) different.push([key, before]);
    this.#objects = objects;
    for (const [key, before] of different) this.#changed(key, before);
    return different.length;
  }
}

function isSame(a: Reflected, b: Reflected): boolean {
  return a.resourceVersion === b.resourceVersion && a.uid === b.uid;
}
