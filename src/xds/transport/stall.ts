import type { Clock } from '../clock.ts';

const mebibyte = 1024 * 1024;

/**
 * Gives a client so much time to take what was sent to it. A client that still answers PINGs but does not read is found by
 * nothing else (hot-path H1439).
 */
export class StallDeadline {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #missed: (seconds: number) => void;
  #cancel: (() => void) | undefined;

  /**
   * @param limit milliseconds for each MiB begun
   * @param missed called once a deadline has passed, with its length
   */
  constructor(clock: Clock, limit: number, missed: (seconds: number) => void) {
    this.#clock = clock;
    this.#limit = limit;
    this.#missed = missed;
  }

  /** So many bytes wait. The clock begins with the first call after `clear`. */
  start(bytes: number): void {
    if (this.#cancel !== undefined) return;
    const time = this.#limit * Math.max(1, Math.ceil(bytes / mebibyte));
    this.#cancel = this.#clock.after(time, () => {
      this.#cancel = undefined;
      this.#missed(time / 1000);
    });
  }

  /** Nothing waits any more. */
  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
