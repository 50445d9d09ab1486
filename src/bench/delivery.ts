import { noObserver, type XdsObserver } from '../xds/observer.ts';

/** What a server under test has sent and what was confirmed: counted as it happens, to wait for it and to time it. */
export class Delivery {
  sent = 0;
  acked = 0;
  nacked = 0;
  bytes = 0;
  resources = 0;
  /** Of refused or broken streams. */
  readonly problems: string[] = [];
  readonly #waiting = new Set<{ readonly reached: () => boolean; readonly resolve: () => void }>();
  #latencies: Map<string, number[]> | undefined;

  /** Adds one message. */
  countSent(bytes: number, resources: number): void {
    this.sent++;
    this.bytes += bytes;
    this.resources += resources;
    this.#wake();
  }

  countAcked(): void {
    this.acked++;
    this.#wake();
  }

  untilSent(count: number): Promise<void> {
    return this.#until(() => this.sent >= count);
  }

  untilAcked(count: number): Promise<void> {
    return this.#until(() => this.acked >= count);
  }

  /** Begins to note how long every change takes to every ACK. */
  record(): void {
    this.#latencies = new Map();
  }

  /** Milliseconds from change to ACK, by change. */
  recorded(): ReadonlyMap<string, readonly number[]> {
    const latencies = this.#latencies ?? new Map<string, number[]>();
    this.#latencies = undefined;
    return latencies;
  }

  /** An observer for Weir's server that counts here. */
  observer(): XdsObserver {
    return {
      ...noObserver,
      pushed: ({ bytes, resources }) => this.countSent(bytes, resources),
      acked: ({ latencies }) => {
        if (this.#latencies !== undefined) for (const { source, total } of latencies) this.#note(source, total);
        this.countAcked();
      },
      nacked: () => void this.nacked++,
      refused: ({ message }) => void this.problems.push(message),
    };
  }

  #note(change: string, milliseconds: number): void {
    const known = this.#latencies?.get(change);
    if (known === undefined) this.#latencies?.set(change, [milliseconds]);
    else known.push(milliseconds);
  }

  async #until(reached: () => boolean): Promise<void> {
    if (reached()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add({ reached, resolve });
    await promise;
  }

  #wake(): void {
    for (const wait of this.#waiting) {
      if (!wait.reached()) continue;
      this.#waiting.delete(wait);
      wait.resolve();
    }
  }
}
