const shortestMs = 800;
const longestMs = 30_000;
const healthyMs = 120_000;
/** What a server may ask for at most: it could as well ask for a year. */
const longestRetryAfterMs = 300_000;

/**
 * How long to wait after each failure: 0.8 s, then twice as long each time, to 30 s, and by chance up to twice that, so that those who failed
 * together do not come back together. Two minutes without a failure, and it begins from the start (K15).
 */
export class Backoff {
  readonly #monotonic: () => number;
  readonly #random: () => number;
  readonly #longest: number;
  #next = shortestMs;
  /** When the last wait was over. */
  #resumedAt = -Infinity;

  /**
   * @param random from 0 to below 1
   * @param longest milliseconds to which it grows, before chance
   */
  constructor(monotonic: () => number, random: () => number, longest = longestMs) {
    this.#monotonic = monotonic;
    this.#random = random;
    this.#longest = longest;
  }

  /**
   * Milliseconds to wait after one more failure.
   *
   * @param retryAfterMs what the server asked for, if it did
   */
  next(retryAfterMs = 0): number {
    const now = this.#monotonic();
    if (now - this.#resumedAt > healthyMs) this.#next = shortestMs;
    const own = this.#next * (1 + this.#random());
    this.#next = Math.min(2 * this.#next, this.#longest);
    const wait = Math.max(own, Math.min(retryAfterMs, longestRetryAfterMs));
    this.#resumedAt = now + wait;
    return wait;
  }
}
