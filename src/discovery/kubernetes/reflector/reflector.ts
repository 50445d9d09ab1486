import { describeError, type Log } from '../../../observe/log.ts';
import { ApiError, type ApiClient, type ApiRequest } from '../api/api-client.ts';
import { apiPath } from '../api/api-path.ts';
import { pause, type TimedClock } from '../api/timed-clock.ts';
import { Backoff } from './backoff.ts';
import { listSet, receiveSet, type SetSource } from './complete-set.ts';
import type { Contact } from './contact.ts';
import { Delivery } from './delivery.ts';
import { keyOf, type WatchEvent } from './events.ts';
import { Freshness } from './freshness.ts';
import type { ListFrom, SetFrom } from './listing.ts';
import { newCounters, type ReflectorCounters, type ReflectorMetrics } from './metrics.ts';
import { recoveryFrom } from './recovery.ts';
import type { ApiResource, RawObject, Reflected, ReflectedSelection, ReflectorHandler } from './reflected.ts';
import { Slices } from './slices.ts';
import { Store } from './store.ts';
import type { Turn } from './turns.ts';
import { Watch } from './watching.ts';

/** A bookmark comes every minute or two (K26): two that are missing are a stall (K21). */
const silenceMs = 240_000;
/** A watch lasts for that, and by chance for up to twice that (K13). */
const watchMs = 300_000;
/** A watch that ends sooner has failed (K14). */
const shortWatchMs = 1000;
/** How long a server that has a fault is asked for more of the same before everything is listed (K14). */
const serverFaultMs = 60_000;
/**
 * Between two attempts to reach a server that is not there, at most, and by chance up to twice that: it is not spared by waiting longer, and
 * within 30 s of its return everything has to be true again (reliability SC9). That it was away makes nothing else wait either: what a server
 * that is back says first is that the version has expired.
 */
const absentServerMs = 10_000;
/** Between two questions after a kind that is absent or forbidden, and by chance up to twice that. */
const slowRetryMs = 30_000;
/** Between two comparisons with the server, and by chance up to twice that (K20). */
const checkMs = 6 * 3_600_000;

export interface ReflectorOptions<Kept extends Reflected> {
  readonly client: ApiClient;
  readonly resource: ApiResource;
  readonly selection: ReflectedSelection;
  /** What is kept of an object. The object itself is never kept. */
  readonly trim: (object: RawObject) => Kept;
  readonly handler: ReflectorHandler<Kept>;
  readonly clock: TimedClock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly log: Log;
  /** Complete sets are received in turn with the reflectors of other kinds (K25). */
  readonly turn: Turn;
  /** With the other reflectors of the server. */
  readonly contact: Contact;
  /** Of kinds with many large objects: a list comes in pages, although that costs the server more (K12). */
  readonly isLarge?: boolean;
}

/** Follows one kind of object on one API server: what the handler knows is what the server has, or it is told that it may not be. */
export class Reflector<Kept extends Reflected> {
  readonly #options: ReflectorOptions<Kept>;
  readonly #counters: ReflectorCounters = newCounters();
  readonly #store: Store<Kept>;
  readonly #delivery: Delivery<Kept>;
  readonly #freshness: Freshness;
  readonly #backoff: Backoff;
  readonly #absenceBackoff: Backoff;
  readonly #source: SetSource<Kept>;
  /** The set that is needed before a watch can go on; undefined: what is kept is complete. */
  #needed: SetFrom | undefined = { kind: 'cached' };
  #resourceVersion: string | undefined;
  #heardAt: number | undefined;
  #failingSince: number | undefined;
  #checkAt = Infinity;
  #hasSynced = false;

