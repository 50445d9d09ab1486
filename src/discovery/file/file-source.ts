import { normalize } from 'node:path';
import type { Write } from '../../incremental/commit.ts';
import type { ObjectReference } from '../../model/provenance.ts';
import type { Freshness, SourceProblem } from '../../model/source.ts';
import { sources } from '../../model/tables.ts';
import type { Log } from '../../observe/log.ts';
import { ProblemBoard } from '../problem-board.ts';
import type { Registry, RegistryContext } from '../registry.ts';
import { checkDirectories } from './directory-error.ts';
import type { FileChange } from './file-reading.ts';
import { FollowedTree, type TreeChanges } from './followed-tree.ts';
import { Holdings } from './holdings.ts';
import { Inbox, type Heard } from './inbox.ts';
import { placeOfField, type Place } from './place.ts';
import { problemsOf } from './problems.ts';
import { inSlices, throughout } from './slices.ts';
import { TrackedFile, readTracked, type Readout } from './tracked-file.ts';
import { DirectoryWatches } from './watch.ts';

export interface FileSourceOptions extends RegistryContext {
  /** Default: `files`. */
  readonly name?: string;
  /** Directories of `.yaml`, `.yml` and `.json` files, each with everything below it; hidden entries are left out. */
  readonly directories: readonly string[];
  /** Cluster domain, for example `cluster.local`. */
  readonly domain: string;
  /** Milliseconds for which a file must stay as it is before what it does not show any more is removed. Default: 100. */
  readonly settleMs?: number;
  /** Milliseconds between two looks at everything, in case an event was missed. Default: 30,000. */
  readonly rescanMs?: number;
}

/** How often everything is looked at when the system cannot watch. */
const unwatchedRescanMs = 1_000;

/**
 * Directories of YAML as a registry: every object of every file is a row.
 *
 * Changes are in force in the turn of the event loop in which they are heard, one batch for all files of that turn. Removals, and reports of
 * what is wrong, wait until the file has stayed as it is for a moment, since most of both are files that are just being written.
 */
export class FileSource implements Registry {
  readonly name: string;
  private readonly options: FileSourceOptions;
  private readonly directories: readonly string[];
  private readonly files = new Map<string, TrackedFile>();
  private readonly holdings = new Holdings();
  private readonly board: ProblemBoard;
  private readonly inbox: Inbox;
  private tree: FollowedTree;
  private loaded = false;
  private freshness: { readonly state: Freshness; readonly since: number };
  /** Files that wait to be confirmed -> monotonic milliseconds from which on they count as stable. */
  private readonly waiting = new Map<TrackedFile, number>();
  private settleTimer: NodeJS.Timeout | undefined;
  private rescanTimer: NodeJS.Timeout | undefined;

  constructor(options: FileSourceOptions) {
    this.options = options;
    this.name = options.name ?? 'files';
    this.directories = options.directories.map(withoutTrailingSlash);
    this.board = new ProblemBoard(options.log);
    this.inbox = new Inbox(this.now);
    this.tree = new FollowedTree(this.directories);
    this.freshness = { state: 'unknown', since: options.clock.now() };
  }

  /**
   * Reads everything once, without watching.
   *
   * @throws DirectoryError
   */
  readOnce(): void {
    checkDirectories(this.directories);
    throughout(this.load());
  }

  /** @throws DirectoryError when a directory is missing at the start; one that vanishes later makes the source stale */
  async run(signal: AbortSignal): Promise<void> {
    checkDirectories(this.directories);
    const watches = new DirectoryWatches(
      (path) => this.inbox.put(path),
      (directory, error) => this.watchFailed(directory, error),
    );
    this.tree = new FollowedTree(this.directories, watches);
    this.write(this.now(), () => undefined);
    try {
      for (const directory of this.directories) watches.addParentOf(directory);
      this.rescanEvery(this.options.rescanMs ?? 30_000);
      await inSlices(this.load(), this.now, signal);
      while (!signal.aborted) {
        const heard = await this.inbox.take(signal);
        await inSlices(this.react(heard), this.now, signal);
        this.settleDue();
      }
    } finally {
      watches.close();
      clearTimeout(this.settleTimer);
      clearInterval(this.rescanTimer);
    }
  }

