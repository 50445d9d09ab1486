import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

interface Watched {
  readonly directory: string;
  readonly identity: string;
  readonly heard: (name: string | null) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Watches directories, one by one, and says which path in them something happened to. Events are hints: several may stand for one change,
 * and some may be missing.
 */
export class DirectoryWatches {
  private readonly watchers = new Map<string, { readonly identity: string; readonly watcher: FSWatcher }>();
  private readonly onEvent: (path: string) => void;
  private readonly onFailure: (directory: string, error: unknown) => void;

  /**
   * @param onEvent is told the path of an entry, or the directory itself when the system does not say which
   * @param onFailure is told of a directory that is there and cannot be watched
   */
  constructor(onEvent: (path: string) => void, onFailure: (directory: string, error: unknown) => void) {
    this.onEvent = onEvent;
    this.onFailure = onFailure;
  }

  /** Watches a directory, anew when another one has taken its path. */
  add(directory: string, identity: string): void {
    if (this.watchers.get(directory)?.identity === identity) return;
    this.remove(directory);
    this.open(directory, {
      directory,
      identity,
      heard: (name) => this.onEvent(name === null ? directory : join(directory, name)),
      failed: (error) => this.onFailure(directory, error),
    });
  }

  /** Watches for a directory itself to appear, vanish or be replaced, which its own watch cannot see. */
  addParentOf(directory: string): void {
    const name = basename(resolve(directory));
    const parent = dirname(resolve(directory));
    this.open(`parent of ${directory}`, {
      directory: parent,
      identity: '',
      heard: (changed) => {
        if (changed === null || changed === name) this.onEvent(directory);
      },
      // Nothing is lost but time: a directory that comes back is found by the next look at everything.
      failed: () => undefined,
    });
  }

  remove(directory: string): void {
    this.watchers.get(directory)?.watcher.close();
    this.watchers.delete(directory);
  }

  close(): void {
    for (const { watcher } of this.watchers.values()) watcher.close();
    this.watchers.clear();
  }

  private open(key: string, { directory, identity, heard, failed }: Watched): void {
    try {
      const watcher = watch(directory, (_event, name) => heard(name));
      watcher.on('error', (error) => {
        this.remove(key);
        failed(error);
      });
      this.watchers.set(key, { identity, watcher });
    } catch (error) {
      // It has just vanished, which whoever watches its parent hears.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
      failed(error);
    }
  }
}
