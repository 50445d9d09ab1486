import { describe, expect, it } from 'vitest';
import { proxyKey } from '../model/keys.ts';
import { createMetrics } from '../observe/metrics.ts';
import type { StreamFacts } from '../xds/observer.ts';
import { deliveryMetrics, measureLoad } from './delivery-metrics.ts';

const stream: StreamFacts = { proxy: proxyKey('web-1#1'), nodeId: 'web-1', address: '127.0.0.1:1', wire: 'delta' };

function aWorld() {
  const metrics = createMetrics({ version: '1.2.3', uptime: () => 0, processMetrics: false });
  return { observer: deliveryMetrics(metrics), expose: () => metrics.expose() };
}

it('istio-compat/I154, I158: counts and weighs responses by the short name of their type', async () => {
  const { observer, expose } = aWorld();
  observer.pushed({ stream, type: 'endpoints', nonce: '1', resources: 3, removed: 1, bytes: 500, changes: 1 });
  const text = await expose();
  expect(text).toContain('pilot_xds_pushes{type="eds"} 1');
  expect(text).toContain('pilot_xds_config_size_bytes_sum{type="eds"} 500');
  expect(text).toContain('weir_pushed_bytes_total{type="eds"} 500');
  expect(text).toContain('weir_pushed_resources_total{type="eds",change="sent"} 3');
  expect(text).toContain('weir_pushed_resources_total{type="eds",change="removed"} 1');
});

describe('latency', () => {
  const latencies = [{ source: 'files', stages: { commit: 1, send: 2, ack: 4 }, total: 7 }];

  it('is measured from the source’s event to the ACK, stage by stage, in seconds', async () => {
    const { observer, expose } = aWorld();
    observer.acked({ stream, type: 'routes', nonce: '1', milliseconds: 4, latencies });
    const text = await expose();
    for (const [stage, seconds] of Object.entries({ commit: 0.001, send: 0.002, ack: 0.004, total: 0.007 })) {
      expect(text).toContain(`weir_push_latency_seconds_sum{stage="${stage}",source="files",type="rds"} ${seconds}`);
    }
    expect(text).toContain('weir_ack_seconds_sum{type="rds"} 0.004');
  });

  it('istio-compat/I150: of convergence ends when the response is sent', async () => {
    const { observer, expose } = aWorld();
    observer.acked({ stream, type: 'routes', nonce: '1', milliseconds: 4, latencies });
    expect(await expose()).toContain('pilot_proxy_convergence_time_sum 0.003');
  });

  it('is not made up for answers to requests, which carry no change', async () => {
    const { observer, expose } = aWorld();
    observer.acked({ stream, type: 'cluster', nonce: '1', milliseconds: 4, latencies: [] });
    const text = await expose();
    expect(text).not.toContain('weir_push_latency_seconds_sum');
    expect(text).toContain('weir_ack_seconds_count{type="cds"} 1');
  });
});

it('istio-compat/I159: counts NACKs', async () => {
  const { observer, expose } = aWorld();
  observer.nacked({ stream, type: 'listener', nonce: '1', message: 'no', names: [], objects: [] });
  expect(await expose()).toContain('pilot_total_xds_rejects{type="lds"} 1');
});

it('shows counters that alerts watch from the start', async () => {
  const { expose } = aWorld();
  expect(await expose()).toContain('pilot_total_xds_rejects{type="rds"} 0');
});

it('lets no client make series of its own', async () => {
  const { observer, expose } = aWorld();
  observer.overdue(stream, 'type.googleapis.com/made.up', '1');
  expect(await expose()).toContain('weir_overdue_responses_total{type="other"} 1');
});

it('hot-path/H617 shows what is on its way', async () => {
  const metrics = createMetrics({ version: '1.2.3', uptime: () => 0, processMetrics: false });
  const load = { waiting: 3, window: 20, queuedBytes: 4096, sharedBytes: 512, unanswered: 2, oldestUnanswered: 1500 };
  measureLoad(
    () => load,
    () => 0.25,
    metrics,
  );
  const text = await metrics.expose();
  expect(text).toContain('weir_waiting_streams 3');
  expect(text).toContain('weir_push_window_seconds 0.02');
  expect(text).toContain('weir_queued_bytes 4096');
  expect(text).toContain('weir_shared_response_bytes 512');
  expect(text).toContain('weir_unanswered_responses 2');
  expect(text).toContain('weir_oldest_unanswered_seconds 1.5');
  expect(text).toContain('weir_event_loop_busy_ratio 0.25');
});
