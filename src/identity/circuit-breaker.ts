import type { AuthorityClock } from './clock.ts';

/** Failures in a row after which nothing is tried for a while, and for how many milliseconds. */
const limits = { failures: 5, open: 10_000 } as const;

/** Keeps what fails every time from being tried every time (reliability R65). After a while one try is let through, and decides. */
export class CircuitBreaker {
  readonly #clock: Pick<AuthorityClock, 'monotonic'>;
  #failures = 0;
  #closedAt = -Infinity;

  constructor(clock: Pick<AuthorityClock, 'monotonic'>) {
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.#failures >= limits.failures && this.#clock.monotonic() < this.#closedAt;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(): void {
    this.#failures++;
    this.#closedAt = this.#clock.monotonic() + limits.open;
  }
}
