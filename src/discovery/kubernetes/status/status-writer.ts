import type { Condition } from '../../../model/condition.ts';
import { partsOfConfigKey, type ConfigKey } from '../../../model/keys.ts';
import { describeError, type Log } from '../../../observe/log.ts';
import { ApiError, type ApiClient } from '../api/api-client.ts';
import { pause, type TimedClock } from '../api/timed-clock.ts';
import { definedKinds, resourceName, type FollowedKind } from '../followed-kinds.ts';
import type { Leadership } from '../lease.ts';
import { Agenda, grain } from './agenda.ts';
import { listStatuses, statusRequest, type StatusResource } from './status-resources.ts';
import { TokenBucket } from './token-bucket.ts';
import { differenceOf, statusOf, type Difference, type WrittenStatus } from './written-status.ts';

/** What there is to write. */
export interface StatusSubjects {
  /** The objects of this cluster that Weir reads, or refuses to. */
  keys(): Iterable<ConfigKey>;
  /** What is so now; empty: there is no such object. */
  conditionsOf(key: ConfigKey): readonly Condition[];
  /** Calls back with objects of which something may have changed. Gives the function that ends it. */
  follow(changed: (key: ConfigKey) => void): () => void;
}

/** What became of a look at an object that asked for a write. */
export type StatusWriteResult = 'written' | 'gone' | 'forbidden' | 'failed';

export interface StatusWriterOptions {
  readonly client: ApiClient;
  readonly subjects: StatusSubjects;
  readonly clock: TimedClock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly log: Log;
  /** Called after each write that was tried. */
  readonly wrote: (result: StatusWriteResult) => void;
  /** Writes (kubernetes K105). Default: 20 a second, 100 at once. */
  readonly rate?: { readonly perSecond: number; readonly burst: number };
}

/** Milliseconds. */
const times = {
  /** From a change to the look at it: most proxies have confirmed it by then, and several changes are one write. */
  settle: 1_000,
  /** For how long proxies may be behind on what they had confirmed before that is written: they come and go, and Weir restarts. */
  patience: 30_000,
  /** Between looks at an object that is not confirmed by all proxies: at first, and at most. */
  firstLook: 1_000,
  longestLook: 30_000,
  /** Between looks at all others: what proxies come and go is heard of by nothing else. */
  refresh: 600_000,
  /** Until a kind is listed again: those that the server lacks or refuses, and all, in case somebody else wrote there. */
  retryKind: 60_000,
  relist: 3_600_000,
  /** After a write that failed, at first and at most. */
  firstBackoff: 1_000,
  longestBackoff: 60_000,
} as const;

/** Objects that are looked at before everything else gets its turn, and milliseconds for which at most. */
const turn = { looks: 20, time: 10 } as const;

/** What is remembered of an object between looks. */
interface Memory {
  /** Milliseconds between the last two looks. */
  readonly interval: number;
  /** Since when its proxies are behind; undefined: they are not. */
  readonly behindSince: number | undefined;
}

