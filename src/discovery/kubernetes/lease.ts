import { describeError, type Log } from '../../observe/log.ts';
import { ApiError, type ApiClient, type ApiRequest } from './api/api-client.ts';
import { pause, type TimedClock } from './api/timed-clock.ts';
import { leaseObject, readLease, type LeaseRecord } from './lease-record.ts';

/** Milliseconds. */
export interface LeaseTimes {
  /** For how long the others leave a lease alone that they have not seen change. */
  readonly duration: number;
  /** After how long without a renewal the holder stops. Shorter than `duration`, so that it has stopped when another begins. */
  readonly renewDeadline: number;
  /** Between renewals, and between looks at a lease that another holds. */
  readonly retry: number;
}

/** What leads as long as it may. */
export interface Leadership {
  /** Aborted when it is over: what writes then stops and settles. */
  readonly signal: AbortSignal;
  /** Whether it is not over yet. To be asked before each write: after a stalled process the signal comes too late. */
  readonly isHeld: () => boolean;
}

export interface LeaseOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  /** One for each writer and revision (kubernetes K103). */
  readonly name: string;
  /** Unique among the processes that want the lease, for example the name of the pod. */
  readonly identity: string;
  readonly whileLeading: (leadership: Leadership) => Promise<void>;
  readonly clock: TimedClock;
  /** From 0 to below 1: those who wait do not all come at once. */
  readonly random: () => number;
  readonly log: Log;
  readonly times?: LeaseTimes;
}

interface Deadline {
  /** Aborted when the time is over. */
  readonly signal: AbortSignal;
  end(): void;
}

/** Kubernetes' own (K104). */
const defaultLeaseTimes: LeaseTimes = { duration: 15_000, renewDeadline: 10_000, retry: 2_000 };

/**
 * A Lease of which at most one process is the holder. Only what one process alone may do depends on it: every replica serves proxies,
 * whoever leads (reliability R62).
 *
 * Nobody's clock is believed but one's own: a lease has run out when it has not been *seen to change* for as long as its holder said.
 */
