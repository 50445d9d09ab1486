import type { Clock } from '../../clock.ts';

/**
 * Reads from all connections in turn, so that the event loop is never away for long: when hundreds of clients reconnect at once, each
 * names thousands of resources, and all of it lies ready (hot-path H1421).
 */

/** Something that can be told to wait. */
export interface Source {
  read(bytes: Buffer): void;
  pause(): void;
  resume(): void;
}

/** Milliseconds of reading after which what else comes waits for the next turn of the event loop. */
const longestTurn = 8;
/** Milliseconds of reading before it is worth asking when the turn ends. */
const shortestTurn = 1;
/** Bytes below which a piece is most likely ACKs: they go before large requests. */
const shortPiece = 4_096;

export class Reception {
  readonly #clock: Clock;
  /** Milliseconds of reading since the last turn of the event loop. */
  #spent = 0;
  #isScheduled = false;
  readonly #short = new Map<Source, Buffer[]>();
  readonly #long = new Map<Source, Buffer[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Has a source read what came for it, now or when it is its turn; until then it is paused. */
  take(source: Source, bytes: Buffer): void {
    const waiting = this.#short.get(source) ?? this.#long.get(source);
    if (waiting !== undefined) waiting.push(bytes);
    else if (this.#spent < longestTurn) this.#read(source, bytes);
    else {
      const lane = bytes.length < shortPiece ? this.#short : this.#long;
      lane.set(source, [bytes]);
      source.pause();
    }
  }

  /** Whether something of it is not read yet. */
  isWaiting(source: Source): boolean {
    return this.#short.has(source) || this.#long.has(source);
  }

  /** A source that is no more. */
  forget(source: Source): void {
    this.#short.delete(source);
    this.#long.delete(source);
  }

  #read(source: Source, bytes: Buffer): void {
    const start = this.#clock.now();
    source.read(bytes);
    this.#spent += this.#clock.now() - start;
    if (this.#spent >= shortestTurn) this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.soon(() => this.#beginTurn());
  }

  #beginTurn(): void {
    this.#isScheduled = false;
    this.#spent = 0;
    while (this.#short.size > 0 && this.#spent < longestTurn) this.#serveFirst(this.#short);
    // One: it can finish now what it says before the next begins, so that few requests are in memory at once.
    this.#serveFirst(this.#long);
    this.#spent = 0;
    if (this.#short.size + this.#long.size > 0) this.#schedule();
  }

  #serveFirst(lane: Map<Source, Buffer[]>): void {
    for (const [source, pieces] of lane) {
      lane.delete(source);
      for (const bytes of pieces) this.#read(source, bytes);
      return source.resume();
    }
  }
}
