import type { Write } from '../../incremental/commit.ts';
import type { Origin } from '../../model/provenance.ts';
import { placeText, type ProblemPlace, type SourceProblem } from '../../model/source.ts';
import type { ProblemBoard } from '../problem-board.ts';
import { replaceRows, type SourceRow } from '../source-row.ts';
import { partsOfKey, type KeptObject } from './kept-object.ts';
import type { Change } from './reflector/reflected.ts';
import { SelectedNamespaces, type NamespaceSelection } from './selected-namespaces.ts';

/** An object that the cluster has. */
interface Held {
  readonly object: KeptObject;
  /** In force while its namespace is selected: what it became, or what it was when it could last be read. */
  readonly rows: readonly SourceRow[];
}

const noRows: readonly SourceRow[] = [];

/**
 * The objects of one cluster, and which rows are in force for them.
 *
 * An object that cannot be read keeps the rows that it had, and shows what is wrong. Objects of namespaces that are not selected are
 * held back: nothing of them is in force, and all of it is as soon as their namespace is selected.
 */
export class ClusterObjects {
  private readonly origin: Origin;
  private readonly board: ProblemBoard;
  private readonly namespaces: SelectedNamespaces;
  private readonly held = new Map<string, Map<string, Held>>();
  /** Objects of selected namespaces, by kind. */
  private readonly counts = new Map<string, number>();

  constructor(origin: Origin, selection: NamespaceSelection, board: ProblemBoard) {
    this.origin = origin;
    this.namespaces = new SelectedNamespaces(selection);
    this.board = board;
  }

  get kinds(): readonly string[] {
    return [...this.held.keys()];
  }

  /** Objects of selected namespaces. */
  count(kind: string): number {
    return this.counts.get(kind) ?? 0;
  }

  /** Objects of selected namespaces, of all kinds. */
  get total(): number {
    return this.counts.values().reduce((sum, count) => sum + count, 0);
  }

  /** Whether there is no object of a kind, in whichever namespace. */
  isEmpty(kind: string): boolean {
    return this.objectsOf(kind).size === 0;
  }

  /** The rows of an object. */
  rowsOf(kind: string, key: string): readonly SourceRow[] {
    return this.held.get(kind)?.get(key)?.rows ?? noRows;
  }

  apply(write: Write, kind: string, changes: readonly Change<KeptObject>[]): void {
    const objects = this.objectsOf(kind);
    for (const { kind: change, object } of changes) {
      const { key } = object;
      const before = objects.get(key);
      const after = change === 'put' ? successorOf(before, object) : undefined;
      if (after === undefined) objects.delete(key);
      else objects.set(key, after);
      if (this.namespaces.has(namespaceOf(kind, key))) this.replace(write, kind, before, after);
      if (kind === 'Namespace') this.noteNamespace(write, key, after);
    }
  }

  /**
   * Removes all objects of a kind but some.
   *
   * @param namespace only objects of it; undefined: of all
   */
  retain(write: Write, kind: string, keys: ReadonlySet<string>, namespace: string | undefined): void {
    const concerned = (key: string): boolean => namespace === undefined || partsOfKey(key).namespace === namespace;
    const gone = [...this.objectsOf(kind)].flatMap(([key, { object }]) =>
      keys.has(key) || !concerned(key) ? [] : [object],
    );
    this.apply(
      write,
      kind,
      gone.map((object) => ({ kind: 'remove', object })),
    );
  }

  private objectsOf(kind: string): Map<string, Held> {
    let objects = this.held.get(kind);
    if (objects === undefined) this.held.set(kind, (objects = new Map()));
    return objects;
  }

  /** What was in force of an object is no longer, and what follows it is. */
  private replace(write: Write, kind: string, before: Held | undefined, after: Held | undefined): void {
    replaceRows(write, before?.rows ?? noRows, after?.rows ?? noRows);
    const wasInvalid = before?.object.outcome.kind === 'invalid';
    if (wasInvalid || after?.object.outcome.kind === 'invalid') this.showProblems(write, kind, before, after);
    const difference = (after === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
    if (difference !== 0) this.counts.set(kind, this.count(kind) + difference);
  }

  private showProblems(write: Write, kind: string, before: Held | undefined, after: Held | undefined): void {
    const { key = '', generation } = (after ?? before)?.object ?? {};
    const place = this.placeOf(kind, key, generation);
    const subject = `${this.origin.source} ${placeText(place)}`;
    this.board.show(write, subject, after === undefined ? [] : problemsOf(subject, place, after, this.origin), true);
  }

  private placeOf(
    kind: string,
    key: string,
    generation: number | undefined,
  ): Extract<ProblemPlace, { kind: 'object' }> {
    const reference = { kind, ...partsOfKey(key), origin: this.origin };
    return { kind: 'object', object: generation === undefined ? reference : { ...reference, generation } };
  }

  private noteNamespace(write: Write, name: string, after: Held | undefined): void {
    const labels = after?.rows.flatMap(({ kind, row }) => (kind === 'namespace' ? [row.labels] : []))[0];
    if (!this.namespaces.note(name, labels)) return;
    const isSelected = this.namespaces.has(name);
    for (const [kind, objects] of this.held) {
      for (const [key, held] of objects) {
        if (namespaceOf(kind, key) !== name) continue;
        if (isSelected) this.replace(write, kind, undefined, held);
        else this.replace(write, kind, held, undefined);
      }
    }
  }
}

/** A namespace belongs to itself; the settings of the mesh, which are named by whoever runs it, to none that could be left out. */
function namespaceOf(kind: string, key: string): string {
  if (kind === 'Namespace') return key;
  return kind === 'ConfigMap' ? '' : partsOfKey(key).namespace;
}

function successorOf(before: Held | undefined, object: KeptObject): Held {
  const { outcome } = object;
  return { object, rows: outcome.kind === 'valid' ? outcome.value : (before?.rows ?? noRows) };
}

function problemsOf(
  subject: string,
  place: ProblemPlace,
  { object, rows }: Held,
  { source }: Origin,
): readonly SourceProblem[] {
  if (object.outcome.kind === 'valid') return [];
  return object.outcome.violations.map(({ code, path, message, advice }, index) => ({
    key: index === 0 ? subject : `${subject}/${index + 1}`,
    source,
    place,
    code,
    path,
    message,
    advice,
    keptLastGood: rows.length > 0,
  }));
}
