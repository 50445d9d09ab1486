import type { TimedClock } from '../../src/discovery/kubernetes/api/timed-clock.ts';
import { ManualClock } from './clocks.ts';

/** The time of the machine, for what talks to an API server. */
export const realTimedClock: TimedClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** Time that passes when the test says so. */
export class ManualTimedClock implements TimedClock {
  readonly #clock = new ManualClock();
  /** Alarms that have neither rung nor been cancelled. */
  readonly waiting = new Set<() => void>();

  now(): number {
    return this.#clock.wallTime();
  }

  monotonic(): number {
    return this.#clock.now();
  }

  after(milliseconds: number, callback: () => void): () => void {
    const cancel = this.#clock.after(milliseconds, () => {
      this.waiting.delete(callback);
      callback();
    });
    this.waiting.add(callback);
    return () => {
      this.waiting.delete(callback);
      cancel();
    };
  }

  advance(milliseconds: number): void {
    this.#clock.advance(milliseconds);
  }
}
