import type { ApiClient, ApiRequest } from '../api/api-client.ts';
import type { TimedClock } from '../api/timed-clock.ts';
import { Undertaking } from '../api/undertaking.ts';
import { readEvent, type WatchEvent } from './events.ts';
import type { ReflectorCounters } from './metrics.ts';

export interface WatchOptions {
  readonly client: ApiClient;
  readonly request: ApiRequest;
  readonly clock: TimedClock;
  readonly counters: ReflectorCounters;
  /** Called for every line. */
  readonly heard: () => void;
}

/** The server has been silent for longer than it ever should be. */
export class StallError extends Error {
  override readonly name = 'StallError';
}

/** A watch that the server has accepted. */
export class Watch {
  /** Monotonic milliseconds. */
  readonly openedAt: number;
  readonly #options: WatchOptions;
  readonly #undertaking: Undertaking;
  readonly #lines: AsyncIterator<Buffer, unknown>;
  #silenceMs = Infinity;

  /** @throws ApiError */
  static async open(options: WatchOptions, signal: AbortSignal): Promise<Watch> {
    const undertaking = new Undertaking([signal], options.clock);
    try {
      const lines = await options.client.lines(options.request, undertaking.signal);
      options.counters.watches++;
      return new Watch(options, undertaking, lines);
    } catch (error) {
      undertaking.finish();
      throw error;
    }
  }

  private constructor(options: WatchOptions, undertaking: Undertaking, lines: AsyncIterable<Buffer>) {
    this.openedAt = options.clock.monotonic();
    this.#options = options;
    this.#undertaking = undertaking;
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /**
   * Leaves the watch when no line is complete for so long: a peer that is gone is as silent as one that has nothing to say, and one that
   * drips bytes says nothing either (K21).
   */
  allowSilence(milliseconds: number): void {
    this.#silenceMs = milliseconds;
    this.#expectLine();
  }

  /**
   * The next event; undefined: the server has ended the watch.
   *
   * @throws StallError, ApiError, the signal's reason
   */
  async next(): Promise<WatchEvent | undefined> {
    const { counters, clock, request, heard } = this.#options;
    const line = await this.#lines.next();
    this.#undertaking.signal.throwIfAborted();
    if (line.done === true) return undefined;
    this.#expectLine();
    counters.bytes += line.value.length + 1;
    heard();
    const start = clock.monotonic();
    try {
      return readEvent(line.value, `watch of ${request.path}`);
    } finally {
      counters.parseMs += clock.monotonic() - start;
    }
  }

  /** Settles when nothing of it is left. */
  async close(): Promise<void> {
    this.#undertaking.finish();
    try {
      await this.#lines.return?.();
    } catch {
      // It was to end, and has ended.
    }
  }

  #expectLine(): void {
    const milliseconds = this.#silenceMs;
    if (milliseconds === Infinity) return;
    const { path } = this.#options.request;
    this.#undertaking.expect(milliseconds, () => {
      this.#options.counters.stalls++;
      return new StallError(`watch of ${path}: nothing was heard for ${milliseconds / 1000} s`);
    });
  }
}
