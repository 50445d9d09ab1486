/** What was heard and not yet looked at. */
export interface Heard {
  /** Monotonic milliseconds at which the first of it was heard. */
  readonly at: number;
  /** Empty: only a reminder. */
  readonly paths: ReadonlySet<string>;
}

/** Collects what happens until the owner asks: everything heard within one turn of the event loop comes together. */
export class Inbox {
  private paths = new Set<string>();
  private at: number | undefined;
  private wake: (() => void) | undefined;
  private readonly monotonic: () => number;

  constructor(monotonic: () => number) {
    this.monotonic = monotonic;
  }

  /** @param path that something happened to; undefined: a reminder to look at what is due */
  put(path?: string): void {
    this.at ??= this.monotonic();
    if (path !== undefined) this.paths.add(path);
    const { wake } = this;
    if (wake === undefined) return;
    this.wake = undefined;
    setImmediate(wake);
  }

  /** Waits until there is something, or the signal is aborted. */
  async take(signal: AbortSignal): Promise<Heard> {
    if (this.at === undefined && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.wake = wake;
        signal.addEventListener('abort', wake);
      });
    }
    const heard = { at: this.at ?? this.monotonic(), paths: this.paths };
    this.paths = new Set();
    this.at = undefined;
    return heard;
  }
}
