import { readdirSync, statSync, type Stats } from 'node:fs';
import { basename, extname, join } from 'node:path';

/** Directories of configuration files, as they are on the disk. */

export type Entry =
  | { readonly kind: 'missing' }
  | { readonly kind: 'directory'; readonly identity: string }
  | { readonly kind: 'file'; readonly stamp: string }
  | { readonly kind: 'other' };

export interface Tree {
  /** Path -> identity of the directory behind it: another one when a link was turned or a directory replaced. */
  readonly directories: ReadonlyMap<string, string>;
  /** Path -> a text that differs when the file does. */
  readonly files: ReadonlyMap<string, string>;
}

/** What stands at a path, links followed. An entry that cannot be looked at counts as missing. */
export function entryAt(path: string): Entry {
  let stats: Stats | undefined;
  try {
    stats = statSync(path, { throwIfNoEntry: false });
  } catch {
    return { kind: 'missing' };
  }
  if (stats === undefined) return { kind: 'missing' };
  if (stats.isDirectory()) return { kind: 'directory', identity: identityOf(stats) };
  if (!stats.isFile() || !isConfiguration(path)) return { kind: 'other' };
  const { dev, ino, size, mtimeMs, ctimeMs } = stats;
  return { kind: 'file', stamp: `${dev}:${ino}:${size}:${mtimeMs}:${ctimeMs}` };
}

/** The number of a deleted directory is soon given to another one. */
function identityOf({ dev, ino, birthtimeMs }: Stats): string {
  return `${dev}:${ino}:${birthtimeMs}`;
}

/** Hidden entries belong to editors, to version control, and to the way in which Kubernetes mounts ConfigMaps. */
export function isHidden(path: string): boolean {
  return basename(path).startsWith('.');
}

/** Whether the name is that of a file to read. */
function isConfiguration(path: string): boolean {
  return extensions.has(extname(path).toLowerCase()) && !isHidden(path);
}

const extensions: ReadonlySet<string> = new Set(['.yaml', '.yml', '.json']);

/** Files are looked at in portions of this size between two yields. */
const entriesPerStep = 256;

/**
 * Lists a directory and everything below it. A directory that is reached twice, over links, counts once.
 *
 * @param enter called for each directory before it is listed, so that nothing happens unseen between listing and watching
 * @param visited identities of directories that count elsewhere
 * @returns yields now and then, for a caller who has other things to do
 */
export function* scanTree(
  root: string,
  enter: (directory: string, identity: string) => void,
  visited = new Set<string>(),
): Generator<undefined, Tree> {
  const directories = new Map<string, string>();
  const files = new Map<string, string>();
  const open = [root];
  let steps = 0;
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const entry = entryAt(path);
    if (entry.kind === 'file') files.set(path, entry.stamp);
    if (++steps % entriesPerStep === 0) yield;
    if (entry.kind !== 'directory' || visited.has(entry.identity)) continue;
    visited.add(entry.identity);
    directories.set(path, entry.identity);
    enter(path, entry.identity);
    for (const name of namesIn(path)) open.push(join(path, name));
  }
  return { directories, files };
}

/** Names in a directory that may matter, the last one first. */
function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => !isHidden(name))
      .toSorted()
      .toReversed();
  } catch {
    // It has just vanished, or may not be listed; in both cases there is nothing to be seen.
    return [];
  }
}
