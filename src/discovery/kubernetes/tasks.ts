/** Long-lived things that begin and end while their owner runs. */
export class Tasks<Name> {
  private readonly stops = new Map<Name, AbortController>();
  private readonly running = new Set<Promise<void>>();
  private readonly ended = Promise.withResolvers<void>();

  /** Starts one; one of the same name is stopped, and may still be stopping. */
  start(name: Name, run: (signal: AbortSignal) => Promise<void>): void {
    this.stop(name);
    const stop = new AbortController();
    this.stops.set(name, stop);
    const done = run(stop.signal)
      .catch((error: unknown) => this.ended.reject(error))
      .finally(() => this.running.delete(done));
    this.running.add(done);
  }

  has(name: Name): boolean {
    return this.stops.has(name);
  }

  stop(name: Name): void {
    this.stops.get(name)?.abort();
    this.stops.delete(name);
  }

  /**
   * Waits until the signal is aborted, stops everything, and settles when everything has stopped.
   *
   * @throws what one of them threw, as soon as the others have stopped
   */
  async untilStopped(signal: AbortSignal): Promise<void> {
    const end = (): void => this.ended.resolve();
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    try {
      await this.ended.promise;
    } finally {
      signal.removeEventListener('abort', end);
      for (const name of [...this.stops.keys()]) this.stop(name);
      await Promise.all(this.running);
    }
  }
}
