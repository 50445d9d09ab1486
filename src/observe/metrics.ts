import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { certificateMetrics } from './certificate-metrics.ts';
import { keySetMetrics } from './key-set-metrics.ts';
import { kubernetesWriterMetrics } from './kubernetes-writer-metrics.ts';
import { nacosMetrics } from './nacos-metrics.ts';
import { reflectorMetrics } from './reflector-metrics.ts';
import { removalBudgetMetrics } from './removal-budget-metrics.ts';

/**
 * Every metric that Weir exposes, declared in this folder and nowhere else; `docs/metrics.md` explains each, and a test compares the two.
 * `pilot_…`, `istio_…` and `istiod_…` are istiod's names with istiod's meaning (istio-compat section 13), so that dashboards and
 * alerts work; `weir_…` are Weir's own. The label `type` is the type's short xDS name (`cds`, `eds`, `lds`, `rds`, `sds`, `ecds`, `rtds`).
 */

/** Seconds. A change that reaches an Envoy in 4 ms and one that takes a minute are both visible. */
const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;
/** istiod's, and smaller ones below (istio-compat I150). */
const convergenceBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3, 5, 10, 20, 30] as const;
const sizeBuckets = [1, 10_000, 1_000_000, 4_000_000, 10_000_000, 40_000_000] as const;

export interface MetricsOptions {
  /** Of Weir. */
  readonly version: string;
  /** Seconds for which the process has been up. */
  readonly uptime: () => number;
  /** Whether metrics of the process and of Node.js are among them. */
  readonly processMetrics: boolean;
}

export type Metrics = ReturnType<typeof createMetrics>;

/** Makes a registry of its own with all metrics in it. */
export function createMetrics({ version, uptime, processMetrics }: MetricsOptions) {
  const registry = new Registry();
  const refreshers: (() => void)[] = [];
  if (processMetrics) collectDefaultMetrics({ register: registry });

  const instruments = {
    ...latencyMetrics(registry),
    ...pushMetrics(registry),
    ...answerMetrics(registry),
    ...connectionMetrics(registry),
    ...sourceMetrics(registry),
    ...loadMetrics(registry),
    ...meshMetrics(registry),
    ...engineMetrics(registry),
    ...reflectorMetrics(registry),
    ...nacosMetrics(registry),
    ...kubernetesWriterMetrics(registry),
    ...certificateMetrics(registry),
    ...keySetMetrics(registry),
    ...removalBudgetMetrics(registry),
  };
  buildMetrics(registry, version, uptime);

  return {
    ...instruments,
    /** Calls back before every exposition: for gauges that are cheaper to read than to follow. */
    beforeExposition(refresh: () => void): void {
      refreshers.push(refresh);
    },
    /** Content type of `expose`. */
    contentType: registry.contentType,
    /** All of them in Prometheus' text form. */
    async expose(): Promise<string> {
      for (const refresh of refreshers) refresh();
      return registry.metrics();
    },
    /** The names of all metrics, sorted. */
    names(): readonly string[] {
      return registry
        .getMetricsAsArray()
        .map(({ name }) => name)
        .toSorted();
    },
  };
}

/** How fast changes arrive. */
function latencyMetrics(registry: Registry) {
  const registers = [registry];
  return {
    pushLatency: new Histogram({
      name: 'weir_push_latency_seconds',
      help: "From a source's event to the ACK of a proxy. Stages: commit, send, ack, and total, which is their sum.",
      labelNames: ['stage', 'source', 'type'],
      buckets: [...latencyBuckets],
      registers,
    }),
    ackLatency: new Histogram({
      name: 'weir_ack_seconds',
      help: 'From handing a response to the transport to its ACK, answers to requests included.',
      labelNames: ['type'],
      buckets: [...latencyBuckets],
      registers,
    }),
    convergenceTime: new Histogram({
      name: 'pilot_proxy_convergence_time',
      help: "Seconds from a source's event to the sending of the response that carries it, per response.",
      buckets: [...convergenceBuckets],
      registers,
    }),
  };
}

