import { Counter, Gauge, type Registry } from 'prom-client';

const labelNames = ['source', 'namespace'] as const;

/** How it goes with each namespace of a Nacos that is followed. */
export function nacosMetrics(registry: Registry) {
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `weir_nacos_${name}`, help, labelNames, registers: [registry] });
  const counter = (name: string, help: string) =>
    new Counter({ name: `weir_nacos_${name}_total`, help, labelNames, registers: [registry] });
  return {
    nacosServices: gauge('services', 'Services that are subscribed.'),
    nacosSkippedServices: gauge(
      'skipped_services',
      'Services that are registrations of single Dubbo interfaces, and left alone.',
    ),
    nacosConnections: counter('connections', 'Connections that were set up.'),
    nacosPushes: counter('pushes', 'Descriptions of a service that Nacos sent by itself.'),
    nacosUnchanged: counter('unchanged', 'Descriptions of a service that said nothing new.'),
    nacosRepaired: counter('repaired', 'Services that an audit found different, without Nacos having said so.'),
    nacosFailures: counter('failures', 'Descriptions of a service that could not be had.'),
  };
}