export class Lease {
  readonly #options: LeaseOptions;
  readonly #times: LeaseTimes;
  readonly #path: string;
  /** What the server had last, and when that was seen first. */
  #seen: { readonly record: LeaseRecord; readonly at: number } | undefined;
  /** When the last renewal that succeeded was begun; undefined: another leads. */
  #renewedAt: number | undefined;
  #complaint = '';

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#times = options.times ?? defaultLeaseTimes;
    this.#path = `/apis/coordination.k8s.io/v1/namespaces/${options.namespace}/leases`;
  }

  get isLeader(): boolean {
    return this.#renewedAt !== undefined && this.#elapsedSince(this.#renewedAt) < this.#times.renewDeadline;
  }

  /**
   * Leads whenever it can, until the signal is aborted; gives the lease back then, so that another need not wait for it to run out.
   *
   * @throws what `whileLeading` throws; the lease is given back all the same
   */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (await this.#claim(signal)) await this.#lead(signal);
      else await this.#pauseBeforeRetry(signal);
    }
  }

  async #lead(outer: AbortSignal): Promise<void> {
    const { whileLeading, log, name, identity } = this.#options;
    const over = new AbortController();
    const signal = AbortSignal.any([outer, over.signal]);
    log.info('this process leads', { lease: name, identity });
    const renewing = this.#renewUntil(signal).finally(() => over.abort());
    try {
      await whileLeading({ signal, isHeld: () => !signal.aborted && this.isLeader });
      // What ends by itself has no use for the lease before the process ends.
      if (!signal.aborted) await aborted(signal);
    } finally {
      over.abort();
      await renewing;
      await this.#release();
      log.info('this process no longer leads', { lease: name, identity });
    }
  }

  /** Settles when the lease is lost, or may be. */
  async #renewUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.isLeader) {
      await pause(this.#options.clock, this.#times.retry, signal);
      if (signal.aborted || !this.isLeader) return;
      await this.#claim(signal);
      if (this.#isAnothers()) return;
    }
  }

  /** Takes the lease, or keeps it, if it is free or one's own. Gives whether that succeeded. */
  async #claim(signal: AbortSignal): Promise<boolean> {
    const within = this.#untilDeadline();
    const both = AbortSignal.any([signal, within.signal]);
    try {
      // A holder knows what it wrote; all others look first.
      if (this.#renewedAt === undefined || this.#seen === undefined) await this.#look(both);
      if (this.#isAnothers() || signal.aborted) return false;
      await this.#write(both);
      this.#complaint = '';
      return true;
    } catch (error) {
      if (!signal.aborted) this.#note(error);
      return false;
    } finally {
      within.end();
    }
  }

  async #write(signal: AbortSignal): Promise<void> {
    const { client, namespace, name, identity, clock } = this.#options;
    const startedAt = clock.monotonic();
    const before = this.#seen?.record;
    const { duration: durationMs } = this.#times;
    const body = leaseObject({ namespace, name, holder: identity, durationMs, now: clock.now(), before });
    const request: ApiRequest =
      before === undefined
        ? { method: 'POST', path: this.#path, body }
        : { method: 'PUT', path: `${this.#path}/${name}`, body };
    const answer = await client.request(request, signal);
    this.#see(readLease(answer.body));
    this.#renewedAt = startedAt;
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { client, name } = this.#options;
    try {
      const answer = await client.request({ path: `${this.#path}/${name}` }, signal);
      this.#see(readLease(answer.body));
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
      this.#seen = undefined;
    }
  }

  #see(record: LeaseRecord | undefined): void {
    if (record === undefined) throw new Error('the answer is no Lease');
    if (this.#seen?.record.resourceVersion === record.resourceVersion) return;
    this.#seen = { record, at: this.#options.clock.monotonic() };
  }

  /** Whether another holds the lease, as far as is known, and may still think so. */
  #isAnothers(): boolean {
    if (this.#seen === undefined) return false;
    const { record, at } = this.#seen;
    if (record.holder === '' || record.holder === this.#options.identity) return false;
    return this.#elapsedSince(at) < Math.max(record.durationMs, this.#times.retry);
  }

  #note(error: unknown): void {
    // Somebody was faster: it has to be looked at again before anything else is tried.
    if (error instanceof ApiError && (error.status === 409 || error.status === 404)) {
      this.#seen = undefined;
      return;
    }
    const { log, name, namespace } = this.#options;
    const isForbidden = error instanceof ApiError && error.status === 403;
    const message = isForbidden
      ? `Weir may not keep its lease: it needs get, create and update on leases.coordination.k8s.io in the namespace ${namespace}`
      : 'the lease cannot be kept';
    const complaint = `${message}: ${describeError(error)}`;
    if (complaint !== this.#complaint) log.warn(message, { lease: name, error });
    this.#complaint = complaint;
  }

  /** The task has settled, so nothing is written any more: another may begin at once. */
  async #release(): Promise<void> {
    const { client, namespace, name, identity, clock, log } = this.#options;
    this.#renewedAt = undefined;
    const within = this.#deadline(this.#times.retry);
    try {
      // A renewal that was broken off may have been carried out.
      await this.#look(within.signal);
      const before = this.#seen?.record;
      if (before?.holder !== identity) return;
      const body = leaseObject({ namespace, name, holder: '', durationMs: 1000, now: clock.now(), before });
      await client.request({ method: 'PUT', path: `${this.#path}/${name}`, body }, within.signal);
    } catch (error) {
      log.debug('the lease was not given back; it runs out by itself', { lease: name, error });
    } finally {
      within.end();
      this.#seen = undefined;
    }
  }

  /** A request that hangs must not outlive the lease that it renews. */
  #untilDeadline(): Deadline {
    const elapsed = this.#renewedAt === undefined ? 0 : this.#elapsedSince(this.#renewedAt);
    return this.#deadline(Math.max(1, this.#times.renewDeadline - elapsed));
  }

  #deadline(milliseconds: number): Deadline {
    const late = new AbortController();
    const ended = new AbortController();
    const wait = async (): Promise<void> => {
      await pause(this.#options.clock, milliseconds, ended.signal);
      if (!ended.signal.aborted) late.abort(new Error('there was no answer in time'));
    };
    void wait();
    return { signal: late.signal, end: () => ended.abort() };
  }

  #pauseBeforeRetry(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    return pause(clock, this.#times.retry * (1 + 0.2 * random()), signal);
  }

  #elapsedSince(at: number): number {
    return this.#options.clock.monotonic() - at;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
