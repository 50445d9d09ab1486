import type { Clock } from './clock.ts';

/** Something that has to be flushed soon. */
export interface Flushable {
  flush(): void;
}

/**
 * Why a stream is flushed. `endpoints`: an assignment changed, so an endpoint may be gone or ill. `first`: it waits for its first
 * answer. `answer`: the client asked for something, or made room for it. `structure`: anything else changed.
 */
export type Urgency = 'endpoints' | 'first' | 'answer' | 'structure';

/** How changes are gathered (hot-path H602). Milliseconds. */
export interface Pacing {
  /** A window when the machine has time; 0: nothing is gathered. */
  readonly shortestWindow: number;
  /** A window when it has none. */
  readonly longestWindow: number;
  /** Share of the time since it was last asked during which the event loop was busy, 0 to 1. */
  readonly busyShare: () => number;
}

/** Everything goes as soon as it may. */
export const unpaced: Pacing = { shortestWindow: 0, longestWindow: 0, busyShare: () => 0 };

/** Streams flushed in one turn of the event loop (hot-path H605). */
const longestSlice = 64;
/** Milliseconds after which a turn ends even if fewer were. */
const longestTurn = 5;
/** What a lane leaves of a turn to those behind it, so that none is starved. */
const leftToOthers = 0.75;

/**
 * Streams that have something to send, flushed after the requests that lie ready have been read, in slices, so that the event loop
 * never blocks for long.
 *
 * A change of endpoints goes at once, and opens a window; what changes for the same streams until its end goes then, together. A
 * change of structure waits for the end of a window in any case, so that a burst of them is one to the client (X71). A window is
 * not prolonged by what comes in it, so nothing waits longer than one (H602); windows grow while the machine is busy.
 */
export class FlushQueue {
  readonly #clock: Clock;
  readonly #pacing: Pacing;
  /** Those whose turn has come, in the order in which lanes are served: nothing that changes endpoints waits behind configuration. */
  readonly #ready = {
    endpoints: new Set<Flushable>(),
    first: new Set<Flushable>(),
    others: new Set<Flushable>(),
  } as const;
  /** Those that wait for the end of the window, with the lane that they will be in. */
  readonly #held = new Map<Flushable, 'endpoints' | 'others'>();
  /** Those that were sent endpoints in this window. */
  readonly #served = new Set<Flushable>();
  #isScheduled = false;
  #window: number;
  #cancelWindow: (() => void) | undefined;

  constructor(clock: Clock, pacing: Pacing) {
    this.#clock = clock;
    this.#pacing = pacing;
    this.#window = pacing.shortestWindow;
  }

  /** Streams that wait. */
  get size(): number {
    return this.#readyCount + this.#held.size;
  }

  /** Milliseconds for which changes are gathered now. */
  get window(): number {
    return this.#window;
  }

  add(stream: Flushable, urgency: Urgency): void {
    const { endpoints, first, others } = this.#ready;
    if (urgency === 'first') {
      others.delete(stream);
      if (!endpoints.has(stream)) first.add(stream);
    } else if (!endpoints.has(stream) && !first.has(stream)) this.#addRefresh(stream, urgency);
    this.#schedule();
  }

  remove(stream: Flushable): void {
    for (const lane of Object.values(this.#ready)) lane.delete(stream);
    this.#held.delete(stream);
    this.#served.delete(stream);
  }

  #addRefresh(stream: Flushable, urgency: 'endpoints' | 'answer' | 'structure'): void {
    const { endpoints, others } = this.#ready;
    if (urgency === 'endpoints') {
      if (this.#served.has(stream)) return this.#hold(stream, 'endpoints');
      others.delete(stream);
      endpoints.add(stream);
    } else if (urgency === 'answer' || this.#pacing.shortestWindow === 0) others.add(stream);
    else if (!others.has(stream) && !this.#held.has(stream)) this.#hold(stream, 'others');
  }

  #hold(stream: Flushable, lane: 'endpoints' | 'others'): void {
    this.#held.set(stream, lane);
    this.#openWindow();
  }

  // --- windows ---

  #openWindow(): void {
    if (this.#cancelWindow !== undefined || this.#pacing.shortestWindow === 0) return;
    this.#pacing.busyShare();
    this.#cancelWindow = this.#clock.after(this.#window, () => this.#endWindow());
  }

  #endWindow(): void {
    this.#cancelWindow = undefined;
    const { shortestWindow, longestWindow, busyShare } = this.#pacing;
    this.#window =
      busyShare() > 0.5 ? Math.min(this.#window * 2, longestWindow) : Math.max(this.#window / 2, shortestWindow);
    this.#served.clear();
    for (const [stream, lane] of this.#held) this.add(stream, lane === 'endpoints' ? 'endpoints' : 'answer');
    this.#held.clear();
  }

  // --- slices ---

  get #readyCount(): number {
    const { endpoints, first, others } = this.#ready;
    return endpoints.size + first.size + others.size;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#readyCount === 0) return;
    this.#isScheduled = true;
    this.#clock.soon(() => this.#runSlice());
  }

  #runSlice(): void {
    this.#isScheduled = false;
    const { endpoints, first, others } = this.#ready;
    const start = this.#clock.now();
    let count = 0;
    for (const lane of [endpoints, first, others]) {
      const isAlone = lane.size === this.#readyCount;
      const share = isAlone || lane === others ? 1 : leftToOthers;
      count = this.#serve(lane, count, longestSlice * share, start + longestTurn * share);
    }
    this.#schedule();
  }

  /** Flushes what is in a lane now. Gives how many were flushed in this turn. */
  #serve(lane: Set<Flushable>, before: number, most: number, end: number): number {
    let count = before;
    for (const stream of lane) {
      if (count >= most || (count > 0 && this.#clock.now() >= end)) break;
      lane.delete(stream);
      this.#held.delete(stream);
      if (lane === this.#ready.endpoints && this.#pacing.shortestWindow > 0) {
        this.#served.add(stream);
        this.#openWindow();
      }
      stream.flush();
      count++;
    }
    return count;
  }
}
