/**
 * Does the work when it is its turn.
 *
 * @throws what the work throws; the signal's reason when it is aborted before
 */
export type Turn = <Result>(work: () => Promise<Result>, signal: AbortSignal) => Promise<Result>;

interface Waiting {
  readonly rank: number;
  readonly begin: () => void;
}

/** Lists of several kinds, a few at a time: after an API server has restarted all of them are due at once (K25). */
export class ListTurns {
  readonly #atOnce: number;
  readonly #waiting: Waiting[] = [];
  #running = 0;

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** @param rank of two that wait, the one with the lower rank begins first, of equals the one that came first */
  at(rank: number): Turn {
    return async (work, signal) => {
      await this.#begin(rank, signal);
      try {
        return await work();
      } finally {
        this.#end();
      }
    };
  }

  async #begin(rank: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#running < this.#atOnce) {
      this.#running++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal.reason as Error);
      };
      const begin = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const waiting: Waiting = { rank, begin };
      const behind = this.#waiting.findIndex((other) => other.rank > rank);
      this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, waiting);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** The turn goes on to the next without being given back, so that nobody slips in between. */
  #end(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next.begin();
  }
}
