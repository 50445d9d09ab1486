import { setImmediate } from 'node:timers/promises';

const sliceMs = 5;
/** Asking for the time costs, too. */
const betweenLooks = 16;

/** Lets other things happen when whoever calls `pace` in a loop has been busy for some milliseconds. */
export class Slices {
  readonly #monotonic: () => number;
  #count = 0;
  #end: number;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
    this.#end = monotonic() + sliceMs;
  }

  /** undefined: go on at once. */
  pace(): Promise<void> | undefined {
    if (++this.#count % betweenLooks !== 0 || this.#monotonic() < this.#end) return undefined;
    return this.#yield();
  }

  async #yield(): Promise<void> {
    await setImmediate();
    this.#end = this.#monotonic() + sliceMs;
  }
}
