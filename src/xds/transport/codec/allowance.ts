/** So much at once and so much per second: beyond that a client is taken for an attacker (reliability S77). */
export class Allowance {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #at: number | undefined;

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#left = burst;
  }

  /** @param now milliseconds @returns false: there is none left */
  spend(now: number): boolean {
    const earned = ((now - (this.#at ?? now)) * this.#perSecond) / 1000;
    this.#at = now;
    this.#left = Math.min(this.#burst, this.#left + earned) - 1;
    return this.#left >= 0;
  }

  /** The client has got something for which it may say as much. */
  earn(): void {
    if (this.#left < this.#burst) this.#left++;
  }
}
