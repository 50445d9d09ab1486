import { NacosSource, type NacosSourceOptions } from '../../src/discovery/nacos/nacos-source.ts';
import { noCredentials } from '../../src/discovery/nacos/client/credentials.ts';
import { defaultGrpcPortOffset, type NacosServer } from '../../src/discovery/nacos/client/servers.ts';
import { Engine } from '../../src/incremental/engine.ts';
import type { RowChange } from '../../src/incremental/commit.ts';
import type { EndpointShard } from '../../src/model/endpoint.ts';
import type { Service } from '../../src/model/service.ts';
import type { Source, SourceProblem } from '../../src/model/source.ts';
import { endpointShards, services, sourceProblems, sources } from '../../src/model/tables.ts';
import { silentLog } from '../../src/observe/log.ts';
import { realTimedClock } from './timed-clocks.ts';

/** Where a Nacos is, real or played. */
export interface NacosAddress {
  readonly server: NacosServer;
}

type Layer = (engine: Engine) => Pick<Engine, 'batch'>;

/** A source of Nacos that runs, and an engine that holds its rows. */
export class FollowedNacos {
  readonly engine = new Engine();
  readonly source: NacosSource;
  /** Rows of services and endpoints that changed, as `kind table key`. */
  readonly changes: string[] = [];
  readonly #abort = new AbortController();
  readonly #waiting = new Set<() => void>();
  #run: Promise<void> = Promise.resolve();

  private constructor(options: NacosSourceOptions, layer: Layer) {
    this.engine.onCommit(({ changedRows }) => {
      this.changes.push(...changedRows.filter(isOfMesh).map(({ kind, table, key }) => `${kind} ${table} ${key}`));
      for (const look of this.#waiting) look();
    });
    this.source = new NacosSource({ ...options, engine: layer(this.engine) });
  }

  /**
   * @param addresses of the servers of one Nacos
   * @param layer between the source and the engine
   */
  static start(
    addresses: readonly NacosAddress[],
    more: Partial<NacosSourceOptions> = {},
    layer: Layer = (engine) => engine,
  ): FollowedNacos {
    const followed = new FollowedNacos(
      {
        engine: new Engine(),
        admit: () => [],
        clock: realTimedClock,
        log: silentLog,
        random: () => 0,
        servers: addresses.map(({ server }) => server),
        grpcPortOffset: defaultGrpcPortOffset,
        tls: undefined,
        hosts: { kind: 'nacos' },
        credentials: noCredentials,
        namespaces: [{ id: 'public', meshNamespace: 'public' }],
        groups: ['DEFAULT_GROUP'],
        pace: { listPeriod: 100, auditPeriod: 60_000, concurrency: 200 },
        allowed: undefined,
        version: '0',
        ...more,
      },
      layer,
    );
    followed.#run = followed.source.run(followed.#abort.signal);
    return followed;
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#run;
  }

  /** Waits for the commit after which the condition holds. */
  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (condition()) resolve();
    };
    this.#waiting.add(look);
    await promise;
    this.#waiting.delete(look);
  }

  untilSynced(): Promise<void> {
    return this.until(() => this.state?.freshness === 'synced');
  }

  get state(): Source | undefined {
    return this.engine.read(sources, 'nacos');
  }

  get problems(): readonly SourceProblem[] {
    return [...this.engine.rows(sourceProblems)];
  }

  get services(): readonly Service[] {
    return [...this.engine.rows(services)];
  }

  get shards(): readonly EndpointShard[] {
    return [...this.engine.rows(endpointShards)];
  }

  /** `address:port` of the endpoints of a host, sorted. */
  endpoints(hostname: string): readonly string[] {
    return this.shards
      .filter(({ service }) => service.endsWith(`/${hostname}`))
      .flatMap(({ endpoints, ports }) => endpoints.map(({ address }) => `${address}:${Object.values(ports).join()}`))
      .toSorted();
  }
}

function isOfMesh({ table }: RowChange): boolean {
  return table === services.name || table === endpointShards.name;
}
