import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';

function someMetrics() {
  return createMetrics({ version: '1.2.3', uptime: () => 42, processMetrics: true });
}

describe('docs/metrics.md', () => {
  const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const documented = new Set([...page.matchAll(/^\| `([a-z0-9_]+)/gm)].map(([, name]) => name));

  it('explains every metric', () => {
    expect(
      someMetrics()
        .names()
        .filter((name) => !documented.has(name)),
    ).toEqual([]);
  });

  it('explains no metric that does not exist', () => {
    const names = new Set(someMetrics().names());
    expect([...documented].filter((name) => name !== undefined && !names.has(name))).toEqual([]);
  });
});

it('shares nothing between two of them', async () => {
  const [one, other] = [someMetrics(), someMetrics()];
  one.pushes.inc({ type: 'cds' });
  expect(await one.expose()).toContain('pilot_xds_pushes{type="cds"} 1');
  expect(await other.expose()).not.toContain('pilot_xds_pushes{type="cds"}');
});

it('brings gauges up to date for each exposition', async () => {
  const metrics = someMetrics();
  let services = 3;
  metrics.beforeExposition(() => metrics.services.set(services));
  expect(await metrics.expose()).toContain('pilot_services 3');
  services = 4;
  expect(await metrics.expose()).toContain('pilot_services 4');
});

it('istio-compat/I167: says its version and how long it has been up', async () => {
  const text = await someMetrics().expose();
  expect(text).toContain('pilot_info{version="1.2.3"} 1');
  expect(text).toContain('istio_build{component="pilot",tag="1.2.3"} 1');
  expect(text).toContain('istiod_uptime_seconds 42');
});

it('reliability/O14: says nothing of the end of an authority that is not there', async () => {
  const metrics = someMetrics();
  expect(await metrics.expose()).not.toMatch(/^citadel_server_(root_cert|cert_chain)_expiry/m);
  metrics.rootTimeLeft.set(7);
  expect(await metrics.expose()).toContain('citadel_server_root_cert_expiry_seconds 7');
});

it('istio-compat/I150: keeps all of istiod’s boundaries of the convergence time', async () => {
  const metrics = someMetrics();
  metrics.convergenceTime.observe(0.004);
  const text = await metrics.expose();
  for (const le of ['0.1', '0.5', '1', '3', '5', '10', '20', '30']) {
    expect(text).toContain(`pilot_proxy_convergence_time_bucket{le="${le}"} 1`);
  }
});

it('istio-compat/I158: has istiod’s boundaries of response sizes', async () => {
  const metrics = someMetrics();
  metrics.responseSize.observe({ type: 'cds' }, 5);
  const text = await metrics.expose();
  for (const le of ['1', '10000', '1000000', '4000000', '10000000', '40000000']) {
    expect(text).toContain(`pilot_xds_config_size_bytes_bucket{le="${le}",type="cds"}`);
  }
});

it('tells latencies from a millisecond to a minute apart', async () => {
  const metrics = someMetrics();
  metrics.pushLatency.observe({ stage: 'total', source: 'files', type: 'eds' }, 0.0009);
  const text = await metrics.expose();
  for (const le of ['0.001', '0.005', '0.015', '60']) {
    expect(text).toContain(`weir_push_latency_seconds_bucket{le="${le}",stage="total",source="files",type="eds"} 1`);
  }
});
