import type { Change, Reflected } from './reflected.ts';

/** How long the handler may be busy at a stretch before everything else gets its turn. */
const sliceMs = 5;
/** Changes in one call: small enough that a slice is not exceeded by much. */
const atOnce = 100;

interface Undelivered<Kept extends Reflected> {
  /** What the handler knows of the object; undefined: nothing. */
  readonly known: Kept | undefined;
  /** Monotonic milliseconds at which it was heard to be different. */
  readonly at: number;
}

export interface DeliveryOptions<Kept extends Reflected> {
  /** What is true now. */
  readonly current: (key: string) => Kept | undefined;
  readonly changed: (changes: readonly Change<Kept>[], at: number) => void;
  readonly monotonic: () => number;
}

/**
 * The difference between what is true and what the handler knows, handed over turn by turn of the event loop: of several changes of one
 * object it hears the last, and a large set does not hold up everything else (K19).
 */
export class Delivery<Kept extends Reflected> {
  readonly #options: DeliveryOptions<Kept>;
  /** In the order of what was heard first. */
  readonly #undelivered = new Map<string, Undelivered<Kept>>();
  #turn: NodeJS.Immediate | undefined;
  #milestone: { remaining: number; readonly reached: () => void } | undefined;
  #hasStopped = false;

  constructor(options: DeliveryOptions<Kept>) {
    this.#options = options;
  }

  get size(): number {
    return this.#undelivered.size;
  }

  /**
   * The object under the key has changed.
   *
   * @param before what it was until now
   */
  mark(key: string, before: Kept | undefined): void {
    if (!this.#undelivered.has(key)) {
      this.#undelivered.set(key, { known: before, at: this.#options.monotonic() });
    }
    this.#schedule();
  }

  /** Calls back once everything that is marked by now has been handed over. One at a time. */
  afterwards(reached: () => void): void {
    this.#milestone = { remaining: this.#undelivered.size, reached };
    this.#schedule();
  }

  /** Nothing is handed over any more. */
  stop(): void {
    this.#hasStopped = true;
    clearImmediate(this.#turn);
    this.#undelivered.clear();
    this.#milestone = undefined;
  }

  #schedule(): void {
    if (!this.#hasStopped) this.#turn ??= setImmediate(this.#deliver);
  }

  readonly #deliver = (): void => {
    this.#turn = undefined;
    const end = this.#options.monotonic() + sliceMs;
    do this.#hand();
    while (this.#undelivered.size > 0 && this.#options.monotonic() < end);
    if (this.#undelivered.size > 0) this.#schedule();
  };

  #hand(): void {
    const changes: Change<Kept>[] = [];
    let first: number | undefined;
    let taken = 0;
    for (const [key, { known, at }] of this.#undelivered) {
      if (taken === atOnce) break;
      taken++;
      this.#undelivered.delete(key);
      const now = this.#options.current(key);
      if (now === known) continue;
      first ??= at;
      if (known !== undefined && known.uid !== now?.uid) changes.push({ kind: 'remove', object: known });
      if (now !== undefined) changes.push({ kind: 'put', object: now });
    }
    if (first !== undefined) this.#options.changed(changes, first);
    this.#pass(taken);
  }

  #pass(delivered: number): void {
    const milestone = this.#milestone;
    if (milestone === undefined) return;
    milestone.remaining -= delivered;
    if (milestone.remaining > 0) return;
    this.#milestone = undefined;
    milestone.reached();
  }
}