  /**
   * Where a field of an object stands now: rows keep the place at which they were first read, since an edit above them must not change
   * them.
   *
   * @param path of the field, for example `spec.http[0]`; empty for the object
   * @returns undefined for objects of other sources
   */
  placeOf(reference: ObjectReference, path = ''): Place | undefined {
    return reference.origin.source === this.name ? placeOfField(reference, path, this.holdings, this.files) : undefined;
  }

  private readonly now = (): number => this.options.clock.monotonic();

  private *load(): Generator<undefined, void> {
    const at = this.now();
    const changes = yield* this.tree.look(this.directories);
    const readouts = yield* this.read(changes);
    this.loaded = true;
    this.accept(at, readouts, changes.gone, true);
    this.options.log.info('files are read', { source: this.name, files: this.files.size, objects: this.holdings.size });
  }

  private *react({ at, paths }: Heard): Generator<undefined, void> {
    if (paths.size === 0) return;
    const changes = yield* this.tree.look(paths);
    const readouts = yield* this.read(changes);
    this.accept(at, readouts, changes.gone, false);
  }

  private *read({ changed }: TreeChanges): Generator<undefined, ReadonlyMap<TrackedFile, Readout>> {
    const readouts = new Map<TrackedFile, Readout>();
    const { admit, domain } = this.options;
    for (const path of changed) {
      const file = this.files.get(path) ?? new TrackedFile(path, this.tree.rootOf(path) ?? '');
      const context = { source: this.name, domain, admit, origin: { source: this.name, file: path } };
      readouts.set(file, yield* readTracked(file, context));
      yield;
    }
    return readouts;
  }

  /** @param settled whether removals and reports need not wait */
  private accept(
    at: number,
    readouts: ReadonlyMap<TrackedFile, Readout>,
    gone: ReadonlySet<string>,
    settled: boolean,
  ): void {
    this.write(at, (write) => {
      const vanished = [...gone].flatMap((path) => this.files.get(path) ?? []);
      for (const file of vanished) this.vanish(write, file);
      for (const [file, readout] of readouts) this.acceptFile(write, file, readout);
      const touched = new Set([...vanished, ...readouts.keys()]);
      for (const file of touched) file.heardAt = at;
      this.showProblems(write, touched, settled);
    });
    this.remindOfSettling();
  }

  private acceptFile(write: Write, file: TrackedFile, readout: Readout): void {
    this.files.set(file.path, file);
    switch (readout.kind) {
      case 'missing':
        return this.vanish(write, file);
      case 'failed':
        file.failure = readout.failure;
        return this.holdings.update(write, file, { reading: file.reading, added: [], removed: [] });
      case 'read':
        file.failure = undefined;
        this.holdings.update(write, file, readout.change);
        reportIgnored(file.path, readout.change, this.options.log);
    }
  }

  private vanish(write: Write, file: TrackedFile): void {
    file.failure = undefined;
    this.holdings.vanish(write, file);
  }

  /** Files that describe the same objects are shown together: which of them counts may have changed. */
  private showProblems(write: Write, touched: ReadonlySet<TrackedFile>, settled: boolean): void {
    const affected = [...this.holdings.affectedFiles()].flatMap(({ path }) => this.files.get(path) ?? []);
    for (const file of touched.union(new Set(affected))) {
      const isTouched = touched.has(file);
      const problems = problemsOf(file, this.holdings, this.name);
      const heldBack = this.board.show(write, file.path, problems, settled && isTouched);
      if (!isTouched && (!heldBack || this.waiting.has(file))) continue;
      if (heldBack || this.isUnsettled(file)) this.waiting.set(file, this.now() + this.settleMs);
      else this.waiting.delete(file);
    }
  }

  private isUnsettled(file: TrackedFile): boolean {
    return file.gone || (file.failure === undefined && this.holdings.isUnsettled(file));
  }

