import type { TimedClock } from '../api/timed-clock.ts';
import type { ReflectorHealth } from './reflected.ts';

/** How long a watch may be away before the set counts as stale: a dead peer is found by PING in 45 s, and known in 90 (reliability SC9). */
const patienceMs = 40_000;

/** Says how far the set can be trusted, whenever that changes. */
export class Freshness {
  readonly #clock: TimedClock;
  readonly #tell: (health: ReflectorHealth) => void;
  #told: ReflectorHealth = { kind: 'unknown' };
  #isComplete = false;
  /** Only what is said counts: that a watch was accepted has meant nothing before. */
  #isSilent = false;
  #reason = '';
  /** Set while the watch is lost and its time is not over. */
  #cancel: (() => void) | undefined;

  constructor(clock: TimedClock, tell: (health: ReflectorHealth) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** The handler has a complete set. */
  complete(): void {
    this.#isComplete = true;
    if (this.#cancel === undefined) this.#say({ kind: 'following' });
  }

  /** The server has accepted a watch, and not ended it at once. */
  accepted(): void {
    if (!this.#isSilent) this.heard();
  }

  /** The server has said something. */
  heard(): void {
    this.#isSilent = false;
    this.#stopWaiting();
    if (this.#isComplete) this.#say({ kind: 'following' });
  }

  /** The server cannot be heard, for a reason that may pass. */
  lost(reason: string): void {
    this.#reason = reason;
    if (!this.#isComplete) return this.#say({ kind: 'unknown', reason });
    if (this.#told.kind !== 'following') return this.#say({ kind: 'stale', reason });
    this.#cancel ??= this.#clock.after(patienceMs, () => {
      this.#cancel = undefined;
      this.#say({ kind: 'stale', reason: this.#reason });
    });
  }

  /** The server has accepted a watch, and said nothing for longer than a quiet kind is silent. */
  silent(reason: string): void {
    this.#isSilent = true;
    this.#stopWaiting();
    this.#say({ kind: this.#isComplete ? 'stale' : 'unknown', reason });
  }

  /** The server has no such kind, or does not let us see it. */
  refused(kind: 'absent' | 'forbidden', reason: string): void {
    this.#stopWaiting();
    this.#say({ kind, reason });
  }

  stop(): void {
    this.#stopWaiting();
  }

  #stopWaiting(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #say(health: ReflectorHealth): void {
    if (isSame(this.#told, health)) return;
    this.#told = health;
    this.#tell(health);
  }
}

function isSame(a: ReflectorHealth, b: ReflectorHealth): boolean {
  return a.kind === b.kind && reasonOf(a) === reasonOf(b);
}

function reasonOf(health: ReflectorHealth): string | undefined {
  return health.kind === 'following' ? undefined : health.reason;
}
