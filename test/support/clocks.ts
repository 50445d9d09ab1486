import type { Clock } from '../../src/xds/clock.ts';

/** The time of the machine. */
export const realClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  soon: (callback) => void setImmediate(callback),
};

interface Alarm {
  readonly at: number;
  readonly callback: () => void;
}

/** Time that passes when the test says so. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #alarms = new Set<Alarm>();
  #soon: (() => void)[] = [];

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return 1_700_000_000_000 + this.#now;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const alarm = { at: this.#now + milliseconds, callback };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  soon(callback: () => void): void {
    this.#soon.push(callback);
  }

  /** Runs what was to run soon, and what that asks for. */
  settle(): void {
    for (let work = this.#soon; work.length > 0; work = this.#soon) {
      this.#soon = [];
      for (const callback of work) callback();
    }
  }

  /** Lets time pass, alarm by alarm. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    this.settle();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#alarms.delete(next);
      this.#now = next.at;
      next.callback();
      this.settle();
    }
    this.#now = end;
  }

  #next(end: number): Alarm | undefined {
    const due = [...this.#alarms].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
    return due[0];
  }
}
