import type { Write } from '../../incremental/commit.ts';
import type { ConfigKey } from '../../model/keys.ts';
import { removeRow, replaceRows, successorOf, successors, type SourceRow } from '../source-row.ts';
import { withoutDocuments, type DocumentContent, type FileChange, type FileReading } from './file-reading.ts';
import type { ObjectReading } from './object-reading.ts';

/** A file that gives objects. */
export interface HeldFile {
  readonly path: string;
  reading: FileReading;
  /** Its documents with faults or invalid objects. */
  readonly troubled: Set<DocumentContent>;
  /** Objects that another document, of this file or another one, describes as well. */
  readonly contested: Set<ConfigKey>;
  /** The file is not there any more, and nobody has confirmed yet that this is meant. */
  gone: boolean;
  /** Objects in force that it gave and does not show any more, with the faulty documents that it already had when it showed them. */
  readonly absent: Map<ConfigKey, ReadonlySet<DocumentContent>>;
}

/** A document that describes an object. */
export interface Claim {
  readonly file: HeldFile;
  readonly content: DocumentContent;
  readonly object: ObjectReading;
}

/** What is in force of an object, and by which file. */
interface Standing {
  readonly file: HeldFile;
  readonly rows: readonly SourceRow[];
}

/**
 * Which objects are in force, out of what the files say.
 *
 * Of several documents that describe one object the first counts, in the order of paths and documents. An invalid one keeps what its file
 * gave before. An object that no document describes any more stays until its file is settled, since a file that is being written shows
 * less than it will; and it stays beyond that while the file has a faulty document that may be the missing one.
 */
export class Holdings {
  private readonly claims = new Map<ConfigKey, readonly Claim[]>();
  private readonly standings = new Map<ConfigKey, Standing>();
  /** Files with documents whose standing may have changed, since `affectedFiles` was last called. */
  private affected = new Set<HeldFile>();

  /** Objects in force. */
  get size(): number {
    return this.standings.size;
  }

  /** Takes the new version of a file: additions and changes are written, removals wait for `settle`. */
  update(write: Write, file: HeldFile, { reading, added, removed }: FileChange): void {
    const faulty = new Set(faultyDocuments(file));
    const touched = new Set<ConfigKey>();
    for (const content of added) {
      if (isTroubled(content)) file.troubled.add(content);
      for (const object of content.objects) touched.add(this.addClaim({ file, content, object }));
    }
    for (const content of removed) {
      file.troubled.delete(content);
      for (const { id } of content.objects) touched.add(this.dropClaims(id, content));
    }
    file.reading = reading;
    file.gone = false;
    // Which of several documents counts can change without any of them changing: by their order.
    for (const id of touched.union(file.contested)) this.resolve(write, id, faulty);
  }

  /** The file is not there any more. Its objects stay until `settle`, but other files that describe them now count before it. */
  vanish(write: Write, file: HeldFile): void {
    file.gone = true;
    for (const id of file.contested) this.resolve(write, id, new Set());
  }

  /** The file stayed as it is for long enough: what it does not show is removed. */
  settle(write: Write, file: HeldFile): void {
    if (file.gone) this.update(write, file, withoutDocuments(file.reading));
    for (const id of removable(file)) {
      this.remove(write, id);
      file.absent.delete(id);
    }
  }

  /** Whether `settle` would do something. */
  isUnsettled(file: HeldFile): boolean {
    return file.gone || removable(file).length > 0;
  }

  /** The document that counts for an object: its rows are in force, or what its file gave before it became invalid. */
  winnerOf(id: ConfigKey): Claim | undefined {
    const standing = this.standings.get(id);
    return this.claimsOf(id).find(({ file, object }) => object.outcome.kind === 'valid' || standing?.file === file);
  }

  /** Documents of a file that describe what another document describes too. */
  contestedDocuments(file: HeldFile): readonly DocumentContent[] {
    return [...file.contested].flatMap((id) =>
      this.claimsOf(id).flatMap((claim) => (claim.file === file ? [claim.content] : [])),
    );
  }

  /** Files of which another document may count now, or no longer, since this was last asked. */
  affectedFiles(): ReadonlySet<HeldFile> {
    const { affected } = this;
    this.affected = new Set();
    return affected;
  }

  /** The file that gave what is in force of an object. */
  fileOf(id: ConfigKey): HeldFile | undefined {
    return this.standings.get(id)?.file;
  }

  /** Sorted: the first document first. */
  private claimsOf(id: ConfigKey): readonly Claim[] {
    return this.claims.get(id) ?? [];
  }

  private addClaim(claim: Claim): ConfigKey {
    const { id } = claim.object;
    this.setClaims(id, [...this.claimsOf(id), claim]);
    return id;
  }

  private dropClaims(id: ConfigKey, content: DocumentContent): ConfigKey {
    const claims = this.claimsOf(id);
    for (const { file } of claims.length > 1 ? claims : []) {
      file.contested.delete(id);
      this.affected.add(file);
    }
    this.setClaims(
      id,
      claims.filter((claim) => claim.content !== content),
    );
    return id;
  }

  private setClaims(id: ConfigKey, claims: readonly Claim[]): void {
    if (claims.length === 0) this.claims.delete(id);
    else this.claims.set(id, claims);
    for (const { file } of claims.length > 1 ? claims : []) {
      file.contested.add(id);
      this.affected.add(file);
    }
  }

  private resolve(write: Write, id: ConfigKey, faultyBefore: ReadonlySet<DocumentContent>): void {
    const claims = this.claimsOf(id);
    if (claims.length > 1) this.setClaims(id, claims.toSorted(compareClaims));
    const standing = this.standings.get(id);
    const winner = this.winnerOf(id);
    if (winner === undefined) {
      if (standing !== undefined && !standing.file.absent.has(id)) standing.file.absent.set(id, faultyBefore);
      return;
    }
    standing?.file.absent.delete(id);
    if (winner.object.outcome.kind === 'valid') this.replace(write, id, winner.file, winner.object.outcome.value);
  }

  private replace(write: Write, id: ConfigKey, file: HeldFile, next: readonly SourceRow[]): void {
    const before = this.standings.get(id)?.rows ?? [];
    const rows = successors(before, next, successorOf);
    replaceRows(write, before, rows);
    this.standings.set(id, { file, rows });
  }

  private remove(write: Write, id: ConfigKey): void {
    for (const row of this.standings.get(id)?.rows ?? []) removeRow(write, row);
    this.standings.delete(id);
  }
}

/** Absent objects of a file, save those that may be what a faulty document was meant to be. */
function removable(file: HeldFile): readonly ConfigKey[] {
  const faulty = faultyDocuments(file);
  return [...file.absent].flatMap(([id, known]) => (faulty.every((content) => known.has(content)) ? [id] : []));
}

function faultyDocuments({ troubled }: HeldFile): readonly DocumentContent[] {
  return [...troubled].filter(({ faults }) => faults.length > 0);
}

function isTroubled({ faults, objects }: DocumentContent): boolean {
  return faults.length > 0 || objects.some(({ outcome }) => outcome.kind === 'invalid');
}

/** A file that is still there counts before one that is not. */
function compareClaims(a: Claim, b: Claim): number {
  if (a.file !== b.file) {
    if (a.file.gone !== b.file.gone) return a.file.gone ? 1 : -1;
    return a.file.path < b.file.path ? -1 : 1;
  }
  if (a.content !== b.content) return positionOf(a) - positionOf(b);
  return a.content.objects.indexOf(a.object) - b.content.objects.indexOf(b.object);
}

function positionOf({ file, content }: Claim): number {
  return file.reading.contents.indexOf(content);
}