/**
 * Writes what became of objects onto them (kubernetes K105). Level-triggered: what is written is what is so at the moment of writing, and
 * only what differs from what stands there. Runs only where it leads.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #agenda: Agenda<ConfigKey>;
  readonly #bucket: TokenBucket;
  /** Counts of proxies alone are not worth more: in a large mesh they change all the time. */
  readonly #slowBucket: TokenBucket;
  readonly #resources = new Map<string, StatusResource>();
  readonly #written = new Map<ConfigKey, WrittenStatus>();
  readonly #memories = new Map<ConfigKey, Memory>();
  /** When a kind is listed next. */
  readonly #kinds: Agenda<FollowedKind>;
  readonly #complaints = new Map<string, string>();
  #backoff = 0;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    const now = options.clock.monotonic();
    this.#agenda = new Agenda(now);
    this.#kinds = new Agenda(now);
    this.#bucket = new TokenBucket(options.rate ?? { perSecond: 20, burst: 100 }, now);
    this.#slowBucket = new TokenBucket({ perSecond: 1, burst: 10 }, now);
  }

  /** Writes as long as it may. */
  async run(leadership: Leadership): Promise<void> {
    const { subjects, clock } = this.#options;
    const { signal } = leadership;
    for (const kind of definedKinds) this.#kinds.plan(kind, this.#now);
    const stop = subjects.follow((key) => this.#agenda.plan(key, this.#now + times.settle));
    try {
      while (leadership.isHeld()) {
        await this.#listDue(signal);
        const wait = await this.#writeDue(leadership);
        await pause(clock, wait, signal);
      }
    } finally {
      stop();
    }
  }

  get #now(): number {
    return this.#options.clock.monotonic();
  }

  // --- what stands there ---

  async #listDue(signal: AbortSignal): Promise<void> {
    for (let kind = this.#kinds.take(this.#now); kind !== undefined; kind = this.#kinds.take(this.#now)) {
      if (signal.aborted) return;
      const isListed = await this.#list(kind, signal);
      this.#kinds.plan(kind, this.#now + this.#spread(isListed ? times.relist : times.retryKind));
    }
  }

  /** @returns whether it is known now what stands on the objects of a kind */
  async #list(kind: FollowedKind, signal: AbortSignal): Promise<boolean> {
    const { client, subjects } = this.#options;
    try {
      const resource = await listStatuses(client, kind, signal);
      if (resource === undefined) return false;
      this.#resources.set(kind.name, resource);
      for (const [key, status] of resource.written) this.#written.set(key, status);
      for (const key of subjects.keys())
        if (partsOfConfigKey(key).kind === kind.name) this.#agenda.plan(key, this.#now);
      return true;
    } catch (error) {
      if (!signal.aborted) this.#complain(error, `list on ${resourceName(kind)}`);
      return false;
    }
  }

  // --- what should stand there ---

  /** @returns after how many milliseconds there may be something to do again */
  async #writeDue(leadership: Leadership): Promise<number> {
    const end = this.#now + turn.time;
    for (let looks = 0; looks < turn.looks && this.#now < end; looks++) {
      const key = this.#agenda.take(this.#now);
      if (key === undefined) return grain;
      const wait = await this.#look(key, leadership);
      if (wait > 0) return wait;
    }
    return 1;
  }

  /** @returns for how many milliseconds nothing may be written */
  async #look(key: ConfigKey, leadership: Leadership): Promise<number> {
    const resource = this.#resources.get(partsOfConfigKey(key).kind);
    if (resource === undefined) return 0;
    const conditions = this.#conditionsOf(key);
    if (conditions.length === 0) {
      this.#forget(key);
      return 0;
    }
    const written = this.#written.get(key) ?? { observedGeneration: 0, conditions: [] };
    const next = statusOf(conditions, written, timeText(this.#options.clock.now()));
    const difference = differenceOf(next, written);
    this.#planNext(key, conditions, difference);
    if (!this.#isDue(key, difference)) return 0;
    const wait = (difference === 'count' ? this.#slowBucket : this.#bucket).take(this.#now);
    // The next look at it is planned already; a count can wait for that.
    if (wait > 0 && difference === 'count') return 0;
    if (wait === 0) return this.#write(resource, key, next, leadership);
    this.#agenda.plan(key, this.#now + wait);
    return wait;
  }

  /** Of an object of which nothing can be said because of a bug, nothing is. */
  #conditionsOf(key: ConfigKey): readonly Condition[] {
    const { subjects, log } = this.#options;
    try {
      return subjects.conditionsOf(key);
    } catch (error) {
      log.error('the status of an object cannot be worked out', { object: key, error });
      return [];
    }
  }

  #planNext(key: ConfigKey, conditions: readonly Condition[], difference: Difference): void {
    const programmed = conditions.find(({ type }) => type === 'Programmed');
    const { interval = 0, behindSince } = this.#memories.get(key) ?? {};
    const isSettled = programmed === undefined || programmed.status === 'True';
    const next = isSettled
      ? times.refresh
      : Math.min(times.longestLook, difference === 'news' ? times.firstLook : Math.max(times.firstLook, interval * 2));
    this.#memories.set(key, {
      interval: isSettled ? 0 : next,
      behindSince: difference === 'setback' ? (behindSince ?? this.#now) : undefined,
    });
    this.#agenda.plan(key, this.#now + this.#spread(next));
  }

  #isDue(key: ConfigKey, difference: Difference): boolean {
    if (difference !== 'setback') return difference !== 'none';
    const since = this.#memories.get(key)?.behindSince ?? this.#now;
    return this.#now - since >= times.patience;
  }

  /** @returns for how many milliseconds nothing may be written */
  async #write(
    resource: StatusResource,
    key: ConfigKey,
    status: WrittenStatus,
    leadership: Leadership,
  ): Promise<number> {
    if (!leadership.isHeld()) return 0;
    const { signal } = leadership;
    const { client, wrote } = this.#options;
    try {
      await client.request(statusRequest(resource, key, status), signal);
      this.#written.set(key, status);
      this.#backoff = 0;
      wrote('written');
      return 0;
    } catch (error) {
      if (signal.aborted) return 0;
      return this.#failed(resource, key, error);
    }
  }

  #failed(resource: StatusResource, key: ConfigKey, error: unknown): number {
    const { wrote, log } = this.#options;
    const { status, retryAfterMs } = error instanceof ApiError ? error : {};
    if (status === 404) {
      // It went meanwhile, or the definition of its kind has no status.
      this.#forget(key);
      wrote('gone');
      return 0;
    }
    if (status === 403) {
      this.#complain(error, `patch on ${resource.plural}/status of ${resource.group}`);
      // All others of the kind would be refused as well; listing it again brings all of them back.
      this.#suspend(resource);
      wrote('forbidden');
      return 0;
    }
    wrote('failed');
    if (status === 400 || status === 422) {
      // It would be refused again: the definition of the kind is another than Weir's.
      log.warn('the status of an object is refused', { object: key, error });
      return 0;
    }
    this.#complain(error, '');
    this.#agenda.plan(key, this.#now);
    if (status === 409) return 0;
    this.#backoff = Math.min(times.longestBackoff, Math.max(times.firstBackoff, this.#backoff * 2));
    return retryAfterMs ?? this.#spread(this.#backoff);
  }

  /** Once for each reason. @param right that is missing where it is a matter of rights */
  #complain(error: unknown, right: string): void {
    const isForbidden = error instanceof ApiError && error.status === 403;
    const message = isForbidden ? `Weir may not write status: it needs ${right}` : 'status cannot be written';
    const reason = `${message}: ${describeError(error)}`;
    const subject = isForbidden ? right : '';
    if (this.#complaints.get(subject) === reason) return;
    this.#complaints.set(subject, reason);
    this.#options.log.warn(message, { error });
  }

  #suspend({ kind, group }: StatusResource): void {
    for (const followed of definedKinds) {
      if (followed.kind !== kind || followed.group !== group) continue;
      this.#resources.delete(followed.name);
      this.#kinds.plan(followed, this.#now + this.#spread(times.retryKind));
    }
  }

  #forget(key: ConfigKey): void {
    this.#agenda.drop(key);
    this.#written.delete(key);
    this.#memories.delete(key);
  }

  #spread(milliseconds: number): number {
    return milliseconds * (0.8 + 0.4 * this.#options.random());
  }
}

/** As Kubernetes writes times. @param now milliseconds since 1970 */
function timeText(now: number): string {
  return new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
}
