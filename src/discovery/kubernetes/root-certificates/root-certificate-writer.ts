import type { Log } from '../../../observe/log.ts';
import { ApiError, type ApiClient } from '../api/api-client.ts';
import { pause, type TimedClock } from '../api/timed-clock.ts';
import type { Leadership } from '../lease.ts';
import type { Reflect } from '../reflect.ts';
import type { Change, ReflectorHealth } from '../reflector/reflected.ts';
import { Agenda, grain } from '../status/agenda.ts';
import { TokenBucket } from '../status/token-bucket.ts';
import {
  configMapName,
  configMaps,
  keepConfigMap,
  keepNamespace,
  namespaces,
  ofThatName,
  rootRequest,
  wantedContent,
  type KeptConfigMap,
  type KeptNamespace,
} from './root-config-map.ts';

/** Of one write: `gone` is a namespace that went meanwhile. */
export type RootWriteResult = 'written' | 'gone' | 'forbidden' | 'failed';

/** What the mesh trusts, as a certificate authority has it. */
export interface FollowedBundle {
  /** PEM of every root that holds now; empty: not known yet. */
  readonly trustBundle: string;
  /** Calls back whenever it may have changed. @returns ends it */
  follow(changed: () => void): () => void;
}

export interface RootCertificateWriterOptions {
  readonly client: ApiClient;
  readonly reflect: Reflect;
  readonly authority: FollowedBundle;
  readonly clock: TimedClock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly log: Log;
  readonly wrote: (result: RootWriteResult) => void;
}

/** Writes a second in the long run, and at once: pods of a new namespace wait for theirs. */
const rate = { perSecond: 50, burst: 100 } as const;

/** Milliseconds. */
const times = {
  /** Between the first and the last attempt of one namespace for the same bundle: refused ones, and what somebody else undoes. */
  firstPause: 1_000,
  longestPause: 300_000,
  /** What stood for so long is put back at once. */
  forgiven: 600_000,
  /** While the server is not there, at first and at most. */
  firstBackoff: 1_000,
  longestBackoff: 60_000,
} as const;

/** Writes that follow each other before everything else gets its turn. */
const writesPerTurn = 20;

/** What was tried last in a namespace. */
interface Attempt {
  readonly content: string;
  readonly at: number;
  /** Milliseconds until it is tried again. */
  readonly pause: number;
}

/**
 * Keeps the trust bundle of the mesh in every namespace, where the sidecars of its pods find it (istio-compat I36): puts back what is edited or
 * deleted, and writes all anew when the bundle changes (I56). Level-triggered: what is written is what is so at the moment of writing, and only
 * where something else stands. Runs only where it leads.
 */
export class RootCertificateWriter {
  readonly #options: RootCertificateWriterOptions;
  readonly #agenda: Agenda<string>;
  readonly #bucket: TokenBucket;
  /** Namespaces that must have one. */
  readonly #wanted = new Set<string>();
  /** What stands there, by namespace. */
  readonly #contents = new Map<string, string>();
  readonly #attempts = new Map<string, Attempt>();
  readonly #complaints = new Set<string>();
  /** Kinds that have been read. Before both are, it is not known what stands where. */
  readonly #known = new Set<string>();
  /** The last that was known: an authority that cannot be read is no reason to take it away. */
  #bundle = '';
  /** Digest of where it stands as it should. */
  #content = '';
  #backoff = 0;

  constructor(options: RootCertificateWriterOptions) {
    this.#options = options;
    const now = options.clock.monotonic();
    this.#agenda = new Agenda(now);
    this.#bucket = new TokenBucket(rate, now);
  }

  /** Writes as long as it may. @throws what a follower throws; everything has stopped by then */
  async run(leadership: Leadership): Promise<void> {
    const { authority } = this.#options;
    const failed = new AbortController();
    const signal = AbortSignal.any([leadership.signal, failed.signal]);
    this.#readBundle();
    const stop = authority.follow(() => this.#readBundle());
    const parts = [this.#followNamespaces(signal), this.#followConfigMaps(signal), this.#write(leadership, signal)];
    try {
      await Promise.all(parts);
    } finally {
      stop();
      failed.abort();
      await Promise.allSettled(parts);
    }
  }

  get #now(): number {
    return this.#options.clock.monotonic();
  }

  // --- what there is ---

  #followNamespaces(signal: AbortSignal): Promise<void> {
    return this.#options
      .reflect<KeptNamespace>({
        resource: namespaces,
        selection: {},
        trim: keepNamespace,
        handler: {
          changed: (changes) => changes.forEach((change) => this.#noteNamespace(change)),
          synced: () => this.#noteKnown(namespaces.kind),
          health: (health) => this.#noteHealth(namespaces.plural, health),
        },
      })
      .run(signal);
  }

  #followConfigMaps(signal: AbortSignal): Promise<void> {
    return this.#options
      .reflect<KeptConfigMap>({
        resource: configMaps,
        selection: ofThatName,
        trim: keepConfigMap,
        handler: {
          changed: (changes) => changes.forEach((change) => this.#noteConfigMap(change)),
          synced: () => this.#noteKnown(configMaps.kind),
          health: (health) => this.#noteHealth(`configmaps ${configMapName}`, health),
        },
      })
      .run(signal);
  }

  #noteNamespace({ kind, object: { key, isWanted } }: Change<KeptNamespace>): void {
    if (kind === 'put' && isWanted) {
      this.#wanted.add(key);
      this.#agenda.plan(key, this.#now);
      return;
    }
    this.#wanted.delete(key);
    this.#attempts.delete(key);
    this.#agenda.drop(key);
  }

