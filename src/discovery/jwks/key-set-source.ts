import type { Engine } from '../../incremental/engine.ts';
import { keySetKey, type FetchedKeys } from '../../model/authentication.ts';
import { keySets } from '../../model/tables.ts';
import type { Log } from '../../observe/log.ts';
import { pause, type TimedClock } from '../kubernetes/api/timed-clock.ts';
import { Backoff } from '../kubernetes/reflector/backoff.ts';
import { EgressRefused } from './egress-guard.ts';
import { keysAddressIn, publicKeysIn } from './public-keys.ts';

export interface KeySetSourceOptions {
  readonly engine: Pick<Engine, 'batch'>;
  /** The text at an address; rejects when there is none, with `EgressRefused` where nobody may ask. */
  readonly fetchText: (address: string, signal: AbortSignal) => Promise<string>;
  readonly clock: TimedClock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly log: Log;
  readonly observer: KeySetObserver;
}

export interface KeySetObserver {
  readonly fetched: (outcome: 'ok' | 'failed' | 'refused') => void;
}

/** Milliseconds until keys are asked for again, give or take a tenth: an issuer publishes a new key long before it signs with it. */
const refreshInterval = 20 * 60_000;
/** Of waiting after failures. */
const longestWait = 5 * 60_000;

/**
 * The public keys of issuers: rows of `keySets`, fetched and refreshed (policy J2). Keys that were fetched stay until others are; an issuer whose
 * keys were never fetched has none, so that its tokens are refused (reliability S8).
 */
export class KeySetSource {
  readonly #options: KeySetSourceOptions;
  #wanted: readonly FetchedKeys[] = [];
  readonly #following = new Map<string, AbortController>();
  /** Also those that are being ended. */
  readonly #running = new Set<Promise<void>>();
  #signal: AbortSignal | undefined;

  constructor(options: KeySetSourceOptions) {
    this.#options = options;
  }

  /** From now on these are followed, and no others. */
  want(wanted: readonly FetchedKeys[]): void {
    this.#wanted = wanted;
    this.#follow();
  }

  /** Follows what is wanted until the signal is aborted, and settles when nothing is under way. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    this.#follow();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.all(this.#running);
  }

  #follow(): void {
    if (this.#signal === undefined || this.#signal.aborted) return;
    const wanted = new Map(this.#wanted.map((origin) => [keySetKey(origin), origin]));
    for (const [key, end] of this.#following) {
      if (wanted.has(key)) continue;
      end.abort();
      this.#following.delete(key);
    }
    for (const [key, origin] of wanted) {
      if (this.#following.has(key)) continue;
      const end = new AbortController();
      const signal = AbortSignal.any([end.signal, this.#signal]);
      this.#following.set(key, end);
      const done = this.#keepFetching(key, origin, signal, end.signal).finally(() => this.#running.delete(done));
      this.#running.add(done);
    }
  }

  async #keepFetching(key: string, origin: FetchedKeys, signal: AbortSignal, unwanted: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    const backoff = new Backoff(() => clock.monotonic(), random, longestWait);
    while (!signal.aborted) {
      const isFetched = await this.#fetch(key, origin, signal);
      const wait = isFetched ? refreshInterval * (0.9 + 0.2 * random()) : backoff.next();
      await pause(clock, wait, signal);
    }
    // What is not followed may be old when somebody wants it again.
    if (unwanted.aborted && !this.#following.has(key)) this.#write((write) => write.remove(keySets, key));
  }

  /** @returns whether there are keys now that were not known to be in force */
  async #fetch(key: string, origin: FetchedKeys, signal: AbortSignal): Promise<boolean> {
    const { fetchText, log, observer } = this.#options;
    try {
      const address = origin.kind === 'uri' ? origin.uri : await this.#addressOf(origin.issuer, signal);
      const keys = publicKeysIn(await fetchText(address, signal));
      if (signal.aborted) return false;
      this.#write((write) => write.put(keySets, { key, keys }));
      observer.fetched('ok');
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      observer.fetched(error instanceof EgressRefused ? 'refused' : 'failed');
      log.warn('the keys of an issuer cannot be fetched; those that are known stay in force', { keys: key, error });
      return false;
    }
  }

  async #addressOf(issuer: string, signal: AbortSignal): Promise<string> {
    const text = await this.#options.fetchText(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, signal);
    return keysAddressIn(text, issuer);
  }

  #write(change: Parameters<Engine['batch']>[1]): void {
    const { engine, clock } = this.#options;
    engine.batch({ source: 'jwks', at: clock.monotonic() }, change);
  }
}
