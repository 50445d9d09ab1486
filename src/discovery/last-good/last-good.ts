import type { Write } from '../../incremental/commit.ts';
import type { Engine } from '../../incremental/engine.ts';
import type { EndpointShard, ShardEndpoint } from '../../model/endpoint.ts';
import type { EndpointShardKey, ServiceKey } from '../../model/keys.ts';
import type { Service } from '../../model/service.ts';
import type { Source } from '../../model/source.ts';
import { endpointShards, services, sources } from '../../model/tables.ts';
import type { Log } from '../../observe/log.ts';
import { pause, type TimedClock } from '../kubernetes/api/timed-clock.ts';
import { keyOf, rowOf } from '../table-match.ts';
import { readLastGood, writeLastGood } from './last-good-file.ts';

export interface LastGoodOptions {
  readonly source: Pick<Source, 'name' | 'kind'>;
  /** Of the file. */
  readonly path: string;
  readonly clock: TimedClock;
  readonly log: Log;
}

/** Milliseconds for which a registry may be waited for at the start before what is on disk is served. */
const grace = 5_000;
/** Milliseconds between a change and its file: many changes are one file. */
const quiet = 10_000;
/** Of rows in the file. */
const mostBytes = 256 * 1024 * 1024;

/**
 * Keeps what a registry last said in a file, and starts from there while the registry cannot be reached (reliability R12, R50). It has two
 * sides: what is in force is written through `recorded`, and the source writes through `restored`, so that rows of the file leave as
 * rows of the source do.
 */
export class LastGood {
  readonly #options: LastGoodOptions;
  readonly #services = new Map<ServiceKey, Service>();
  readonly #shards = new Map<EndpointShardKey, EndpointShard>();
  /** Rows of the file of which the source has not spoken yet. */
  readonly #unconfirmed = { services: new Set<ServiceKey>(), shards: new Set<EndpointShardKey>() };
  #source: Source | undefined;
  /** Why the rows of the file are in force; undefined: they are not, or the source has spoken. */
  #servedSince: string | undefined;
  #isChanged = false;
  #cancel: (() => void) | undefined;

  constructor(options: LastGoodOptions) {
    this.#options = options;
  }

  /** @param inner what the rows in force are written through */
  recorded(inner: Pick<Engine, 'batch'>): Pick<Engine, 'batch'> {
    return {
      batch: (cause, change) =>
        inner.batch(cause, (write) =>
          change({
            put: (table, row) => {
              const service = rowOf(services, table, row);
              if (service !== undefined) this.#services.set(service.key, service);
              const shard = rowOf(endpointShards, table, row);
              if (shard !== undefined) this.#shards.set(shard.key, shard);
              this.#isChanged ||= service !== undefined || shard !== undefined;
              write.put(table, row);
            },
            remove: (table, key) => {
              const service = keyOf(services, table, key);
              if (service !== undefined) this.#services.delete(service);
              const shard = keyOf(endpointShards, table, key);
              if (shard !== undefined) this.#shards.delete(shard);
              this.#isChanged ||= service !== undefined || shard !== undefined;
              write.remove(table, key);
            },
          }),
        ),
    };
  }

