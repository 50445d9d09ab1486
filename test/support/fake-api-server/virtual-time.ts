interface Alarm {
  readonly at: number;
  readonly callback: () => void;
}

/** Time that passes when the test says so, from alarm to alarm, with a rest after each for what it has set in motion. */
export class VirtualTime {
  #now = 1_700_000_000_000;
  #alarms: Alarm[] = [];
  /** Settles when nothing moves any more. */
  readonly #rest: () => Promise<void>;

  constructor(rest: () => Promise<void>) {
    this.#rest = rest;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const alarm = { at: this.#now + Math.max(0, milliseconds), callback };
    this.#alarms.push(alarm);
    return () => {
      this.#alarms = this.#alarms.filter((each) => each !== alarm);
    };
  }

  /** Alarms that are set. */
  get alarms(): number {
    return this.#alarms.length;
  }

  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await this.#rest();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      const { at, callback } = next;
      this.#now = at;
      this.#alarms = this.#alarms.filter((each) => each !== next);
      callback();
      await this.#rest();
    }
    this.#now = end;
  }

  #next(end: number): Alarm | undefined {
    let first: Alarm | undefined;
    for (const alarm of this.#alarms)
      if (alarm.at <= end && (first === undefined || alarm.at < first.at)) first = alarm;
    return first;
  }
}

/** Settles when the count of what has moved stays the same for some turns of the event loop. */
export async function untilStill(moves: () => number): Promise<void> {
  for (let before = -1, still = 0; still < 12; still += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    const now = moves();
    if (now !== before) still = 0;
    before = now;
  }
}
