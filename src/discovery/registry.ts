import type { Engine } from '../incremental/engine.ts';
import type { ConfigObject } from '../model/config-object.ts';
import type { Violation } from '../model/provenance.ts';
import type { Log } from '../observe/log.ts';

/**
 * A registry of services or a source of configuration: the outside world, turned into rows.
 *
 * It owns the rows that it writes and nobody else writes them. It keeps one row of `sources` (unknown until its first synchronisation is
 * complete, then synced, or stale when it has lost its origin) and a row of `sourceProblems` for everything that could not become an
 * object. What cannot be read changes nothing: the last good rows stay.
 */
export interface Registry {
  /** Unique among the registries of a process; the `source` of origins, causes and rows. */
  readonly name: string;
  /**
   * Follows the registry until the signal is aborted, and settles when everything it started has stopped.
   *
   * @throws a typed error when it cannot even begin
   */
  run(signal: AbortSignal): Promise<void>;
}

/** What every registry is given. */
export interface RegistryContext {
  readonly engine: Pick<Engine, 'batch'>;
  readonly admit: Admit;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Says what is wrong with a configuration object before it becomes a row. With an error among the violations it must not become one;
 * warnings are the business of the findings, not of the source.
 */
export type Admit = (object: ConfigObject) => readonly Violation[];

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds since some moment, never going back: for causes and durations. */
  monotonic(): number;
}
