import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/**
 * Watches directories, one by one, and says which path in them something happened to. Events are hints: several may stand for one change,
 * and some may be missing.
 */
export class DirectoryWatches {
  private readonly watchers = new Map<string, { readonly identity: string; readonly watcher: FSWatcher }>();
  private readonly onEvent: (path: string) => void;
  private readonly onFailure: (directory: string, error: unknown) => void;

  /** @param onEvent is told the path of an entry, or the directory itself when the system does not say which */
  constructor(onEvent: (path: string) => void, onFailure: (directory: string, error: unknown) => void) {
    this.onEvent = onEvent;
    this.onFailure = onFailure;
  }

  /** Watches a directory, anew when another one has taken its path. */
  add(directory: string, identity: string): void {
    if (this.watchers.get(directory)?.identity === identity) return;
    this.remove(directory);
    this.open(directory, directory, identity, (name) =>
      this.onEvent(name === null ? directory : join(directory, name)),
    );
  }

  /** Watches for a directory itself to appear, vanish or be replaced, which its own watch cannot see. */
  addParentOf(directory: string): void {
    const name = basename(resolve(directory));
    const parent = dirname(resolve(directory));
    this.open(`parent of ${directory}`, parent, '', (changed) => {
      if (changed === null || changed === name) this.onEvent(directory);
    });
  }

  remove(directory: string): void {
    this.watchers.get(directory)?.watcher.close();
    this.watchers.delete(directory);
  }

  /** The directories that are watched. */
  directories(): readonly string[] {
    return [...this.watchers.keys()];
  }

  close(): void {
    for (const { watcher } of this.watchers.values()) watcher.close();
    this.watchers.clear();
  }

  private open(key: string, directory: string, identity: string, heard: (name: string | null) => void): void {
    try {
      const watcher = watch(directory, (_event, name) => heard(name));
      watcher.on('error', (error) => {
        this.remove(key);
        this.onFailure(directory, error);
      });
      this.watchers.set(key, { identity, watcher });
    } catch (error) {
      this.onFailure(directory, error);
    }
  }
}
