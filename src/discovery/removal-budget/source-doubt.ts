import type { Freshness } from '../../model/source.ts';

/** Endpoints that a source may lose within the confirmation time before it is in doubt as a whole, however few of its many that are. */
const fewest = 10;
/** And the share of all that it names. */
const share = 0.05;

/**
 * Whether a source is to be believed: not while it is away, not just after it came back, when those that register with it may not all be
 * back, and not while it loses endpoints of many services at a time (reliability R25).
 */
export class SourceDoubt {
  readonly #confirmation: number;
  #freshness: Freshness | undefined;
  /** Milliseconds of the clock that never goes back. */
  #until = -Infinity;
  #size = 0;
  /** Losses less gains, as of a moment; they fade with time, the limit in one confirmation time. */
  #level = { at: 0, endpoints: 0 };

  /** @param confirmation milliseconds for which doubt lasts */
  constructor(confirmation: number) {
    this.#confirmation = confirmation;
  }

  /** Whether it is away. */
  get isStale(): boolean {
    return this.#freshness === 'stale' || this.#freshness === 'unknown';
  }

  /** @returns until when it is in doubt because it has come back; undefined when it has not */
  heard(freshness: Freshness, at: number): number | undefined {
    const isBack = freshness === 'synced' && this.#freshness === 'stale';
    this.#freshness = freshness;
    if (!isBack) return undefined;
    this.#until = Math.max(this.#until, at + this.#confirmation);
    return this.#until;
  }

  /** Notes what a service loses and gains, and says whether that may be believed. */
  isInDoubt(at: number, { lost, gained }: { readonly lost: number; readonly gained: number }): boolean {
    const limit = Math.max(fewest, this.#size * share);
    const { at: before, endpoints: level } = this.#level;
    const fading = ((at - before) / this.#confirmation) * limit;
    const faded = Math.sign(level) * Math.max(0, Math.abs(level) - fading);
    // Gains pay for later losses, as in a rollout, but not for any number of them.
    const endpoints = Math.max(-limit, faded + lost - gained);
    this.#level = { at, endpoints };
    if (endpoints > limit) this.#until = Math.max(this.#until, at + this.#confirmation);
    return this.isStale || at < this.#until;
  }

  /** @param difference how many more endpoints it names than before */
  resized(difference: number): void {
    this.#size += difference;
  }
}
