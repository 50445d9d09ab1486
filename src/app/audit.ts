import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../discovery/registry.ts';
import type { Engine } from '../incremental/engine.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';

/** Milliseconds of work in a row, and between two of them: a tenth of a core while an audit runs (hot-path H408). */
const sliceMs = 5;
const pauseMs = 45;

export interface AuditOptions {
  readonly engine: Pick<Engine, 'audit'>;
  /** Milliseconds from the end of one audit to the next; undefined: none. */
  readonly interval: number | undefined;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'audits' | 'auditSeconds' | 'auditDifferences'>;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** Computes now and then everything again that increments have made, in small slices, and reports what was wrong. */
export async function auditNowAndThen(options: AuditOptions, signal: AbortSignal): Promise<void> {
  const { interval } = options;
  if (interval === undefined) return;
  while (await pause(interval, signal)) await auditOnce(options, signal);
}

async function auditOnce({ engine, log, metrics, clock }: AuditOptions, signal: AbortSignal): Promise<void> {
  const now = (): number => clock.monotonic();
  const begun = now();
  let sliceEnd = begun + sliceMs;
  for (const difference of engine.audit(now)) {
    if (difference !== undefined) {
      metrics.auditDifferences.inc({ name: difference.name });
      log.error('what was computed step by step is not what its rows give: a bug; it has been put right', {
        ...difference,
      });
    }
    if (now() < sliceEnd) continue;
    if (!(await pause(pauseMs, signal))) return;
    sliceEnd = now() + sliceMs;
  }
  metrics.audits.inc();
  metrics.auditSeconds.set((now() - begun) / 1000);
}

/** Gives false when the signal has been aborted. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(milliseconds, undefined, { signal, ref: false });
  } catch {
    // The only reason is the signal.
  }
  return !signal.aborted;
}
