import type { Metrics } from '../observe/metrics.ts';
import type { PushLatency, XdsObserver } from '../xds/observer.ts';
import type { ServerLoad } from '../xds/server.ts';

/** Short xDS names, which operators and istiod's dashboards know (istio-compat I154). */
const shortNames: Readonly<Record<string, string>> = {
  cluster: 'cds',
  endpoints: 'eds',
  listener: 'lds',
  routes: 'rds',
  virtualHosts: 'vhds',
  secret: 'sds',
  extension: 'ecds',
  runtime: 'rtds',
};

/** A client may ask for types that Weir does not have: they share one label, since clients must not be able to make series. */
export function typeLabel(type: string): string {
  return shortNames[type] ?? 'other';
}

/** Counts and measures what is sent and what comes back. */
export function deliveryMetrics(metrics: Metrics): XdsObserver {
  // An alert on an increase does not see a series that begins with 1.
  for (const type of Object.values(shortNames)) {
    for (const counter of [metrics.pushes, metrics.rejects, metrics.overdue]) counter.inc({ type }, 0);
  }
  return {
    connected: () => undefined,
    disconnected: () => undefined,
    refused: ({ status, reason }) => metrics.refusedStreams.inc({ status, reason }),
    pushed: ({ type, bytes, resources, removed }) => {
      const label = typeLabel(type);
      metrics.pushes.inc({ type: label });
      metrics.responseSize.observe({ type: label }, bytes);
      metrics.pushedBytes.inc({ type: label }, bytes);
      metrics.pushedResources.inc({ type: label, change: 'sent' }, resources);
      metrics.pushedResources.inc({ type: label, change: 'removed' }, removed);
    },
    acked: ({ type, milliseconds, latencies }) => {
      metrics.ackLatency.observe({ type: typeLabel(type) }, milliseconds / 1000);
      for (const latency of latencies) observeLatency(metrics, typeLabel(type), latency);
    },
    nacked: ({ type }) => metrics.rejects.inc({ type: typeLabel(type) }),
    overdue: (_, type) => metrics.overdue.inc({ type: typeLabel(type) }),
    denied: ({ type, reason }) => metrics.deniedResources.inc({ type: typeLabel(type), reason }),
  };
}

/**
 * Brings the gauges of what is on its way up to date, before each exposition.
 *
 * @param busyShare share of the time since its last call in which the event loop was busy
 */
export function measureLoad(load: () => ServerLoad, busyShare: () => number, metrics: Metrics): void {
  metrics.beforeExposition(() => {
    const { waiting, window, queuedBytes, sharedBytes, unanswered, oldestUnanswered } = load();
    metrics.busyShare.set(busyShare());
    metrics.unansweredResponses.set(unanswered);
    metrics.oldestUnanswered.set(oldestUnanswered / 1000);
    metrics.waitingStreams.set(waiting);
    metrics.pushWindow.set(window / 1000);
    metrics.queuedBytes.set(queuedBytes);
    metrics.sharedResponseBytes.set(sharedBytes);
  });
}

function observeLatency(metrics: Metrics, type: string, { source, stages, total }: PushLatency): void {
  const observe = (stage: string, milliseconds: number): void => {
    metrics.pushLatency.observe({ stage, source, type }, milliseconds / 1000);
  };
  observe('commit', stages.commit);
  observe('send', stages.send);
  observe('ack', stages.ack);
  observe('total', total);
  metrics.convergenceTime.observe((stages.commit + stages.send) / 1000);
}
