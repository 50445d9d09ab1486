import type { Engine } from '../incremental/engine.ts';
import type { Write } from '../incremental/commit.ts';
import type { Table } from '../incremental/definitions.ts';
import { compareText, referenceToConfig, type ConfigObject } from '../model/config-object.ts';
import { titleOf, type ObjectReference } from '../model/provenance.ts';
import type { Service } from '../model/service.ts';
import type { Source, SourceProblem } from '../model/source.ts';
import { configs, namespaces, services, sourceProblems } from '../model/tables.ts';

/** A source that gives rows which others may give too. */
export interface SharingSource extends Pick<Source, 'name' | 'kind'> {
  /** Of several sources the one with the lowest rank counts, of equal ranks the first by name: the same on every replica. */
  readonly rank: number;
}

/** A row that a source gives, or (undefined) does not give any more. */
interface Claim {
  readonly source: SharingSource;
  readonly row: unknown;
}

function compareClaims(a: Claim, b: Claim): number {
  return a.source.rank - b.source.rank || compareText(a.source.name, b.source.name);
}

/** Tables whose keys say what is described and not by whom. */
const sharedTables: ReadonlySet<object> = new Set([services, configs, namespaces]);

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

  /** What one source writes through. */
  writerOf(source: SharingSource): Pick<Engine, 'batch'> {
    return {
      batch: (cause, change) =>
        this.#engine.batch(cause, (write) => {
          // Carried out at the end: a change that throws has changed nothing, here as in the engine.
          const settled: (() => void)[] = [];
          change({
            put: (table, row) => {
              if (!sharedTables.has(table)) return write.put(table, row);
              settled.push(() => this.#settle(write, table, table.keyOf(row), { source, row }));
            },
            remove: (table, key) => {
              if (!sharedTables.has(table)) return write.remove(table, key);
              settled.push(() => this.#settle(write, table, key, { source, row: undefined }));
            },
          });
          for (const settle of settled) settle();
        }),
    };
  }

  #settle<Key extends string, Row>(write: Write, table: Table<Key, Row>, key: Key, claim: Claim): void {
    let claims = this.#claims.get(table);
    if (claims === undefined) this.#claims.set(table, (claims = new Map()));
    const before = claims.get(key) ?? [];
    const others = before.filter(({ source }) => source !== claim.source);
    const after = claim.row === undefined ? others : [...others, claim].sort(compareClaims);
    for (const { key: solved } of duplicates(table, before)) write.remove(sourceProblems, solved);
    for (const problem of duplicates(table, after)) write.put(sourceProblems, problem);
    const [first] = after;
    if (first === undefined) {
      claims.delete(key);
      return write.remove(table, key);
    }
    claims.set(key, after);
    write.put(table, first.row as Row);
  }
}

/**
 * Objects that do not count because those of another source do. Clusters of one mesh share services and namespaces on purpose (K117), and what
 * a Nacos has of a service of another source joins it (decision 22).
 */
function duplicates(table: object, [first, ...others]: readonly Claim[]): readonly SourceProblem[] {
  if (first === undefined) return [];
  return others.flatMap(({ source, row }) => {
    const object = objectOf(table, row);
    if (object === undefined || (table === services && (source.kind === first.source.kind || source.kind === 'nacos')))
      return [];
    return {
      key: `${source.name} duplicate ${titleOf(object)}`,
      source: source.name,
      place: { kind: 'object', object },
      code: 'WEIR2010',
      path: '',
      message: `the source ${first.source.name} describes this object too, and comes first`,
      advice: 'delete one of the two',
      keptLastGood: false,
    };
  });
}

function objectOf(table: object, row: unknown): ObjectReference | undefined {
  if (table === configs) return referenceToConfig(row as ConfigObject);
  return table === services ? (row as Service).declaredBy : undefined;
}
