import type { TimedClock } from './timed-clock.ts';

/** Something that takes its time and ends early when one of several signals is aborted, or when what it expects does not come. */
export class Undertaking {
  readonly #controller = new AbortController();
  readonly #parents: readonly AbortSignal[];
  readonly #clock: TimedClock;
  readonly #onAbort = (): void => this.#adoptAbort();
  #cancel: () => void = () => undefined;

  constructor(parents: readonly AbortSignal[], clock: TimedClock) {
    this.#parents = parents;
    this.#clock = clock;
    for (const parent of parents) parent.addEventListener('abort', this.#onAbort);
    this.#adoptAbort();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Begins to wait anew. Ends with the error if nothing is expected anew in that time; undefined: nothing is waited for. */
  expect(milliseconds: number | undefined, error?: () => Error): void {
    this.#cancel();
    this.#cancel = () => undefined;
    if (milliseconds === undefined || this.signal.aborted) return;
    this.#cancel = this.#clock.after(milliseconds, () => this.#controller.abort(error?.()));
  }

  /** Waits no longer than the undertaking lasts. */
  async unlessAborted<Value>(work: Promise<Value>): Promise<Value> {
    const { signal } = this;
    let onAbort = (): void => undefined;
    const aborted = new Promise<never>((_resolve, reject) => {
      onAbort = () => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) onAbort();
    });
    try {
      return await Promise.race([work, aborted]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Nothing is waited for or listened to any more. */
  finish(): void {
    this.expect(undefined);
    for (const parent of this.#parents) parent.removeEventListener('abort', this.#onAbort);
  }

  #adoptAbort(): void {
    const aborted = this.#parents.find((parent) => parent.aborted);
    if (aborted === undefined) return;
    this.#controller.abort(aborted.reason);
    this.#cancel();
  }
}
