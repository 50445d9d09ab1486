import { kubernetesRegistries } from '../../src/app/kubernetes.ts';
import { readConfig, type Flags } from '../../src/app/config.ts';
import { readKubeconfig } from '../../src/discovery/kubernetes/api/kubeconfig.ts';
import { SharedRows } from '../../src/discovery/shared-rows.ts';
import { admit } from '../../src/app/admission.ts';
import type { Commit } from '../../src/incremental/commit.ts';
import type { Table } from '../../src/incremental/definitions.ts';
import { Engine } from '../../src/incremental/engine.ts';
import { placeText, type Source } from '../../src/model/source.ts';
import { sourceProblems, sources } from '../../src/model/tables.ts';
import { silentLog, type Log } from '../../src/observe/log.ts';
import { createMetrics } from '../../src/observe/metrics.ts';

/** What `weir serve --kubernetes` makes of an API server: its sources, and an engine that holds the rows. */
export class FollowedCluster {
  readonly engine = new Engine();
  readonly metrics = createMetrics({ version: '0', uptime: () => 0, processMetrics: false });
  /** Rows that were removed, as `table key`. */
  readonly removed: string[] = [];
  readonly #abort = new AbortController();
  readonly #waiting = new Set<() => void>();
  #end: () => Promise<void> = () => Promise.resolve();

  /** @param flags of `weir serve` */
  static async start(kubeconfig: string, flags: Flags = {}, log: Log = silentLog): Promise<FollowedCluster> {
    const reading = readKubeconfig(kubeconfig);
    if (reading.kind === 'invalid') throw new Error(JSON.stringify(reading.violations));
    const config = readConfig({ flags: { kubernetes: true, ...flags }, environment: {} });
    if (config.kind === 'invalid') throw new Error(JSON.stringify(config.problems));
    const followed = new FollowedCluster();
    const { registries, client } = kubernetesRegistries({
      cluster: reading.value,
      settings: config.settings,
      shared: new SharedRows(followed.engine),
      context: { admit, log },
      taken: [],
      metrics: followed.metrics,
      version: '0',
      variables: {},
    });
    const runs = registries.map((registry) => registry.run(followed.#abort.signal));
    followed.#end = async () => {
      await Promise.all(runs);
      client.close();
    };
    return followed;
  }

  private constructor() {
    this.engine.onCommit((commit) => {
      this.#note(commit);
      for (const look of this.#waiting) look();
    });
  }

  /** Settles when nothing is followed any more. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#end();
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

  source(name = 'kubernetes'): Source | undefined {
    return this.engine.read(sources, name);
  }

  keys<Key extends string, Row>(table: Table<Key, Row>): readonly Key[] {
    return [...this.engine.rows(table)].map((row) => table.keyOf(row)).toSorted();
  }

  /** What is wrong, as `place code path`. */
  get problems(): readonly string[] {
    return [...this.engine.rows(sourceProblems)].map(({ place, code, path }) =>
      [placeText(place), code, path].filter((part) => part !== '').join(' '),
    );
  }

  #note({ changedRows }: Commit): void {
    for (const { table, key, kind } of changedRows) if (kind === 'removed') this.removed.push(`${table} ${key}`);
  }
}
