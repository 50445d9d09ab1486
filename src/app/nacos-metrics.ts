import type { NacosSource } from '../discovery/nacos/nacos-source.ts';
import type { Metrics } from '../observe/metrics.ts';

/** Brings the metrics of a Nacos up to date, before each exposition. */
export function measureNacos(nacos: Pick<NacosSource, 'name' | 'metrics'>, metrics: Metrics): void {
  const counters = {
    connections: metrics.nacosConnections,
    pushes: metrics.nacosPushes,
    unchanged: metrics.nacosUnchanged,
    repaired: metrics.nacosRepaired,
    failures: metrics.nacosFailures,
  };
  metrics.beforeExposition(() => {
    for (const counter of Object.values(counters)) counter.reset();
    for (const { namespace, services, skipped, ...counts } of nacos.metrics()) {
      const labels = { source: nacos.name, namespace };
      metrics.nacosServices.set(labels, services);
      metrics.nacosSkippedServices.set(labels, skipped);
      for (const [name, counter] of Object.entries(counters)) counter.inc(labels, counts[name as keyof typeof counts]);
    }
  });
}