/** What was sent to proxies. */
function pushMetrics(registry: Registry) {
  const registers = [registry];
  return {
    pushes: new Counter({
      name: 'pilot_xds_pushes',
      help: 'Responses sent.',
      labelNames: ['type'],
      registers,
    }),
    responseSize: new Histogram({
      name: 'pilot_xds_config_size_bytes',
      help: 'Size of responses.',
      labelNames: ['type'],
      buckets: [...sizeBuckets],
      registers,
    }),
    pushedBytes: new Counter({
      name: 'weir_pushed_bytes_total',
      help: 'Bytes of the responses sent.',
      labelNames: ['type'],
      registers,
    }),
    pushedResources: new Counter({
      name: 'weir_pushed_resources_total',
      help: 'Resources sent, by whether they were sent or said to be gone.',
      labelNames: ['type', 'change'],
      registers,
    }),
  };
}

/** What proxies said to it, or did not. */
function answerMetrics(registry: Registry) {
  const registers = [registry];
  return {
    rejects: new Counter({
      name: 'pilot_total_xds_rejects',
      help: 'NACKs: responses of which a proxy refused at least one resource.',
      labelNames: ['type'],
      registers,
    }),
    overdue: new Counter({
      name: 'weir_overdue_responses_total',
      help: 'Responses that had neither ACK nor NACK after a minute.',
      labelNames: ['type'],
      registers,
    }),
    deniedResources: new Counter({
      name: 'weir_denied_resources_total',
      help: 'Names that proxies asked for and were not given, because they are not theirs.',
      labelNames: ['type', 'reason'],
      registers,
    }),
    adminRequests: new Counter({
      name: 'weir_admin_requests_total',
      help: 'Requests for pages of the admin server that are not for everybody.',
      labelNames: ['page', 'result'],
      registers,
    }),
    refusedStreams: new Counter({
      name: 'weir_refused_streams_total',
      help: 'Streams that ended with an error status of Weir.',
      labelNames: ['status', 'reason'],
      registers,
    }),
  };
}

/** How streams come in, and why Weir ends them. */
function connectionMetrics(registry: Registry) {
  const registers = [registry];
  return {
    openConnections: new Gauge({ name: 'weir_connections', help: 'Open connections for xDS.', registers }),
    endedConnections: new Counter({
      name: 'weir_ended_connections_total',
      help: 'Connections, or for stall streams, that Weir ended: age, keepalive, stall, protocol.',
      labelNames: ['cause'],
      registers,
    }),
    failedHandshakes: new Counter({
      name: 'weir_failed_handshakes_total',
      help: 'TLS handshakes for xDS that failed.',
      registers,
    }),
    admittedStreams: new Counter({
      name: 'weir_admitted_streams_total',
      help: 'New streams that were let in.',
      registers,
    }),
    streamsAwaitingAdmission: new Gauge({
      name: 'weir_streams_awaiting_admission',
      help: 'New streams that wait to be let in.',
      registers,
    }),
  };
}

/** Where things come from, and what is wrong with them. */
function sourceMetrics(registry: Registry) {
  const registers = [registry];
  return {
    sourceFreshness: new Gauge({
      name: 'weir_source_freshness',
      help: '1 for the state that the source is in: unknown, synced or stale.',
      labelNames: ['source', 'freshness'],
      registers,
    }),
    sourceChangedAt: new Gauge({
      name: 'weir_source_freshness_changed_timestamp_seconds',
      help: 'When the freshness of the source last changed, in seconds since 1970.',
      labelNames: ['source'],
      registers,
    }),
    sourceObjects: new Gauge({
      name: 'weir_source_objects',
      help: 'Objects that the source holds.',
      labelNames: ['source'],
      registers,
    }),
    sourceProblems: new Gauge({
      name: 'weir_source_problems',
      help: 'Input of the source that could not become an object.',
      labelNames: ['source', 'code'],
      registers,
    }),
    rejectedConfigs: new Gauge({
      name: 'pilot_total_rejected_configs',
      help: 'Objects that are not in force as written because of an error in them.',
      registers,
    }),
    findings: new Gauge({
      name: 'weir_findings',
      help: 'Objects that probably do not mean what their authors meant.',
      labelNames: ['severity', 'code'],
      registers,
    }),
    inboundUpdates: new Counter({
      name: 'pilot_inbound_updates',
      help: 'Changes that sources reported: config, eds, svc, svcdelete.',
      labelNames: ['type'],
      registers,
    }),
  };
}

