import { pause, type TimedClock } from '../api/timed-clock.ts';

/** Milliseconds over which those who hear that a server is back come back themselves. */
const spreadMs = 800;

/**
 * Whether a server is there, as the reflectors of it tell each other: each of them finds out by itself that it is gone, and waits ever longer;
 * the first that reaches it again ends the waiting of the others, or an outage of a minute would be followed by a second one.
 */
export class Contact {
  readonly #waiting = new Set<() => void>();

  /**
   * Waits so long, or until somebody has reached the server; never throws.
   *
   * @param random from 0 to below 1
   */
  async wait(clock: TimedClock, milliseconds: number, random: () => number, signal: AbortSignal): Promise<void> {
    const reached = new AbortController();
    const end = (): void => reached.abort();
    this.#waiting.add(end);
    await pause(clock, milliseconds, AbortSignal.any([signal, reached.signal]));
    this.#waiting.delete(end);
    if (reached.signal.aborted) await pause(clock, spreadMs * random(), signal);
  }

  /** The server has said something. */
  reached(): void {
    for (const end of this.#waiting) end();
  }
}
