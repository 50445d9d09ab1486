import type { Clock } from './clock.ts';

/** Something that has to be flushed soon. */
export interface Flushable {
  flush(): void;
}

/** Streams flushed in one turn of the event loop (hot-path H605). */
const longestSlice = 64;
/** Milliseconds after which a turn ends even if fewer were. */
const longestTurn = 5;

/**
 * Streams that have something to send, each once, in the order in which they got it. They are flushed after the requests that lie
 * ready have been read, in slices, so that the event loop never blocks for long; first answers go before refreshes (hot-path H605).
 */
export class FlushQueue {
  readonly #clock: Clock;
  readonly #first = new Set<Flushable>();
  readonly #refresh = new Set<Flushable>();
  #isScheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#first.size + this.#refresh.size;
  }

  /** @param isFirst whether the stream waits for an answer to its first requests */
  add(stream: Flushable, isFirst: boolean): void {
    if (isFirst) {
      this.#refresh.delete(stream);
      this.#first.add(stream);
    } else if (!this.#first.has(stream)) this.#refresh.add(stream);
    this.#schedule();
  }

  remove(stream: Flushable): void {
    this.#first.delete(stream);
    this.#refresh.delete(stream);
  }

  #schedule(): void {
    if (this.#isScheduled || this.size === 0) return;
    this.#isScheduled = true;
    this.#clock.soon(() => this.#runSlice());
  }

  #runSlice(): void {
    this.#isScheduled = false;
    const end = this.#clock.now() + longestTurn;
    let flushed = 0;
    for (const queue of [this.#first, this.#refresh]) {
      for (const stream of queue) {
        if (flushed === longestSlice || (flushed > 0 && this.#clock.now() >= end)) return this.#schedule();
        queue.delete(stream);
        stream.flush();
        flushed++;
      }
    }
    this.#schedule();
  }
}