  #noteConfigMap({ kind, object: { namespace, content } }: Change<KeptConfigMap>): void {
    if (kind === 'put') this.#contents.set(namespace, content);
    else this.#contents.delete(namespace);
    if (this.#wanted.has(namespace)) this.#agenda.plan(namespace, this.#now);
  }

  #noteKnown(kind: string): void {
    this.#known.add(kind);
    this.#planAll();
  }

  #noteHealth(what: string, health: ReflectorHealth): void {
    if (health.kind !== 'forbidden') return;
    this.#complain(`Weir may not see where the root certificate is missing: it needs list and watch on ${what}`, {
      reason: health.reason,
    });
  }

  #readBundle(): void {
    const { trustBundle } = this.#options.authority;
    if (trustBundle === '' || trustBundle === this.#bundle) return;
    this.#bundle = trustBundle;
    this.#content = wantedContent(trustBundle);
    this.#planAll();
  }

  /** One after the other, so that a new namespace need not wait until all others have been gone through. */
  #planAll(): void {
    let at = this.#now;
    for (const namespace of this.#wanted) {
      if (this.#contents.get(namespace) === this.#content) continue;
      this.#agenda.plan(namespace, at);
      at += 1000 / rate.perSecond;
    }
  }

  // --- what should be there ---

  async #write(leadership: Leadership, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (leadership.isHeld() && !signal.aborted) {
      await pause(clock, await this.#writeDue(leadership, signal), signal);
    }
  }

  /** @returns after how many milliseconds there may be something to do again */
  async #writeDue(leadership: Leadership, signal: AbortSignal): Promise<number> {
    if (this.#bundle === '' || this.#known.size < 2) return grain;
    for (let writes = 0; writes < writesPerTurn;) {
      const namespace = this.#agenda.take(this.#now);
      if (namespace === undefined) return grain;
      if (!this.#isDue(namespace)) continue;
      const wait = this.#bucket.take(this.#now);
      if (wait > 0) {
        this.#agenda.plan(namespace, this.#now);
        return wait;
      }
      if (!leadership.isHeld()) return grain;
      const backoff = await this.#put(namespace, signal);
      if (backoff > 0) return backoff;
      writes += 1;
    }
    return 1;
  }

  #isDue(namespace: string): boolean {
    if (!this.#wanted.has(namespace) || this.#contents.get(namespace) === this.#content) return false;
    const last = this.#attempts.get(namespace);
    if (last === undefined || last.content !== this.#content || this.#now >= last.at + last.pause) return true;
    this.#agenda.plan(namespace, last.at + last.pause);
    return false;
  }

  /** @returns for how many milliseconds nothing may be written */
  async #put(namespace: string, signal: AbortSignal): Promise<number> {
    const { client, wrote } = this.#options;
    const content = this.#content;
    try {
      await client.request(rootRequest(namespace, this.#bundle), signal);
    } catch (error) {
      return signal.aborted ? 0 : this.#failed(namespace, content, error);
    }
    this.#contents.set(namespace, content);
    this.#backoff = 0;
    wrote('written');
    const { pause: next } = this.#attempted(namespace, content);
    if (next === times.longestPause) {
      const message = `somebody else keeps changing the ConfigMap ${configMapName}: Weir puts it back every five minutes at most`;
      this.#complain(message, { namespace });
    }
    return 0;
  }

  /** @returns for how many milliseconds nothing may be written */
  #failed(namespace: string, content: string, error: unknown): number {
    const { wrote } = this.#options;
    const { status, causes = [], retryAfterMs } = error instanceof ApiError ? error : {};
    // What follows the namespaces hears of it by itself.
    if (status === 404 || causes.includes('NamespaceTerminating')) {
      wrote('gone');
      return 0;
    }
    wrote(status === 403 ? 'forbidden' : 'failed');
    if (status === 403) {
      const message = `Weir may not write the root certificate: it needs create and patch on configmaps ${configMapName} in every namespace`;
      this.#complain(message, { namespace, error });
    } else {
      this.#complain('the root certificate cannot be written', { namespace, error });
    }
    const isOfThisNamespace = status !== undefined && status >= 400 && status < 500 && status !== 401 && status !== 429;
    if (isOfThisNamespace) {
      const { at, pause: next } = this.#attempted(namespace, content);
      this.#agenda.plan(namespace, at + next);
      return 0;
    }
    this.#agenda.plan(namespace, this.#now);
    this.#backoff = Math.min(times.longestBackoff, Math.max(times.firstBackoff, this.#backoff * 2));
    return retryAfterMs ?? this.#backoff * (0.8 + 0.4 * this.#options.random());
  }

  /** Takes note of an attempt: each that follows another in the same bundle waits twice as long. */
  #attempted(namespace: string, content: string): Attempt {
    const last = this.#attempts.get(namespace);
    const isRepeated = last?.content === content && this.#now - last.at < times.forgiven;
    const next = isRepeated ? Math.min(times.longestPause, last.pause * 2) : times.firstPause;
    const attempt = { content, at: this.#now, pause: next };
    this.#attempts.set(namespace, attempt);
    return attempt;
  }

  /** Once for each message. */
  #complain(message: string, fields: Readonly<Record<string, unknown>>): void {
    const { error } = fields;
    const subject = error instanceof ApiError && error.status !== undefined ? `${message} ${error.status}` : message;
    const isNew = !this.#complaints.has(subject);
    this.#complaints.add(subject);
    if (isNew) this.#options.log.warn(message, fields);
  }
}