  constructor(options: ReflectorOptions<Kept>) {
    const { client, clock, random, resource, selection, handler, log, isLarge = false } = options;
    const { namespace, fieldSelector, labelSelector } = selection;
    const monotonic = (): number => clock.monotonic();
    this.#options = options;
    this.#source = {
      client,
      resource,
      request: {
        path: apiPath(resource, namespace === undefined ? {} : { namespace }),
        query: {
          ...(fieldSelector !== undefined && { fieldSelector }),
          ...(labelSelector !== undefined && { labelSelector }),
        },
      },
      openWatch: (query, signal) => this.#openWatch(query, signal),
      // What is known of an object that cannot be read now is better than to take it for gone.
      keep: (object) => this.#trimmed(object) ?? this.#store.get(keyOf(object)),
      isLarge,
      monotonic,
      log,
    };
    this.#delivery = new Delivery<Kept>({
      current: (key) => this.#store.get(key),
      changed: (changes, at) => this.#tell(() => handler.changed(changes, at)),
      monotonic,
    });
    this.#store = new Store<Kept>((key, before) => this.#delivery.mark(key, before));
    this.#freshness = new Freshness(clock, (health) => this.#tell(() => handler.health(health)));
    this.#backoff = new Backoff(monotonic, random);
    this.#absenceBackoff = new Backoff(monotonic, random, absentServerMs);
  }

  /** Follows until the signal is aborted: from then on no request is made and the handler is not called. Whatever goes wrong is tried again. */
  async run(signal: AbortSignal): Promise<void> {
    const end = (): void => {
      this.#delivery.stop();
      this.#freshness.stop();
    };
    signal.addEventListener('abort', end);
    try {
      while (!signal.aborted) {
        try {
          await this.#round(signal);
        } catch (error) {
          if (!signal.aborted) await this.#recover(error, signal);
        }
      }
    } finally {
      signal.removeEventListener('abort', end);
      end();
    }
  }

  metrics(): ReflectorMetrics {
    return {
      ...this.#counters,
      resourceVersion: this.#resourceVersion,
      silenceMs: this.#heardAt === undefined ? undefined : this.#options.clock.monotonic() - this.#heardAt,
      objects: this.#store.size,
      undelivered: this.#delivery.size,
    };
  }

  /** A complete set where one is needed, and a watch until its end. */
  async #round(signal: AbortSignal): Promise<void> {
    let watch: Watch | undefined;
    try {
      if (this.#needed !== undefined) watch = await this.#synchronise(this.#needed, signal);
      else if (this.#options.clock.monotonic() >= this.#checkAt) await this.#check(signal);
      watch ??= await this.#openWatch({ resourceVersion: this.#resourceVersion ?? '' }, signal);
      await this.#follow(watch, signal);
    } finally {
      await watch?.close();
    }
  }

  /** Takes the server's set for ours. Until it is complete, the old one stays. */
  async #synchronise(needed: SetFrom, signal: AbortSignal): Promise<Watch | undefined> {
    const set = await this.#options.turn(() => receiveSet(this.#source, needed, signal), signal);
    if (signal.aborted) await set.watch?.close();
    signal.throwIfAborted();
    this.#counters.lists++;
    this.#store.replace(set.objects);
    this.#resourceVersion = set.resourceVersion;
    this.#needed = undefined;
    this.#hasHeard();
    if (!this.#hasSynced) {
      this.#hasSynced = true;
      this.#scheduleCheck();
      this.#delivery.afterwards(() => {
        this.#tell(() => this.#options.handler.synced());
        this.#freshness.complete();
      });
    }
    return set.watch;
  }

  #openWatch(query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Watch> {
    const { client, clock, random } = this.#options;
    const timeoutSeconds = String(Math.round((watchMs * (1 + random())) / 1000));
    const request: ApiRequest = {
      ...this.#source.request,
      query: { ...this.#source.request.query, ...query, watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds },
    };
    const heard = (): void => {
      this.#heardAt = clock.monotonic();
    };
    return Watch.open({ client, request, clock, counters: this.#counters, heard }, signal);
  }

  /** Applies what the watch says until it ends. */
  async #follow(watch: Watch, signal: AbortSignal): Promise<void> {
    const { clock, contact } = this.#options;
    const slices = new Slices(() => clock.monotonic());
    contact.reached();
    watch.allowSilence(silenceMs);
    const cancel = clock.after(shortWatchMs, () => {
      this.#failingSince = undefined;
      this.#freshness.accepted();
    });
    try {
      for (let event = await watch.next(); event !== undefined; event = await watch.next()) {
        this.#apply(event);
        const wait = slices.pace();
        if (wait !== undefined) await wait;
        signal.throwIfAborted();
      }
    } finally {
      cancel();
    }
    if (clock.monotonic() - watch.openedAt >= shortWatchMs) return;
    this.#counters.shortWatches++;
    throw new ApiError('broken', `watch of ${this.#source.request.path}: ended within ${shortWatchMs} ms`);
  }

  #apply(event: WatchEvent): void {
    if (event.kind === 'error') throw event.error;
    this.#hasHeard();
    if (event.kind === 'put') {
      const kept = this.#trimmed(event.object);
      if (kept !== undefined) this.#store.put(kept);
    } else if (event.kind === 'remove') {
      this.#store.remove(keyOf(event.object));
    }
    this.#resourceVersion = event.resourceVersion;
  }

  /** Compares what is kept with exactly the version that it should be: a difference was never told, and is repaired (K20). */
  async #check(signal: AbortSignal): Promise<void> {
    const { turn, log, resource } = this.#options;
    const from: ListFrom = { kind: 'exact', resourceVersion: this.#resourceVersion ?? '' };
    try {
      const { objects } = await turn(() => listSet(this.#source, from, signal), signal);
      signal.throwIfAborted();
      this.#scheduleCheck();
      const drift = this.#store.replace(objects);
      this.#counters.drift += drift;
      if (drift > 0)
        log.warn('objects differed from the API server, and are corrected', { kind: resource.kind, drift });
    } catch (error) {
      signal.throwIfAborted();
      log.debug('the set could not be compared with the API server', { kind: resource.kind, error });
      // The server may have been put back to an earlier time: it would say nothing until it is where it was.
      if (recoveryFrom(error).kind === 'expired') throw error;
    }
  }

  #scheduleCheck(): void {
    const { clock, random } = this.#options;
    this.#checkAt = clock.monotonic() + checkMs * (1 + random());
  }

  /** Decides what comes next, and waits until it may. */
  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const { clock, random, log, resource, contact } = this.#options;
    const now = clock.monotonic();
    const reason = describeError(error);
    const recovery = recoveryFrom(error);
    this.#counters.failures++;
    this.#failingSince ??= now;
    switch (recovery.kind) {
      case 'absent':
      case 'forbidden':
        if (recovery.kind === 'absent') this.#needSet();
        this.#freshness.refused(recovery.kind, reason);
        return pause(clock, slowRetryMs * (1 + random()), signal);
      case 'expired':
        this.#counters.expired++;
        this.#needed = { kind: 'newest' };
        break;
      case 'misunderstood':
        this.#counters.parseErrors++;
        log.warn('the API server was not understood; everything is listed again', { kind: resource.kind, error });
        this.#needSet();
        break;
      case 'server-fault':
        if (now - this.#failingSince >= serverFaultMs) this.#needSet();
        break;
      case 'silence':
      case 'retry':
        break;
    }
    if (recovery.kind === 'silence') this.#freshness.silent(reason);
    else this.#freshness.lost(reason);
    const { failure, retryAfterMs } = error instanceof ApiError ? error : {};
    // Of other failures those of one kind say nothing about another.
    const isGone = failure === 'unreachable';
    const wait = (isGone ? this.#absenceBackoff : this.#backoff).next(retryAfterMs);
    log.debug('following is interrupted', { kind: resource.kind, error, waitMs: Math.round(wait) });
    await (isGone ? contact.wait(clock, wait, random, signal) : pause(clock, wait, signal));
  }

  /** What is kept cannot be gone on from. */
  #needSet(): void {
    if (this.#resourceVersion === undefined) return;
    this.#needed ??= { kind: 'not-older', resourceVersion: this.#resourceVersion };
  }

  #hasHeard(): void {
    this.#heardAt = this.#options.clock.monotonic();
    this.#failingSince = undefined;
    this.#freshness.heard();
  }

  #trimmed(object: RawObject): Kept | undefined {
    const { trim, log, resource, clock } = this.#options;
    const start = clock.monotonic();
    try {
      return trim(object);
    } catch (error) {
      this.#counters.trimErrors++;
      log.error('an object could not be read', { kind: resource.kind, key: keyOf(object), error });
      return undefined;
    } finally {
      this.#counters.parseMs += clock.monotonic() - start;
    }
  }

  /** A fault of the handler is no reason to stop following (K22). */
  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#counters.handlerErrors++;
      this.#options.log.error('a change was not taken', { kind: this.#options.resource.kind, error });
    }
  }
}
