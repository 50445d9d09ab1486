import { basename, dirname, join } from 'node:path';
import { entryAt, isHidden, scanTree, type Tree } from './tree.ts';
import type { DirectoryWatches } from './watch.ts';

export interface TreeChanges {
  readonly changed: Set<string>;
  readonly gone: Set<string>;
}

interface Known {
  readonly root: string;
  /** Of a file its stamp, of a directory its identity. */
  readonly state: string;
}

/** The files below some directories, as they were when they were last looked at. */
export class FollowedTree {
  /** Directories that cannot be looked at, with the reason: nothing is concluded from what they do not show. */
  readonly lost = new Map<string, string>();
  private readonly roots: readonly string[];
  private readonly watches: DirectoryWatches | undefined;
  private readonly files = new Map<string, Known>();
  private readonly directories = new Map<string, Known>();

  /** @param watches is told of directories that come and go; undefined: nobody watches */
  constructor(roots: readonly string[], watches?: DirectoryWatches) {
    this.roots = roots;
    this.watches = watches;
  }

  /**
   * Looks at paths of which something was heard. Of directories everything below them is looked at.
   *
   * @returns files to read again, and files that are not there any more; yields now and then
   */
  *look(paths: Iterable<string>): Generator<undefined, TreeChanges> {
    const changes: TreeChanges = { changed: new Set(), gone: new Set() };
    for (const path of paths) yield* this.lookAt(path, changes);
    return changes;
  }

  /** The directory that a file was found through. */
  rootOf(path: string): string | undefined {
    return (this.files.get(path) ?? this.directories.get(path) ?? this.directories.get(dirname(path)))?.root;
  }

  /** Whether a file still looks as it did when it was last reported as changed. */
  isUnchanged(path: string): boolean {
    const entry = entryAt(path);
    return entry.kind === 'file' && entry.stamp === this.files.get(path)?.state;
  }

  /** Whether there is a file at a path now. */
  exists(path: string): boolean {
    return entryAt(path).kind === 'file';
  }

  /** Whether nothing may be concluded from what a directory does not show. */
  isLost(root: string): boolean {
    return this.lost.has(root) || entryAt(root).kind !== 'directory';
  }

  /** Has the next look at its directory report a file again: as changed, or as gone. */
  doubt(path: string, root: string): void {
    this.files.set(path, { root, state: '' });
  }

  private *lookAt(path: string, changes: TreeChanges): Generator<undefined, void> {
    if (this.roots.includes(path)) return yield* this.lookAtRoot(path, changes);
    // Kubernetes swaps all files of a mounted ConfigMap at once, by turning the link `..data`.
    if (basename(path).startsWith('..')) return yield* this.lookAt(dirname(path), changes);
    const root = this.rootOf(path);
    if (root === undefined || isHidden(path)) return;
    if (this.lost.has(root)) return yield* this.lookAtRoot(root, changes);
    const entry = entryAt(path);
    if (entry.kind === 'directory') return this.take(path, root, yield* this.scan(path, root), changes);
    if (entry.kind === 'file') {
      this.files.set(path, { root, state: entry.stamp });
      changes.changed.add(path);
      return;
    }
    if (entryAt(root).kind === 'directory') this.take(path, root, noTree, changes);
    else this.lose(root);
  }

  private *lookAtRoot(root: string, changes: TreeChanges): Generator<undefined, void> {
    const entry = entryAt(root);
    if (entry.kind !== 'directory') return this.lose(root);
    const tree = yield* this.scan(root, root);
    const known = this.directories.get(root);
    const isReplaced = known !== undefined && known.state !== entry.identity;
    // An unmounted volume leaves an empty directory behind.
    if (isReplaced && tree.files.size === 0 && [...this.files.values()].some((file) => file.root === root)) {
      this.lost.set(root, `the directory ${root} has been replaced by an empty one`);
      return;
    }
    this.lost.delete(root);
    this.take(root, root, tree, changes);
  }

  private lose(root: string): void {
    // Its watch may have ended with it, unheard.
    this.watches?.remove(root);
    this.lost.set(root, `the directory ${root} has vanished`);
  }

  private *scan(directory: string, root: string): Generator<undefined, Tree> {
    const elsewhere = [...this.directories].filter(
      ([path, known]) => known.root !== root || !isWithin(path, directory),
    );
    const visited = new Set(elsewhere.map(([, { state }]) => state));
    return yield* scanTree(directory, (path, identity) => this.watches?.add(path, identity), visited);
  }

  /** Takes over what was seen at a path and below it. */
  private take(path: string, root: string, tree: Tree, changes: TreeChanges): void {
    for (const [file, known] of this.files) {
      if (known.root !== root || !isWithin(file, path) || tree.files.has(file)) continue;
      this.files.delete(file);
      changes.gone.add(file);
    }
    for (const [file, state] of tree.files) {
      if (this.files.get(file)?.state === state) continue;
      this.files.set(file, { root, state });
      changes.changed.add(file);
    }
    for (const [directory, known] of this.directories) {
      if (known.root !== root || !isWithin(directory, path) || tree.directories.has(directory)) continue;
      this.directories.delete(directory);
      this.watches?.remove(directory);
    }
    for (const [directory, state] of tree.directories) this.directories.set(directory, { root, state });
  }
}

const noTree: Tree = { directories: new Map(), files: new Map() };

/** Whether a path is the directory or below it; of paths that were found through the same root. */
function isWithin(path: string, directory: string): boolean {
  return path === directory || directory === '.' || path.startsWith(join(directory, '/'));
}
