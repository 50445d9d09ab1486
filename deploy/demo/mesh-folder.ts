import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

/** The folder of YAML that is the mesh: a copy of `mesh/` in which every pod has a port that is free on this machine. */

const original = fileURLToPath(new URL('mesh', import.meta.url));

/** A pod, as its file describes it. */
export interface Pod {
  readonly name: string;
  readonly namespace: string;
  readonly app: string;
  readonly version: string;
  /** Service account. */
  readonly account: string;
  readonly address: string;
  readonly port: number;
  readonly file: string;
}

interface PodDocument {
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly serviceAccountName: string;
    readonly containers: readonly [{ readonly ports: readonly [{ readonly containerPort: number }] }];
  };
  readonly status: { readonly podIP: string };
}

export class MeshFolder {
  /** What `weir serve --files` is given. */
  readonly path: string;
  readonly #scratch: string;

  private constructor(path: string, scratch: string) {
    this.path = path;
    this.#scratch = scratch;
  }

  /** @param adapt makes of the text of each file what is copied */
  static async copyTo(path: string, adapt: (text: string) => string = (text) => text): Promise<MeshFolder> {
    await cp(original, path, { recursive: true });
    const scratch = `${path}-unsaved`;
    await mkdir(scratch);
    const folder = new MeshFolder(path, scratch);
    for (const file of await folder.files()) await writeFile(folder.pathOf(file), adapt(await folder.read(file)));
    return folder;
  }

  /** The pods that the files describe. */
  async pods(): Promise<readonly Pod[]> {
    const pods: Pod[] = [];
    for (const file of await this.files()) {
      for (const document of parseAllDocuments(await this.read(file))) {
        const object = document.toJS() as PodDocument;
        if (object.kind === 'Pod') pods.push(podOf(object, file));
      }
    }
    return pods;
  }

  async files(): Promise<readonly string[]> {
    return (await readdir(this.path)).sort();
  }

  pathOf(file: string): string {
    return join(this.path, file);
  }

  read(file: string): Promise<string> {
    return readFile(this.pathOf(file), 'utf8');
  }

  /** Changes a file as an editor saves it: written elsewhere, then put in place. Gives its text before and after. */
  async edit(
    file: string,
    change: (text: string) => string,
  ): Promise<{ readonly before: string; readonly after: string }> {
    const before = await this.read(file);
    const after = change(before);
    if (after === before) throw new Error(`nothing to change in ${file}: is it still what the story expects?`);
    const unsaved = join(this.#scratch, file);
    await writeFile(unsaved, after);
    await rename(unsaved, this.pathOf(file));
    return { before, after };
  }

  /** Adds a file. */
  async add(file: string, text: string): Promise<void> {
    const unsaved = join(this.#scratch, file);
    await writeFile(unsaved, text);
    await rename(unsaved, this.pathOf(file));
  }

  async remove(file: string): Promise<void> {
    await rm(this.pathOf(file));
  }
}

function podOf({ metadata, spec, status }: PodDocument, file: string): Pod {
  const { name, namespace, labels } = metadata;
  const port = spec.containers[0].ports[0].containerPort;
  return {
    name,
    namespace,
    app: labels['app'] ?? name,
    version: labels['version'] ?? '',
    account: spec.serviceAccountName,
    address: status.podIP,
    port,
    file,
  };
}

/** The lines that differ, `-` before and `+` after. Changes that are less than three lines apart are shown as one. */
export function changedLines(before: string, after: string): readonly string[] {
  const [old, fresh] = [before.split('\n'), after.split('\n')];
  const lines: string[] = [];
  let [removed, added, same]: [string[], string[], string[]] = [[], [], []];
  const flush = (): void => {
    lines.push(...removed.map((line) => `- ${line}`), ...added.map((line) => `+ ${line}`));
    [removed, added, same] = [[], [], []];
  };
  const join = (): void => {
    if (removed.length + added.length > 0)
      [removed, added] = [
        [...removed, ...same],
        [...added, ...same],
      ];
    same = [];
  };
  for (const [oldLine, freshLine] of alignment(old, fresh)) {
    if (oldLine !== undefined && freshLine !== undefined) {
      if (same.push(oldLine) > 2) flush();
      continue;
    }
    join();
    if (oldLine !== undefined) removed.push(oldLine);
    if (freshLine !== undefined) added.push(freshLine);
  }
  flush();
  return lines;
}

/** Pairs the lines of a longest common part; a line without partner stands alone. */
function* alignment(
  old: readonly string[],
  fresh: readonly string[],
): Generator<readonly [oldLine: string | undefined, freshLine: string | undefined]> {
  // common[i][j]: length of the longest common part of old from i and fresh from j.
  const common = Array.from({ length: old.length + 1 }, () => new Array<number>(fresh.length + 1).fill(0));
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0;
  for (let i = old.length - 1; i >= 0; i--) {
    const row = common[i] ?? [];
    for (let j = fresh.length - 1; j >= 0; j--) {
      row[j] = old[i] === fresh[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  for (let [i, j] = [0, 0]; i < old.length || j < fresh.length;) {
    if (i < old.length && j < fresh.length && old[i] === fresh[j]) yield [old[i++], fresh[j++]];
    else if (i < old.length && at(i + 1, j) >= at(i, j + 1)) yield [old[i++], undefined];
    else yield [undefined, fresh[j++]];
  }
}
