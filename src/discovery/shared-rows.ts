import type { Engine } from '../incremental/engine.ts';
import type { Write } from '../incremental/commit.ts';
import type { Table } from '../incremental/definitions.ts';
import { configs, namespaces, services } from '../model/tables.ts';

/**
 * Rows that more than one source may give: a service that runs in two clusters, an object that is in a file and in a cluster. Of each the
 * source that comes first counts, whenever it speaks; when it takes its row away, the next one's takes the place.
 */
export class SharedRows {
  readonly #engine: Pick<Engine, 'batch'>;
  readonly #claims = new Map<object, Map<string, readonly Claim[]>>();

  constructor(engine: Pick<Engine, 'batch'>) {
    this.#engine = engine;
  }

  /**
   * What one source writes through.
   *
   * @param rank of the source: the lowest counts. Unique.
   */
  writerOf(rank: number): Pick<Engine, 'batch'> {
    return {
      batch: (cause, change) =>
        this.#engine.batch(cause, (write) => {
          // Carried out at the end: a change that throws has changed nothing, here as in the engine.
          const settled: (() => void)[] = [];
          change({
            put: (table, row) => {
              if (!sharedTables.has(table)) return write.put(table, row);
              settled.push(() => this.#settle(write, table, table.keyOf(row), { rank, row }));
            },
            remove: (table, key) => {
              if (!sharedTables.has(table)) return write.remove(table, key);
              settled.push(() => this.#settle(write, table, key, { rank, row: undefined }));
            },
          });
          for (const settle of settled) settle();
        }),
    };
  }

  #settle<Key extends string, Row>(write: Write, table: Table<Key, Row>, key: Key, claim: Claim): void {
    let claims = this.#claims.get(table);
    if (claims === undefined) this.#claims.set(table, (claims = new Map()));
    const others = claims.get(key)?.filter(({ rank }) => rank !== claim.rank) ?? [];
    const all = claim.row === undefined ? others : [...others, claim].sort((a, b) => a.rank - b.rank);
    const [first] = all;
    if (first === undefined) {
      claims.delete(key);
      return write.remove(table, key);
    }
    claims.set(key, all);
    write.put(table, first.row as Row);
  }
}

/** A row that a source gives, or (undefined) does not give any more. */
interface Claim {
  readonly rank: number;
  readonly row: unknown;
}

/** Tables whose keys say what is described and not by whom. */
const sharedTables: ReadonlySet<object> = new Set([services, configs, namespaces]);
