import type { ReflectorMetrics } from '../discovery/kubernetes/reflector/metrics.ts';
import type { Metrics } from '../observe/metrics.ts';

/** A kind that is followed now. */
export interface MeasuredReflector {
  readonly cluster: string;
  readonly kind: string;
  /** undefined: all. */
  readonly namespace: string | undefined;
  metrics(): ReflectorMetrics;
}

/** Brings the metrics of reflectors up to date, before each exposition. */
export function measureReflectors(reflectors: Iterable<MeasuredReflector>, metrics: Metrics): void {
  metrics.beforeExposition(() => {
    for (const { reset } of instrumentsOf(metrics)) reset();
    for (const reflector of reflectors) {
      const { cluster, kind, namespace = '' } = reflector;
      const values = reflector.metrics();
      for (const { set } of instrumentsOf(metrics)) set({ cluster, kind, namespace }, values);
    }
  });
}

interface Instrument {
  readonly reset: () => void;
  readonly set: (labels: Record<'cluster' | 'kind' | 'namespace', string>, values: ReflectorMetrics) => void;
}

function instrumentsOf(metrics: Metrics): readonly Instrument[] {
  const gauge = (
    instrument: Metrics['reflectorObjects'],
    read: (values: ReflectorMetrics) => number | undefined,
  ): Instrument => ({
    reset: () => instrument.reset(),
    set: (labels, values) => {
      const value = read(values);
      if (value !== undefined) instrument.set(labels, value);
    },
  });
  const counter = (instrument: Metrics['reflectorLists'], read: (values: ReflectorMetrics) => number): Instrument => ({
    reset: () => instrument.reset(),
    set: (labels, values) => instrument.inc(labels, read(values)),
  });
  return [
    gauge(metrics.reflectorObjects, ({ objects }) => objects),
    gauge(metrics.reflectorUndelivered, ({ undelivered }) => undelivered),
    gauge(metrics.reflectorSilence, ({ silenceMs }) => (silenceMs === undefined ? undefined : silenceMs / 1000)),
    gauge(metrics.reflectorVersion, ({ resourceVersion }) => numberOf(resourceVersion)),
    counter(metrics.reflectorLists, ({ lists }) => lists),
    counter(metrics.reflectorWatches, ({ watches }) => watches),
    counter(metrics.reflectorShortWatches, ({ shortWatches }) => shortWatches),
    counter(metrics.reflectorStalls, ({ stalls }) => stalls),
    counter(metrics.reflectorExpired, ({ expired }) => expired),
    counter(metrics.reflectorFailures, ({ failures }) => failures),
    counter(metrics.reflectorParseErrors, ({ parseErrors }) => parseErrors),
    counter(metrics.reflectorHandlerErrors, ({ handlerErrors }) => handlerErrors),
    counter(metrics.reflectorTrimErrors, ({ trimErrors }) => trimErrors),
    counter(metrics.reflectorBytes, ({ bytes }) => bytes),
    counter(metrics.reflectorParseSeconds, ({ parseMs }) => parseMs / 1000),
    counter(metrics.reflectorDrift, ({ drift }) => drift),
  ];
}

/** Versions are opaque; those of etcd are numbers, and that they stand still is good to see. */
function numberOf(resourceVersion: string | undefined): number | undefined {
  return resourceVersion !== undefined && /^\d{1,15}$/.test(resourceVersion) ? Number(resourceVersion) : undefined;
}