  /** @param inner what the source would write through without this */
  restored(inner: Pick<Engine, 'batch'>): Pick<Engine, 'batch'> {
    return { batch: (cause, change) => inner.batch(cause, (write) => change(this.#restoringWrite(write))) };
  }

  /**
   * Reads the file, before the source runs. Its rows are in force at once, but nobody is served before the source is synced or five
   * seconds are over.
   *
   * @param inner what the source writes through
   */
  async restore(inner: Pick<Engine, 'batch'>): Promise<void> {
    const { source, path, clock, log } = this.#options;
    const state = await readLastGood(path, source.name, mostBytes).catch((error: unknown) => {
      log.warn('the last good state of a source cannot be used: it starts without', {
        source: source.name,
        path,
        error,
      });
      return undefined;
    });
    if (state === undefined) return;
    for (const { key } of state.services) this.#unconfirmed.services.add(key);
    for (const { key } of state.shards) this.#unconfirmed.shards.add(key);
    inner.batch({ source: source.name, at: clock.monotonic() }, (write) => {
      for (const row of state.services) write.put(services, row);
      for (const row of state.shards) write.put(endpointShards, hopeful(row));
    });
    const serve = (): void => this.#serve(inner, state.source.target, state.writtenAt);
    this.#cancel = clock.after(grace, serve);
  }

  /** Writes the file now and then, and once more at the end. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await pause(clock, quiet, signal);
      await this.#write();
    }
    this.#cancel?.();
  }

  #restoringWrite(write: Write): Write {
    return {
      put: (table, row) => {
        const service = rowOf(services, table, row);
        if (service !== undefined) this.#unconfirmed.services.delete(service.key);
        const shard = rowOf(endpointShards, table, row);
        if (shard !== undefined) this.#unconfirmed.shards.delete(shard.key);
        const source = rowOf(sources, table, row);
        if (source === undefined || source.name !== this.#options.source.name) return write.put(table, row);
        write.put(sources, this.#heard(write, source));
      },
      remove: (table, key) => {
        const service = keyOf(services, table, key);
        if (service !== undefined) this.#unconfirmed.services.delete(service);
        const shard = keyOf(endpointShards, table, key);
        if (shard !== undefined) this.#unconfirmed.shards.delete(shard);
        write.remove(table, key);
      },
    };
  }

  /** When the source has said all that it knows, what it did not speak of is gone, as if it had just taken it away. */
  #heard(write: Write, source: Source): Source {
    this.#source = source;
    if (source.freshness === 'synced') {
      this.#cancel?.();
      this.#servedSince = undefined;
      for (const key of this.#unconfirmed.shards) write.remove(endpointShards, key);
      for (const key of this.#unconfirmed.services) write.remove(services, key);
      this.#unconfirmed.shards.clear();
      this.#unconfirmed.services.clear();
    }
    return this.#marked(source);
  }

  #serve(inner: Pick<Engine, 'batch'>, target: string, writtenAt: number): void {
    const { source, clock, log } = this.#options;
    this.#servedSince = `what it said until ${new Date(writtenAt).toISOString()} is served`;
    log.warn('a source cannot be reached: what it said last is served', { source: source.name, writtenAt });
    const unknown: Source = {
      ...source,
      target,
      freshness: 'unknown',
      since: clock.now(),
      objects: this.#services.size,
    };
    inner.batch({ source: source.name, at: clock.monotonic() }, (write) =>
      write.put(sources, this.#marked(this.#source ?? unknown)),
    );
  }

  /** A source that is served from the file is stale and not unknown. */
  #marked(source: Source): Source {
    if (source.freshness !== 'unknown' || this.#servedSince === undefined) return source;
    const reason = source.reason === undefined ? this.#servedSince : `${source.reason}; ${this.#servedSince}`;
    return { ...source, freshness: 'stale', reason };
  }

  async #write(): Promise<void> {
    // Before a source has said all that it knows the file knows more.
    if (!this.#isChanged || this.#source?.freshness !== 'synced') return;
    this.#isChanged = false;
    const { path, clock, log } = this.#options;
    const state = {
      ...{ source: this.#source, writtenAt: clock.now() },
      ...{ services: [...this.#services.values()], shards: [...this.#shards.values()] },
    };
    try {
      const bytes = await writeLastGood(path, state, mostBytes);
      if (bytes === undefined) log.warn('the last good state of a source is too large to be kept', { path, mostBytes });
    } catch (error) {
      log.warn('the last good state of a source cannot be written', { path, error });
    }
  }
}

/** Whoever was on hold when it was written is judged again, by what the source says now. */
function hopeful(shard: EndpointShard): EndpointShard {
  const endpoints = shard.endpoints.map((endpoint): ShardEndpoint =>
    endpoint.health === 'degraded' ? { ...endpoint, health: 'healthy' } : endpoint,
  );
  return { ...shard, endpoints };
}