/** What is on its way. */
function loadMetrics(registry: Registry) {
  const registers = [registry];
  return {
    waitingStreams: new Gauge({
      name: 'weir_waiting_streams',
      help: 'Streams that have something to send and wait for their turn or for the end of a window.',
      registers,
    }),
    pushWindow: new Gauge({
      name: 'weir_push_window_seconds',
      help: 'For how long changes are gathered before they are pushed.',
      registers,
    }),
    queuedBytes: new Gauge({
      name: 'weir_queued_bytes',
      help: 'Bytes handed to transports and not on their way yet.',
      registers,
    }),
    unansweredResponses: new Gauge({
      name: 'weir_unanswered_responses',
      help: 'Responses that were sent and have neither ACK nor NACK yet.',
      registers,
    }),
    oldestUnanswered: new Gauge({
      name: 'weir_oldest_unanswered_seconds',
      help: 'Time since the oldest of them was sent; 0 without one.',
      registers,
    }),
    busyShare: new Gauge({
      name: 'weir_event_loop_busy_ratio',
      help: 'Share of the time since the last exposition in which the event loop was busy.',
      registers,
    }),
    sharedResponseBytes: new Gauge({
      name: 'weir_shared_response_bytes',
      help: 'Bytes of responses remembered for streams that may be sent the same.',
      registers,
    }),
  };
}

/** What there is. */
function meshMetrics(registry: Registry) {
  const registers = [registry];
  return {
    services: new Gauge({ name: 'pilot_services', help: 'Services known.', registers }),
    virtualServices: new Gauge({ name: 'pilot_virt_services', help: 'VirtualServices in force.', registers }),
    connections: new Gauge({
      name: 'pilot_xds',
      help: 'Connected proxies.',
      labelNames: ['version'],
      registers,
    }),
    proxies: new Gauge({
      name: 'weir_proxies',
      help: 'Connected proxies, by whether they have confirmed everything: synced, pending, rejected.',
      labelNames: ['state'],
      registers,
    }),
    scopes: new Gauge({
      name: 'weir_scopes',
      help: 'Distinct scopes of the connected proxies: how often a resource of the type is built.',
      labelNames: ['type'],
      registers,
    }),
    taintedNames: new Gauge({
      name: 'weir_tainted_names',
      help: 'Resources of which a proxy does not know what it runs, since it refused a response with them or was lost before it answered.',
      registers,
    }),
    droppedTaint: new Counter({
      name: 'weir_dropped_tainted_names_total',
      help: 'Those that were forgotten too early because there were too many.',
      registers,
    }),
  };
}

/** What the engine did for it. */
function engineMetrics(registry: Registry) {
  const registers = [registry];
  return {
    commits: new Counter({
      name: 'weir_commits_total',
      help: 'Batches of changes that changed something.',
      labelNames: ['source'],
      registers,
    }),
    queryRuns: new Counter({
      name: 'weir_query_runs_total',
      help: 'Runs of queries because of changes.',
      labelNames: ['query'],
      registers,
    }),
    suppressedResources: new Counter({
      name: 'weir_suppressed_resources_total',
      help: 'Resources that were built again and came out equal, so that nothing was sent.',
      registers,
    }),
    internalErrors: new Counter({
      name: 'pilot_total_xds_internal_errors',
      help: 'Bugs that were confined to one query or listener.',
      registers,
    }),
    audits: new Counter({
      name: 'weir_audits_total',
      help: 'Times that everything was computed again and compared.',
      registers,
    }),
    auditSeconds: new Gauge({
      name: 'weir_audit_duration_seconds',
      help: 'Time that the last audit took, its pauses included.',
      registers,
    }),
    auditDifferences: new Counter({
      name: 'weir_audit_differences_total',
      help: 'Results and index values that an audit found wrong and put right: bugs.',
      labelNames: ['name'],
      registers,
    }),
  };
}

function buildMetrics(registry: Registry, version: string, uptime: () => number): void {
  const registers = [registry];
  const info = new Gauge({ name: 'pilot_info', help: "Weir's version.", labelNames: ['version'], registers });
  info.set({ version }, 1);
  const build = new Gauge({
    name: 'istio_build',
    help: "Weir's version, in the form of istiod's.",
    labelNames: ['component', 'tag'],
    registers,
  });
  build.set({ component: 'pilot', tag: version }, 1);
  registry.registerMetric(
    new Gauge({
      name: 'istiod_uptime_seconds',
      help: 'Seconds since the start.',
      registers: [],
      collect() {
        this.set(uptime());
      },
    }),
  );
}
