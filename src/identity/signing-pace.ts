import type { AuthorityClock } from './clock.ts';
import { FairQueue } from './fair-queue.ts';

/** How many certificates are signed, and for whom (reliability S66, istio-compat I57). */

export interface PaceLimits {
  /** Of one instance of a workload (S58). */
  readonly perInstanceMinute: number;
  /** Of all together; as many may come at once. */
  readonly perSecond: number;
  /** How many are worked on at a time: between two of them the event loop does other things. */
  readonly atOnce: number;
  readonly waiting: number;
}

const defaultPaceLimits: PaceLimits = { perInstanceMinute: 5, perSecond: 200, atOnce: 4, waiting: 1000 };

export interface Turn {
  /** The workload instance whose allowance it is. */
  readonly instance: string;
  /** Whose line it waits in: that of its identity. */
  readonly line: string;
}

export type Paced<Value> =
  | { readonly kind: 'done'; readonly value: Value }
  /** As the end of a sentence that begins with "the request". */
  | { readonly kind: 'busy'; readonly reason: string };

interface Waiting {
  readonly start: () => void;
  readonly refuse: () => void;
}

interface Allowance {
  left: number;
  at: number;
}

const minute = 60_000;
/** Allowances between two looks for those that are full again and need not be kept. */
const sweepEvery = 10_000;

export class SigningPace {
  readonly #limits: PaceLimits;
  readonly #clock: AuthorityClock;
  readonly #allowances = new Map<string, Allowance>();
  readonly #queue: FairQueue<Waiting>;
  readonly #all: Allowance;
  #working = 0;
  #isTimed = false;
  #sweepAt = sweepEvery;

  constructor(clock: AuthorityClock, limits: PaceLimits = defaultPaceLimits) {
    this.#limits = limits;
    this.#clock = clock;
    this.#queue = new FairQueue(limits.waiting);
    this.#all = { left: limits.perSecond, at: clock.monotonic() };
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /** Does the work when its turn has come. @throws what the work throws */
  async run<Value>({ instance, line }: Turn, work: () => Promise<Value>): Promise<Paced<Value>> {
    const { perInstanceMinute } = this.#limits;
    const allowance = this.#allowanceOf(instance);
    if (allowance.left < 1) {
      return { kind: 'busy', reason: `is one of more than ${perInstanceMinute} of this workload in a minute` };
    }
    allowance.left--;
    if (!(await this.#turn(line))) {
      // It was not its fault: the next try is not to be counted twice.
      allowance.left = Math.min(perInstanceMinute, allowance.left + 1);
      return { kind: 'busy', reason: 'is one of too many at once' };
    }
    try {
      return { kind: 'done', value: await work() };
    } finally {
      this.#working--;
      this.#next();
    }
  }

  /** @returns false: there is no room for it */
  #turn(line: string): Promise<boolean> {
    return new Promise((resolve) => {
      const waiting: Waiting = { start: () => resolve(true), refuse: () => resolve(false) };
      this.#queue.push(line, waiting)?.refuse();
      this.#next();
    });
  }

  #next(): void {
    const { perSecond, atOnce } = this.#limits;
    refill(this.#all, this.#clock.monotonic(), perSecond / 1000, perSecond);
    while (this.#working < atOnce && this.#all.left >= 1) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#all.left--;
      this.#working++;
      next.start();
    }
    if (this.#queue.size > 0 && this.#all.left < 1) this.#wakeLater(((1 - this.#all.left) * 1000) / perSecond);
  }

  #wakeLater(milliseconds: number): void {
    if (this.#isTimed) return;
    this.#isTimed = true;
    this.#clock.after(Math.ceil(milliseconds), () => {
      this.#isTimed = false;
      this.#next();
    });
  }

  #allowanceOf(instance: string): Allowance {
    const { perInstanceMinute } = this.#limits;
    const now = this.#clock.monotonic();
    const allowance = this.#allowances.get(instance) ?? { left: perInstanceMinute, at: now };
    refill(allowance, now, perInstanceMinute / minute, perInstanceMinute);
    this.#allowances.set(instance, allowance);
    if (this.#allowances.size >= this.#sweepAt) this.#sweep(now);
    return allowance;
  }

  /** What has been left alone for a minute is full, as is one that is not kept. */
  #sweep(now: number): void {
    for (const [instance, { at }] of this.#allowances) if (now - at >= minute) this.#allowances.delete(instance);
    this.#sweepAt = this.#allowances.size + sweepEvery;
  }
}

function refill(allowance: Allowance, now: number, perMillisecond: number, most: number): void {
  allowance.left = Math.min(most, allowance.left + (now - allowance.at) * perMillisecond);
  allowance.at = now;
}
