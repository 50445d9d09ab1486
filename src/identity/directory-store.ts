import { randomUUID } from 'node:crypto';
import { chmod, link, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ownName, pluggedInNames, StoreError, type AuthorityStore, type Stored } from './authority-store.ts';
import { describeError } from '../observe/log.ts';

/**
 * An authority in a directory of this machine. What is Weir's own is in a file whose name counts up, `weir-authority.7.json`: a new state is a
 * new file, which appears whole or not at all, and of two processes that make the same one the file system lets one succeed.
 */
export class DirectoryStore implements AuthorityStore {
  readonly place: string;
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.place = `the directory ${directory}`;
  }

  async read(): Promise<Stored> {
    const names = await this.#names();
    const version = latestVersion(names);
    const pluggedIn = await this.#pluggedIn(names);
    if (version === undefined) return { own: undefined, pluggedIn, version };
    const own = await this.#text(fileName(version), true);
    // Somebody has written the next one and removed this one in between.
    return own === undefined ? this.read() : { own, pluggedIn, version: String(version) };
  }

  async write(text: string, before: string | undefined): Promise<boolean> {
    const version = before === undefined ? 1 : Number(before) + 1;
    const draft = join(this.#directory, `.${ownName}.${randomUUID()}`);
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      await writeDurably(draft, text);
      const isFirst = await this.#publish(draft, version);
      if (isFirst) await this.#removeBefore(version);
      return isFirst;
    } catch (error) {
      throw error instanceof StoreError ? error : this.#failure('cannot be written', error);
    }
  }

  async #publish(draft: string, version: number): Promise<boolean> {
    try {
      // A writer that is far behind must not bring back a number whose file is gone.
      if ((latestVersion(await this.#names()) ?? 0) >= version) return false;
      await link(draft, join(this.#directory, fileName(version)));
      return true;
    } catch (error) {
      if (isCode(error, 'EEXIST')) return false;
      throw error;
    } finally {
      await unlink(draft);
    }
  }

  async #names(): Promise<readonly string[]> {
    try {
      return await readdir(this.#directory);
    } catch (error) {
      if (isCode(error, 'ENOENT')) return [];
      throw this.#failure('cannot be read', error);
    }
  }

  async #pluggedIn(names: readonly string[]): Promise<Readonly<Record<string, string>> | undefined> {
    const present = pluggedInNames.filter((name) => names.includes(name));
    if (present.length === 0) return undefined;
    const texts = await Promise.all(
      present.map(async (name) => [name, (await this.#text(name, name === 'ca-key.pem')) ?? ''] as const),
    );
    return Object.fromEntries(texts);
  }

  /** undefined: it is gone */
  async #text(name: string, isSecret: boolean): Promise<string | undefined> {
    const path = join(this.#directory, name);
    try {
      const { mode } = await stat(path);
      if (isSecret && (mode & readableByOthers) !== 0) {
        throw new StoreError(
          `${path} holds a private key and may be read by everybody: chmod 600 ${path}, or give the volume defaultMode 0400`,
        );
      }
      return await readFile(path, 'utf8');
    } catch (error) {
      if (isCode(error, 'ENOENT')) return undefined;
      throw error instanceof StoreError ? error : this.#failure(`cannot be read (${name})`, error);
    }
  }

  /** What a state before holds may be a key that is not to be used any more. */
  async #removeBefore(version: number): Promise<void> {
    const earlier = (await this.#names()).filter((name) => (versionOf(name) ?? version) < version);
    await Promise.all(earlier.map((name) => unlink(join(this.#directory, name)).catch(() => undefined)));
  }

  #failure(what: string, cause: unknown): StoreError {
    return new StoreError(`${this.place} ${what}: ${describeError(cause)}`, { cause });
  }
}

/** A volume of Kubernetes gives its files to a group, so that a group may read them. */
const readableByOthers = 0o007;

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  // Whatever the mask of the process takes away, its owner reads it.
  await chmod(path, 0o600);
}

function fileName(version: number): string {
  return ownName.replace('.json', `.${version}.json`);
}

function versionOf(name: string): number | undefined {
  const [, digits] = /^weir-authority\.(\d{1,12})\.json$/.exec(name) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function latestVersion(names: readonly string[]): number | undefined {
  const versions = names.map(versionOf).filter((version) => version !== undefined);
  return versions.length === 0 ? undefined : Math.max(...versions);
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
