import { describe, expect, it } from 'vitest';
import type { Difference } from '../incremental/audit.ts';
import { createLog } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import { auditNowAndThen, type AuditOptions } from './audit.ts';

/** Runs audits of an engine that finds the given, until the second one is over, which finds nothing. */
async function auditing(found: readonly (Difference | undefined)[], interval: number | undefined = 1) {
  const stop = new AbortController();
  const lines: string[] = [];
  const metrics = createMetrics({ version: 'test', uptime: () => 0, processMetrics: false });
  let audits = 0;
  // Each piece takes three milliseconds of this clock.
  let time = 0;
  const options: AuditOptions = {
    engine: {
      *audit() {
        for (const difference of ++audits === 1 ? found : []) {
          time += 3;
          yield difference;
        }
        if (audits === 2) stop.abort();
      },
    },
    interval,
    log: createLog({ level: 'info', format: 'text', colours: false, now: () => 0, write: (text) => lines.push(text) }),
    metrics,
    clock: { monotonic: () => time },
  };
  await auditNowAndThen(options, stop.signal);
  return { lines, text: await metrics.expose() };
}

describe('hot-path/H408 audits', () => {
  it('count themselves and say what they found', async () => {
    const difference = { kind: 'result', name: 'cluster', key: 'outbound|80||web' } as const;
    const { lines, text } = await auditing([undefined, undefined, difference, undefined]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('outbound|80||web');
    expect(text).toContain('weir_audits_total 2');
    expect(text).toContain('weir_audit_differences_total{name="cluster"} 1');
  });

  it('are silent about what is right', async () => {
    const { lines, text } = await auditing([undefined, undefined]);
    expect(lines).toEqual([]);
    expect(text).toContain('weir_audits_total 2');
  });

  it('are not made where they are off', async () => {
    const metrics = createMetrics({ version: 'test', uptime: () => 0, processMetrics: false });
    const log = createLog({ level: 'info', format: 'text', colours: false, now: () => 0, write: () => undefined });
    const engine = {
      audit: () => {
        throw new Error('nobody asked for an audit');
      },
    };
    await auditNowAndThen(
      { engine, interval: undefined, log, metrics, clock: { monotonic: () => 0 } },
      AbortSignal.abort(),
    );
    expect(await metrics.expose()).toContain('weir_audits_total 0');
  });
});
