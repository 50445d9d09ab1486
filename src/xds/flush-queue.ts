import type { Clock } from './clock.ts';

/** Something that has to be flushed soon. */
export interface Flushable {
  flush(): void;
}

/**
 * Why a stream is flushed. `endpoints`: an assignment changed, so an endpoint may be gone or ill. `first`: it waits for its first
 * answer. `answer`: the client asked for something, or made room for it. `structure`: anything else changed.
 */
export type Urgency = (typeof urgencies)[number];

/** In the order in which they are served: nothing that changes endpoints waits behind configuration. */
const urgencies = ['endpoints', 'first', 'answer', 'structure'] as const;

/** Those that are gathered in windows. */
type Change = 'endpoints' | 'structure';

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

/** Share of busy time from which windows grow. Half, as H602 has it, makes changes wait where there is still time for them (decision 13). */
const nearlyAlwaysBusy = 0.9;
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
 * A change goes at once, and opens a window; what changes for the same streams until its end goes then, together, so that a burst
 * is two responses to the client. A window is not prolonged by what comes in it, so nothing waits longer than one (H602);
 * windows grow while the machine is busy.
 */
export class FlushQueue {
  readonly #clock: Clock;
  readonly #pacing: Pacing;
  /** Those whose turn has come, each in one lane. */
  readonly #ready: Readonly<Record<Urgency, Set<Flushable>>> = {
    endpoints: new Set<Flushable>(),
    first: new Set<Flushable>(),
    answer: new Set<Flushable>(),
    structure: new Set<Flushable>(),
  };
  readonly #lanes = urgencies.map((urgency) => this.#ready[urgency]);
  /** Those that wait for the end of the window, with the lane that they will be in. */
  readonly #held = new Map<Flushable, Change>();
  /** Those that were sent a change in this window. Endpoints do not wait because structure was sent. */
  readonly #served: Readonly<Record<Change, Set<Flushable>>> = { endpoints: new Set(), structure: new Set() };
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
    if (!isChange(urgency) || !this.#served[urgency].has(stream)) this.#makeReady(stream, urgency);
    else if (urgency === 'endpoints' || !this.#held.has(stream)) this.#held.set(stream, urgency);
    this.#schedule();
  }

  remove(stream: Flushable): void {
    for (const lane of this.#lanes) lane.delete(stream);
    this.#held.delete(stream);
    for (const served of Object.values(this.#served)) served.delete(stream);
  }

  /** Once in the foremost lane that it has a reason for, since a flush sends everything. */
  #makeReady(stream: Flushable, urgency: Urgency): void {
    const place = urgencies.indexOf(urgency);
    for (const [index, lane] of this.#lanes.entries()) {
      if (index < place && lane.has(stream)) return;
      if (index > place) lane.delete(stream);
    }
    this.#ready[urgency].add(stream);
  }

  // --- windows ---

  #openWindow(): void {
    if (this.#cancelWindow !== undefined) return;
    this.#pacing.busyShare();
    this.#cancelWindow = this.#clock.after(this.#window, () => this.#endWindow());
  }

  #endWindow(): void {
    this.#cancelWindow = undefined;
    const { shortestWindow, longestWindow, busyShare } = this.#pacing;
    this.#window =
      busyShare() > nearlyAlwaysBusy
        ? Math.min(this.#window * 2, longestWindow)
        : Math.max(this.#window / 2, shortestWindow);
    for (const served of Object.values(this.#served)) served.clear();
    const held = [...this.#held];
    this.#held.clear();
    for (const [stream, lane] of held) this.add(stream, lane);
  }

  // --- slices ---

  get #readyCount(): number {
    return this.#lanes.reduce((count, lane) => count + lane.size, 0);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#readyCount === 0) return;
    this.#isScheduled = true;
    this.#clock.soon(() => this.#runSlice());
  }

  #runSlice(): void {
    this.#isScheduled = false;
    const start = this.#clock.now();
    let count = 0;
    for (const urgency of urgencies) {
      const lane = this.#ready[urgency];
      const leavesRoom = (urgency === 'endpoints' || urgency === 'first') && lane.size < this.#readyCount;
      const share = leavesRoom ? leftToOthers : 1;
      count = this.#serve(urgency, count, longestSlice * share, start + longestTurn * share);
    }
    this.#schedule();
  }

  /** Flushes what is in a lane now. Gives how many were flushed in this turn. */
  #serve(urgency: Urgency, before: number, most: number, end: number): number {
    const lane = this.#ready[urgency];
    const served = isChange(urgency) && this.#pacing.shortestWindow > 0 ? this.#served[urgency] : undefined;
    let count = before;
    for (const stream of lane) {
      if (count >= most || (count > 0 && this.#clock.now() >= end)) break;
      lane.delete(stream);
      this.#held.delete(stream);
      served?.add(stream);
      stream.flush();
      count++;
    }
    if (served !== undefined && served.size > 0) this.#openWindow();
    return count;
  }
}

function isChange(urgency: Urgency): urgency is Change {
  return urgency === 'endpoints' || urgency === 'structure';
}
