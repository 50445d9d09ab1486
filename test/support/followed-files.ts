import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { FileSource, type FileSourceOptions } from '../../src/discovery/file/file-source.ts';
import type { Commit } from '../../src/incremental/commit.ts';
import { Engine } from '../../src/incremental/engine.ts';
import type { ConfigObject } from '../../src/model/config-object.ts';
import type { Violation } from '../../src/model/provenance.ts';
import type { ProblemPlace, Source, SourceProblem } from '../../src/model/source.ts';
import {
  configs,
  endpointShards,
  namespaces,
  nodes,
  services,
  sourceProblems,
  sources,
  workloads,
} from '../../src/model/tables.ts';
import { silentLog } from '../../src/observe/log.ts';

/** What is wrong with a document, its place among the fields. */
type DocumentProblem = Omit<SourceProblem, 'place'> & Extract<ProblemPlace, { kind: 'document' }>;

/** A directory of files, a source that reads or follows it, and an engine that holds the rows. */
export class FollowedFiles {
  readonly directory: string;
  readonly engine = new Engine();
  readonly source: FileSource;
  /** All commits, the first one first. */
  readonly commits: Commit[] = [];
  readonly #abort = new AbortController();
  readonly #waiting = new Set<() => void>();
  #running: Promise<void> | undefined;

  constructor(options: Partial<FileSourceOptions> = {}, directory = mkdtempSync(join(tmpdir(), 'weir-files-'))) {
    this.directory = directory;
    this.engine.onCommit((commit) => {
      this.commits.push(commit);
      for (const look of this.#waiting) look();
    });
    this.source = new FileSource({
      directories: [directory],
      domain: 'cluster.local',
      engine: this.engine,
      admit: refuseNegativeWeights,
      clock: { now: () => Date.now(), monotonic: () => performance.now() },
      log: silentLog,
      settleMs: 20,
      ...options,
    });
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  write(name: string, text: string | Buffer): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  rename(from: string, to: string): void {
    renameSync(this.path(from), this.path(to));
  }

  remove(name: string): void {
    rmSync(this.path(name), { recursive: true });
  }

  /** Settles when the first load is in the tables. */
  async follow(): Promise<void> {
    this.#running = this.source.run(this.#abort.signal);
    await Promise.race([this.#running, this.until(() => this.sourceRow?.freshness === 'synced')]);
  }

  /** Waits for the commit after which the condition holds. */
  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (condition()) resolve();
    };
    this.#waiting.add(look);
    await promise;
    this.#waiting.delete(look);
  }

  /** Settles when nothing is followed any more. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  /** Stops following and deletes the directory. */
  async close(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  get sourceRow(): Source | undefined {
    return [...this.engine.rows(sources)][0];
  }

  /** In the order of files and lines. */
  get problems(): readonly DocumentProblem[] {
    return [...this.engine.rows(sourceProblems)]
      .flatMap(({ place, ...problem }) => (place.kind === 'document' ? [{ ...problem, ...place }] : []))
      .toSorted((a, b) => compareText(a.file, b.file) || a.line - b.line);
  }

  /** What is wrong, as `file:line code path`. */
  get problemPlaces(): readonly string[] {
    return this.problems.map(({ file, line, code, path }) => {
      const name = file.slice(this.directory.length + 1);
      return `${name}:${line} ${code}${path === '' ? '' : ` ${path}`}`;
    });
  }

  config(name: string): ConfigObject | undefined {
    return [...this.engine.rows(configs)].find((row) => row.name === name);
  }

  /** Names of all objects in force, sorted. */
  get names(): readonly string[] {
    return [
      ...[...this.engine.rows(services)].map(({ name }) => `service ${name}`),
      ...[...this.engine.rows(endpointShards)].map(({ declaredBy }) => `shard ${declaredBy.name}`),
      ...[...this.engine.rows(workloads)].map(({ name }) => `workload ${name}`),
      ...[...this.engine.rows(nodes)].map(({ name }) => `node ${name}`),
      ...[...this.engine.rows(namespaces)].map(({ name }) => `namespace ${name}`),
      ...[...this.engine.rows(configs)].map(({ kind, name }) => `${kind.slice(kind.indexOf('/') + 1)} ${name}`),
    ].toSorted();
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Stands for the dialects: an object with a `spec.weight` below zero is invalid. */
function refuseNegativeWeights({ spec }: ConfigObject): readonly Violation[] {
  const weight = typeof spec === 'object' && spec !== null && 'weight' in spec ? spec.weight : 0;
  if (typeof weight !== 'number' || weight >= 0) return [];
  const advice = 'write zero or more';
  return [{ severity: 'error', code: 'WEIR1105', path: 'spec.weight', message: 'the weight is negative', advice }];
}

/** A Service in the namespace `default`. */
export function serviceDocument(name: string, port = 80): string {
  return `apiVersion: v1
kind: Service
metadata:
  name: ${name}
spec:
  ports:
  - name: http
    port: ${port}
`;
}

/** A VirtualService in the namespace `default`. */
export function routeDocument(name: string, weight: number): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: ${name}
spec:
  hosts: [${name}]
  weight: ${weight}
`;
}

/** A file of several documents. */
export function documents(...texts: readonly string[]): string {
  return texts.join('---\n');
}
