import { conditionsOf } from '../admin/object-status.ts';
import type { StatusSubjects } from '../discovery/kubernetes/status/status-writer.ts';
import type { RowChange, Watch } from '../incremental/commit.ts';
import type { Engine } from '../incremental/engine.ts';
import { keyOfConfig } from '../model/config-object.ts';
import { configKey, type ConfigKey } from '../model/keys.ts';
import type { SourceProblem } from '../model/source.ts';
import { configs, sourceProblems } from '../model/tables.ts';
import { objectConditions } from '../policy/status.ts';
import type { XdsServer } from '../xds/server.ts';
import type { NackedObjects } from './nacked-objects.ts';

export interface StatusSubjectsOptions {
  /** Name of the source. */
  readonly source: string;
  readonly engine: Engine;
  readonly xds: Pick<XdsServer, 'programming'>;
  /** A moment of the server's clock -> milliseconds since 1970. */
  readonly wallTimeAt: (at: number) => number;
  readonly nacked: Pick<NackedObjects, 'follow'>;
}

/** The objects of one source, and what became of them. */
export function statusSubjects({ source, engine, xds, wallTimeAt, nacked }: StatusSubjectsOptions): StatusSubjects {
  const sources = { read: engine.read, xds, wallTimeAt };
  return {
    keys: () => keysOf(source, engine),
    conditionsOf: (key) => conditionsOf(key, sources),
    follow: (changed) => {
      const ends = [followed(source, engine, changed), nacked.follow(changed)];
      return () => ends.forEach((end) => end());
    },
  };
}

/** Those that are in force, and those that are refused. */
function keysOf(source: string, engine: Engine): ReadonlySet<ConfigKey> {
  const keys = new Set<ConfigKey>();
  for (const object of engine.rows(configs)) if (object.origin.source === source) keys.add(keyOfConfig(object));
  for (const problem of engine.rows(sourceProblems)) {
    const key = refusedObject(problem, source);
    if (key !== undefined) keys.add(key);
  }
  return keys;
}

function refusedObject(problem: SourceProblem | undefined, source: string): ConfigKey | undefined {
  if (problem?.source !== source || problem.place.kind !== 'object') return undefined;
  const { kind, namespace, name } = problem.place.object;
  return configKey(kind, namespace, name);
}

/** Watches the conditions of each object for as long as there are any. */
function followed(source: string, engine: Engine, changed: (key: ConfigKey) => void): () => void {
  const watches = new Map<ConfigKey, Watch<unknown>>();
  const adopt = (key: ConfigKey): void => {
    if (watches.has(key)) return;
    const watch = engine.watch(objectConditions, key, (conditions) => {
      if (conditions.length === 0) {
        watch.stop();
        watches.delete(key);
      }
      changed(key);
    });
    watches.set(key, watch);
    changed(key);
  };
  const stop = engine.onCommit(({ changedRows }) => {
    for (const change of changedRows) {
      const key = change.kind === 'added' ? objectOf(change, source, engine) : undefined;
      if (key !== undefined) adopt(key);
    }
  });
  for (const key of keysOf(source, engine)) adopt(key);
  return () => {
    stop();
    for (const watch of watches.values()) watch.stop();
  };
}

function objectOf({ table, key }: RowChange, source: string, engine: Engine): ConfigKey | undefined {
  if (table === sourceProblems.name) return refusedObject(engine.read(sourceProblems, key), source);
  if (table !== configs.name) return undefined;
  const object = engine.read(configs, key as ConfigKey);
  return object?.origin.source === source ? keyOfConfig(object) : undefined;
}
