import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { difference, histogramOf, meanOf, medianOf, type Histogram } from './metrics.ts';
import { deliveryOf, type Weir } from './weir.ts';

/** When changes have reached the sidecars, and how long that took by Weir's own clock: from the event that it hears to the ACK. */

/** How things were before a change. */
export interface Departure {
  readonly latencies: Histogram;
  /** What the sidecars should have had. */
  readonly version: string;
}

/** Milliseconds that a change may take until it is seen at the sidecars. */
const deadline = 10_000;
/** Milliseconds between looks; each costs Weir a millisecond of what is being measured. */
const lookInterval = 50;

export class Arrivals {
  readonly #weir: Weir;
  #first: Histogram | undefined;
  #before: Histogram | undefined;
  #now: Histogram | undefined;

  constructor(weir: Weir) {
    this.#weir = weir;
  }

  /** Milliseconds that the last change took, the mean over the sidecars and types that it reached; undefined before the first. */
  get last(): number | undefined {
    if (this.#now === undefined || this.#before === undefined) return undefined;
    return inMilliseconds(meanOf(difference(this.#now, this.#before)));
  }

  /** The median over all changes and all that they reached. */
  get median(): number | undefined {
    if (this.#now === undefined || this.#first === undefined) return undefined;
    return inMilliseconds(medianOf(difference(this.#now, this.#first)));
  }

  /** Call before a change. */
  async departure(): Promise<Departure> {
    const latencies = await this.#read();
    this.#first ??= latencies;
    return { latencies, version: (await deliveryOf(this.#weir)).version };
  }

  /**
   * Waits until the sidecars should have something else than before, and have it.
   *
   * @param reached what else must be so
   */
  async arrival(departure: Departure, reached: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
    const hasArrived = async (): Promise<boolean> => {
      const { version, isPending } = await deliveryOf(this.#weir);
      return version !== departure.version && !isPending && (await reached());
    };
    // Not at once: the first look would stand in the way of what it looks for.
    await delay(lookInterval, undefined, { signal });
    await untilSeen('the change', hasArrived, signal);
    this.#before = departure.latencies;
    this.#now = await this.#read();
  }

  /** Takes note of changes that somebody else made since the last look. */
  async look(): Promise<void> {
    const latencies = await this.#read();
    if (this.#now !== undefined && latencies.count === this.#now.count) return;
    this.#before = this.#now ?? latencies;
    this.#now = latencies;
  }

  async #read(): Promise<Histogram> {
    const response = await fetch(`${this.#weir.admin}/metrics`);
    return histogramOf(await response.text(), 'weir_push_latency_seconds', { stage: 'total' });
  }
}

/** Looks again and again until something is so; rejects after ten seconds. */
export async function untilSeen(what: string, holds: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  const giveUp = performance.now() + deadline;
  while (!(await holds())) {
    if (performance.now() > giveUp)
      throw new Error(`${what} did not arrive at the sidecars within ${deadline / 1000} s`);
    await delay(lookInterval, undefined, { signal });
  }
}

function inMilliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}
