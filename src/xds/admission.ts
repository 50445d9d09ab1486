import type { Clock } from './clock.ts';

/**
 * Lets new connections and streams in at a bounded rate: after a restart all proxies come back at once, and the first answers of some must not
 * starve those that are connected (xds-protocol X10, hot-path H901).
 */

export interface AdmissionOptions {
  /** How many per second, evenly; a tenth of a second's worth may come at once. */
  readonly perSecond: number;
  /** Seconds that one may have to wait. Where that is not enough it is refused, and its proxy comes again later. */
  readonly longestWait: number;
  readonly clock: Clock;
}

export type Turn =
  | { readonly kind: 'entered' }
  /** @property withdraw gives the place in the queue up */
  | { readonly kind: 'waiting'; readonly withdraw: () => void }
  /** Too many wait already. */
  | { readonly kind: 'refused' };

export class Admission {
  readonly #perSecond: number;
  readonly #longestWait: number;
  readonly #clock: Clock;
  /** How many may enter at once, fractions included. */
  #credit: number;
  #creditAt: number;
  readonly #queue = new Set<() => void>();
  #isTimed = false;

  constructor({ perSecond, longestWait, clock }: AdmissionOptions) {
    this.#perSecond = perSecond;
    this.#longestWait = longestWait;
    this.#clock = clock;
    this.#credit = this.#mostCredit;
    this.#creditAt = clock.now();
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /** @param enter called at once, or when it is this one's turn */
  ask(enter: () => void): Turn {
    this.#earn();
    if (this.#queue.size === 0 && this.#credit >= 1) {
      this.#credit--;
      enter();
      return { kind: 'entered' };
    }
    if (this.#queue.size >= this.#perSecond * this.#longestWait) return { kind: 'refused' };
    this.#queue.add(enter);
    this.#setTimer();
    return { kind: 'waiting', withdraw: () => this.#queue.delete(enter) };
  }

  get #mostCredit(): number {
    return Math.max(1, this.#perSecond / 10);
  }

  #earn(): void {
    const now = this.#clock.now();
    const earned = ((now - this.#creditAt) * this.#perSecond) / 1000;
    this.#credit = Math.min(this.#mostCredit, this.#credit + earned);
    this.#creditAt = now;
  }

  #setTimer(): void {
    if (this.#isTimed || this.#queue.size === 0) return;
    this.#isTimed = true;
    this.#clock.after(Math.ceil(((1 - this.#credit) * 1000) / this.#perSecond), () => {
      this.#isTimed = false;
      this.#earn();
      this.#letIn();
      this.#setTimer();
    });
  }

  #letIn(): void {
    for (const enter of this.#queue) {
      if (this.#credit < 1) return;
      this.#credit--;
      this.#queue.delete(enter);
      enter();
    }
  }
}
