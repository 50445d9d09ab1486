import { Counter, Gauge, type Registry } from 'prom-client';

const labels = ['cluster', 'kind', 'namespace'] as const;

/** How it goes with each kind that is followed on an API server (kubernetes K24). The label `namespace` is empty for all namespaces. */
export function reflectorMetrics(registry: Registry) {
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `weir_kubernetes_reflector_${name}`, help, labelNames: labels, registers: [registry] });
  const counter = (name: string, help: string) =>
    new Counter({ name: `weir_kubernetes_reflector_${name}_total`, help, labelNames: labels, registers: [registry] });
  return {
    reflectorObjects: gauge('objects', 'Objects that are kept.'),
    reflectorUndelivered: gauge('undelivered', 'Changes that were heard and are not in force yet.'),
    reflectorSilence: gauge('silence_seconds', 'Time since the last event, bookmark or list.'),
    reflectorVersion: gauge('resource_version', 'The last resource version that was seen, where it is a number.'),
    reflectorLists: counter('lists', 'Complete sets that were received.'),
    reflectorWatches: counter('watches', 'Watches that were accepted.'),
    reflectorShortWatches: counter('short_watches', 'Watches that ended within a second.'),
    reflectorStalls: counter('stalls', 'Watches that were left because nothing came.'),
    reflectorExpired: counter('expired', 'Times that the server did not know the version to go on from (410).'),
    reflectorFailures: counter('failures', 'Lists and watches that failed.'),
    reflectorParseErrors: counter('parse_errors', 'Lines and answers that could not be understood.'),
    reflectorHandlerErrors: counter('handler_errors', 'Changes that a bug kept from being taken.'),
    reflectorTrimErrors: counter('trim_errors', 'Objects that a bug kept from being read.'),
    reflectorBytes: counter('received_bytes', 'Bytes of watches.'),
    reflectorParseSeconds: counter('parse_seconds', 'Time spent in parsing and reading objects.'),
    reflectorDrift: counter('drift', 'Objects that differed from the server without an event having said so.'),
  };
}
