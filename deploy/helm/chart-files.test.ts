import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../src/observe/metrics.ts';
import { dashboardQueries } from './dashboard.ts';
import { generatedFiles } from './generated.ts';
import { chartFolder } from './helm.ts';

const read = (name: string): string => readFileSync(join(chartFolder, name), 'utf8');

it.each(generatedFiles)('$path is up to date (`npm run chart` writes it)', ({ path, text }) => {
  expect(readFileSync(path, 'utf8')).toBe(text);
});

/** What Prometheus is asked for: words that are neither functions nor labels. */
function metricsIn(query: string): readonly string[] {
  const plain = query
    .replaceAll(/\{[^}]*\}|"[^"]*"|\[[^\]]*\]/g, ' ')
    .replaceAll(/\b(by|on|without|ignoring)\s*\([^)]*\)/g, ' ');
  return [...plain.matchAll(/\b([a-z_][a-z0-9_]*)\b(?!\s*\()/g)].map(([, name]) => name ?? '');
}

/** Of a histogram there are more names than the one under which it is declared. */
const declared = new Set(
  createMetrics({ version: '', uptime: () => 0, processMetrics: true })
    .names()
    .flatMap((name) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]),
);

describe('the dashboard', () => {
  it('asks for metrics that there are, and for one in each query', () => {
    expect(dashboardQueries.filter((query) => metricsIn(query).length === 0)).toEqual([]);
    expect(dashboardQueries.flatMap(metricsIn).filter((name) => !declared.has(name))).toEqual([]);
  });

  it('places its panels side by side', () => {
    const { panels } = JSON.parse(read('dashboards/control-plane.json')) as {
      readonly panels: readonly { readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>> }[];
    };
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...panels.map(({ gridPos }) => gridPos.x + gridPos.w))).toBe(24);
  });
});

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

describe('the alerts', () => {
  const { groups } = parse(read('alerts.yaml')) as {
    readonly groups: readonly { readonly rules: readonly Alert[] }[];
  };
  const alerts = groups.flatMap(({ rules }) => rules);
  /** Of Prometheus itself, and of what tells it the limits of containers. */
  const foreign = ['up', 'kube_pod_container_resource_limits'];

  it('ask for metrics that there are', () => {
    const names = alerts.flatMap(({ expr }) => metricsIn(expr));
    expect(names.filter((name) => !declared.has(name) && !foreign.includes(name))).toEqual([]);
  });

  it('say what is wrong and what to do', () => {
    expect(alerts.filter(({ annotations }) => !annotations.summary || !annotations.description)).toEqual([]);
    expect(new Set(alerts.map(({ labels }) => labels.severity))).toEqual(new Set(['critical', 'warning', 'info']));
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  });

  it('reliability/R29: tell of the end of what signs 30, 7 and 1 days before', () => {
    const ends = alerts.flatMap(
      ({ expr }) => /cert_chain_expiry_seconds\{[^}]*\}\) < (?:(\d+) \* )?86400/.exec(expr) ?? [],
    );
    expect(ends.filter((_, index) => index % 2 === 1)).toEqual(['30', '7', undefined]);
  });

  it('cover pushes, refusals, proxies behind, sources, reflectors, leaders, the event loop and memory', () => {
    const asked = new Set(alerts.flatMap(({ expr }) => metricsIn(expr)));
    for (const name of [
      'weir_push_latency_seconds_bucket',
      'pilot_total_xds_rejects',
      'weir_proxies',
      'weir_source_freshness',
      'weir_kubernetes_reflector_silence_seconds',
      'weir_kubernetes_reflector_expired_total',
      'weir_leader',
      'nodejs_eventloop_lag_p99_seconds',
      'process_resident_memory_bytes',
    ]) {
      expect(asked).toContain(name);
    }
  });

  it('kubernetes/K122: call for help before a certificate of the webhook, of a root or of what signs ends', () => {
    const asked = alerts.flatMap(({ expr, labels }) =>
      metricsIn(expr).flatMap((name) => (name.includes('_expiry_') ? [`${labels.severity} ${name}`] : [])),
    );
    for (const ending of [
      'critical weir_webhook_certificate_expiry_timestamp_seconds',
      'critical citadel_server_cert_chain_expiry_seconds',
      'warning citadel_server_root_cert_expiry_seconds',
    ]) {
      expect(asked).toContain(ending);
    }
  });

  it('reliability/R69: warn of a convergence of more than a second, and call for help beyond two', () => {
    const slow = alerts.filter(({ expr }) => expr.includes('weir_push_latency_seconds'));
    expect(slow.map(({ expr, labels }) => [expr.slice(-3), labels.severity])).toEqual([
      ['> 1', 'warning'],
      ['> 2', 'critical'],
    ]);
  });
});
