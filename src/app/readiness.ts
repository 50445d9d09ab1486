import type { Readiness } from '../admin/status-report.ts';
import type { Engine } from '../incremental/engine.ts';
import { sources } from '../model/tables.ts';

/** Ready is whoever has read every source once: before, an empty view would look like an empty mesh (istio-compat I240). */
export function readinessOf(engine: Engine, sourceNames: readonly string[]): Readiness {
  const reasons = sourceNames.flatMap((name) => {
    const source = engine.read(sources, name);
    if (source !== undefined && source.freshness !== 'unknown') return [];
    const why = source?.reason === undefined ? '' : ` (${source.reason})`;
    return [`source ${name} has not been read yet${why}`];
  });
  return { ready: reasons.length === 0, reasons };
}

/** Settles when the sources are ready, or when the signal is aborted. */
export function untilReady(engine: Engine, sourceNames: readonly string[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const isSettled = (): boolean => signal.aborted || readinessOf(engine, sourceNames).ready;
    if (isSettled()) return resolve();
    const settle = (): void => {
      if (!isSettled()) return;
      stop();
      signal.removeEventListener('abort', settle);
      resolve();
    };
    const stop = engine.onCommit(settle);
    signal.addEventListener('abort', settle);
  });
}
