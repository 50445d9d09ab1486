import type { TimedClock } from '../../src/discovery/kubernetes/api/timed-clock.ts';

interface Alarm {
  readonly at: number;
  readonly ring: () => void;
}

/** Time for asynchronous programs: it passes when the test says so, and what it wakes is given its turns before more passes. */
export class VirtualTime implements TimedClock {
  #passed = 0;
  readonly #alarms = new Set<Alarm>();

  now(): number {
    return 1_700_000_000_000 + this.#passed;
  }

  monotonic(): number {
    return this.#passed;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const alarm: Alarm = { at: this.#passed + milliseconds, ring: callback };
    this.#alarms.add(alarm);
    return () => void this.#alarms.delete(alarm);
  }

  /** Lets time pass, alarm by alarm. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#passed + milliseconds;
    await turns();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#alarms.delete(next);
      this.#passed = Math.max(this.#passed, next.at);
      next.ring();
      await turns();
    }
    this.#passed = end;
    await turns();
  }

  /** As if the process had stood still: time is over without anybody having been woken meanwhile. */
  stall(milliseconds: number): void {
    this.#passed += milliseconds;
  }

  #next(end: number): Alarm | undefined {
    return [...this.#alarms].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
  }
}

/** Lets everything run that need not wait for time. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