  /** Confirms what has stayed as it is for long enough. */
  private settleDue(): void {
    const now = this.now();
    const due = [...this.waiting].flatMap(([file, at]) => (at <= now ? [file] : []));
    for (const file of due) this.waiting.delete(file);
    const stable = new Set(due.filter((file) => this.isStable(file)));
    if (stable.size > 0) {
      const at = earliest(stable.values().map(({ heardAt }) => heardAt));
      this.write(at, (write) => {
        for (const file of stable) this.settle(write, file);
        this.showProblems(write, stable, true);
      });
    }
    this.remindOfSettling();
  }

  /** What has changed again is read again; while its directory is lost a file is left as it is. */
  private isStable(file: TrackedFile): boolean {
    if (this.tree.isLost(file.root)) {
      this.tree.doubt(file.path, file.root);
      return false;
    }
    if (file.gone ? !this.tree.exists(file.path) : this.tree.isUnchanged(file.path)) return true;
    this.inbox.put(file.path);
    return false;
  }

  private settle(write: Write, file: TrackedFile): void {
    if (file.gone) this.files.delete(file.path);
    if (this.isUnsettled(file)) this.holdings.settle(write, file);
  }

  private get settleMs(): number {
    return this.options.settleMs ?? 100;
  }

  private remindOfSettling(): void {
    clearTimeout(this.settleTimer);
    if (this.waiting.size === 0) return;
    const wait = earliest(this.waiting.values()) - this.now();
    this.settleTimer = setTimeout(() => this.inbox.put(), Math.max(0, Math.ceil(wait)));
  }

  /** One batch, with what it makes of the source as a whole. */
  private write(at: number, change: (write: Write) => void): void {
    this.options.engine.batch({ source: this.name, at }, (write) => {
      change(write);
      for (const directory of this.directories) {
        this.board.show(write, directory, this.directoryProblems(directory), true);
      }
      this.showFreshness(write);
    });
  }

  private directoryProblems(directory: string): readonly SourceProblem[] {
    const message = this.tree.lost.get(directory);
    if (message === undefined) return [];
    const advice = 'bring it back; to remove objects, delete their files and leave the directory';
    const place = { kind: 'document', file: directory, document: 1, line: 1 } as const;
    const problem = { code: 'WEIR2002', path: '', message, advice, keptLastGood: true };
    return [{ key: directory, source: this.name, place, ...problem }];
  }

  private showFreshness(write: Write): void {
    const [reason] = this.tree.lost.values();
    const state = this.loaded ? (reason === undefined ? 'synced' : 'stale') : 'unknown';
    if (state !== this.freshness.state) {
      this.freshness = { state, since: this.options.clock.now() };
      this.options.log.info(`files are ${state}`, { source: this.name, ...(reason === undefined ? {} : { reason }) });
    }
    write.put(sources, {
      name: this.name,
      kind: 'files',
      target: this.directories.join(', '),
      freshness: state,
      ...(reason === undefined ? {} : { reason }),
      since: this.freshness.since,
      objects: this.holdings.size,
    });
  }

  private watchFailed(directory: string, error: unknown): void {
    this.options.log.warn('a directory cannot be watched: changes are found by looking', { directory, error });
    this.rescanEvery(Math.min(unwatchedRescanMs, this.options.rescanMs ?? unwatchedRescanMs));
  }

  private rescanEvery(milliseconds: number): void {
    clearInterval(this.rescanTimer);
    this.rescanTimer = setInterval(() => {
      for (const directory of this.directories) this.inbox.put(directory);
    }, milliseconds);
  }
}

/** Of any number of times: too many to be arguments. */
function earliest(times: Iterable<number>): number {
  let first = Number.POSITIVE_INFINITY;
  for (const time of times) first = Math.min(first, time);
  return first;
}

function withoutTrailingSlash(directory: string): string {
  const path = normalize(directory);
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** Which kinds in a file are none of the mesh's business, for those who look for an object in vain. */
function reportIgnored(file: string, { added }: FileChange, log: Log): void {
  const ignored = added.flatMap((content) => content.ignored);
  if (ignored.length === 0) return;
  const kinds = [...new Set(ignored)].toSorted().join(', ');
  log.debug('objects that say nothing about the mesh', { file, count: ignored.length, kinds });
}
