/** The dashboard of the control plane (reliability O21): a table of panels, and what Grafana wants around it. */

interface Panel {
  readonly title: string;
  readonly description: string;
  readonly unit: 'short' | 's' | 'bytes' | 'percentunit' | 'ops' | 'Bps';
  readonly kind?: 'stat' | 'heatmap';
  /** Legend -> what Prometheus is asked; one with the empty legend is named after its labels. */
  readonly queries: Readonly<Record<string, string>>;
}

interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const selected = 'job="$job"';

const quantile = (share: number, metric: string, by = 'le', more = ''): string =>
  `histogram_quantile(${share}, sum by (${by}) (rate(${metric}_bucket{${selected}${more}}[$__rate_interval])))`;

const perSecond = (metric: string, by: string, more = ''): string =>
  `sum by (${by}) (rate(${metric}{${selected}${more}}[$__rate_interval]))`;

const rows: readonly Row[] = [
  {
    title: 'Now',
    panels: [
      {
        title: 'Versions',
        description: 'Replicas, by version.',
        unit: 'short',
        kind: 'stat',
        queries: { '{{version}}': `count by (version) (pilot_info{${selected}})` },
      },
      {
        title: 'Proxies',
        description: 'Connected proxies. Pending: something is on its way. Rejected: they refuse something.',
        unit: 'short',
        kind: 'stat',
        queries: { '{{state}}': `sum by (state) (weir_proxies{${selected}})` },
      },
      {
        title: 'Sources',
        description: 'Sources that are not synced. Of a stale one the last good objects stay in force.',
        unit: 'short',
        kind: 'stat',
        queries: { '{{source}} {{freshness}}': `sum by (source, freshness) (weir_source_freshness{${selected}} == 1)` },
      },
    ],
  },
  {
    title: 'How fast a change arrives',
    panels: [
      {
        title: 'From event to ACK',
        description: 'From the moment in which a source heard of a change to the ACK of each proxy.',
        unit: 's',
        queries: {
          p50: quantile(0.5, 'weir_push_latency_seconds', 'le', ',stage="total"'),
          p99: quantile(0.99, 'weir_push_latency_seconds', 'le', ',stage="total"'),
        },
      },
      {
        title: 'Where the time goes (p99)',
        description:
          'Commit: computing. Send: waiting for the ACK of the response before, and sending. Ack: the proxy.',
        unit: 's',
        queries: { '{{stage}}': quantile(0.99, 'weir_push_latency_seconds', 'le, stage', ',stage!="total"') },
      },
      {
        title: 'From event to ACK, all of them',
        description: 'How many changes took how long.',
        unit: 's',
        kind: 'heatmap',
        queries: { '{{le}}': perSecond('weir_push_latency_seconds_bucket', 'le', ',stage="total"') },
      },
      {
        title: 'Convergence as istiod has it (p99)',
        description: 'From event to sending; the ACK is not in it.',
        unit: 's',
        queries: { p99: quantile(0.99, 'pilot_proxy_convergence_time') },
      },
      {
        title: 'ACKs (p99)',
        description: 'From sending a response to its ACK, by type.',
        unit: 's',
        queries: { '{{type}}': quantile(0.99, 'weir_ack_seconds', 'le, type') },
      },
      {
        title: 'Waiting streams',
        description: 'Streams with something to send that wait for their turn. Stays up: the machine is too small.',
        unit: 'short',
        queries: { '{{instance}}': `weir_waiting_streams{${selected}}` },
      },
    ],
  },
  {
    title: 'What is sent, and what comes back',
    panels: [
      {
        title: 'Changes',
        description: 'What sources reported, by type.',
        unit: 'ops',
        queries: { '{{type}}': perSecond('pilot_inbound_updates', 'type') },
      },
      {
        title: 'Pushes',
        description: 'Responses, by type.',
        unit: 'ops',
        queries: { '{{type}}': perSecond('pilot_xds_pushes', 'type') },
      },
      {
        title: 'Refusals',
        description: 'NACKs, by type. Any is a bug of Weir or of the Envoy: `weir status` names the object behind it.',
        unit: 'ops',
        queries: {
          '{{type}}': perSecond('pilot_total_xds_rejects', 'type'),
          'no answer {{type}}': perSecond('weir_overdue_responses_total', 'type'),
        },
      },
      {
        title: 'Size of responses',
        description: 'How many responses were how large.',
        unit: 'bytes',
        kind: 'heatmap',
        queries: { '{{le}}': perSecond('pilot_xds_config_size_bytes_bucket', 'le') },
      },
      {
        title: 'Resources',
        description: 'In those responses; suppressed: built again, came out equal, and sent to nobody.',
        unit: 'ops',
        queries: {
          '{{type}} {{change}}': perSecond('weir_pushed_resources_total', 'type, change'),
          suppressed: `sum(rate(weir_suppressed_resources_total{${selected}}[$__rate_interval]))`,
        },
      },
      {
        title: 'Bytes',
        description: 'By type.',
        unit: 'Bps',
        queries: { '{{type}}': perSecond('weir_pushed_bytes_total', 'type') },
      },
    ],
  },
  {
    title: 'Proxies',
    panels: [
      {
        title: 'Connections by replica',
        description: 'They even out as connections reach their age.',
        unit: 'short',
        queries: { '{{instance}}': `weir_connections{${selected}}` },
      },
      {
        title: 'Coming in',
        description: 'New streams that were let in, and those that wait for their turn.',
        unit: 'short',
        queries: {
          'let in a second': `sum(rate(weir_admitted_streams_total{${selected}}[$__rate_interval]))`,
          waiting: `sum(weir_streams_awaiting_admission{${selected}})`,
        },
      },
      {
        title: 'Turned away and ended',
        description:
          'Streams that Weir refused, by status; connections that it ended, by cause; handshakes that failed.',
        unit: 'ops',
        queries: {
          '{{status}} {{reason}}': perSecond('weir_refused_streams_total', 'status, reason'),
          '{{cause}}': perSecond('weir_ended_connections_total', 'cause'),
          handshakes: `sum(rate(weir_failed_handshakes_total{${selected}}[$__rate_interval]))`,
        },
      },
    ],
  },
  {
    title: 'What there is',
    panels: [
      {
        title: 'Objects',
        description: 'By source; services and VirtualServices of all of them.',
        unit: 'short',
        queries: {
          '{{source}}': `max by (source) (weir_source_objects{${selected}})`,
          services: `max(pilot_services{${selected}})`,
          VirtualServices: `max(pilot_virt_services{${selected}})`,
        },
      },
      {
        title: 'What is wrong',
        description:
          'Objects that are not in force as written; input that is no object; objects that probably mean something else.',
        unit: 'short',
        queries: {
          rejected: `max(pilot_total_rejected_configs{${selected}})`,
          '{{source}} {{code}}': `max by (source, code) (weir_source_problems{${selected}})`,
          '{{severity}} {{code}}': `max by (severity, code) (weir_findings{${selected}})`,
        },
      },
      {
        title: 'Scopes',
        description: 'How many times a resource of a type is built. Far fewer than proxies, or something splits them.',
        unit: 'short',
        queries: { '{{type}}': `max by (type) (weir_scopes{${selected}})` },
      },
    ],
  },
  {
    title: 'Kubernetes',
    panels: [
      {
        title: 'Silence',
        description:
          'Time since the last event, bookmark or list of a kind; the longest. A quiet kind may be silent for two minutes.',
        unit: 's',
        queries: {
          '{{cluster}} {{kind}}': `max by (cluster, kind) (weir_kubernetes_reflector_silence_seconds{${selected}})`,
        },
      },
      {
        title: 'Lists, watches and what ended them',
        description: 'Expired: the server forgot (410), and everything is asked for again.',
        unit: 'ops',
        queries: {
          'lists {{cluster}}': perSecond('weir_kubernetes_reflector_lists_total', 'cluster'),
          'watches {{cluster}}': perSecond('weir_kubernetes_reflector_watches_total', 'cluster'),
          'expired {{cluster}}': perSecond('weir_kubernetes_reflector_expired_total', 'cluster'),
          'stalled {{cluster}}': perSecond('weir_kubernetes_reflector_stalls_total', 'cluster'),
          'failed {{cluster}}': perSecond('weir_kubernetes_reflector_failures_total', 'cluster'),
        },
      },
      {
        title: 'Status and reviews',
        description:
          'Writes of what became of objects, by result; objects that the webhook was asked about, by outcome.',
        unit: 'ops',
        queries: {
          'status {{result}}': perSecond('weir_status_writes_total', 'result'),
          'review {{outcome}}': perSecond('weir_admission_reviews_total', 'outcome'),
        },
      },
    ],
  },
  {
    title: 'What it costs',
    panels: [
      {
        title: 'CPU',
        description: 'Cores. One is the most that the main thread can use.',
        unit: 'short',
        queries: { '{{instance}}': `rate(process_cpu_seconds_total{${selected}}[$__rate_interval])` },
      },
      {
        title: 'Memory',
        description: 'Of the process, and of that the heap and the encoded resources.',
        unit: 'bytes',
        queries: {
          '{{instance}}': `process_resident_memory_bytes{${selected}}`,
          'heap {{instance}}': `nodejs_heap_size_used_bytes{${selected}}`,
          'buffers {{instance}}': `nodejs_external_memory_bytes{${selected}}`,
        },
      },
      {
        title: 'Event loop',
        description: 'The longest that everything had to wait since the last scrape.',
        unit: 's',
        queries: { '{{instance}}': `nodejs_eventloop_lag_max_seconds{${selected}}` },
      },
      {
        title: 'Commits',
        description: 'Batches of changes that changed something, by source.',
        unit: 'ops',
        queries: { '{{source}}': perSecond('weir_commits_total', 'source') },
      },
      {
        title: 'Computations',
        description: 'The ten most frequent queries. They grow with changes, not with the size of the mesh.',
        unit: 'ops',
        queries: { '{{query}}': `topk(10, ${perSecond('weir_query_runs_total', 'query')})` },
      },
      {
        title: 'Bugs',
        description: 'Computations that failed; what they had computed before stays in force.',
        unit: 'short',
        queries: { '{{instance}}': `increase(pilot_total_xds_internal_errors{${selected}}[$__range])` },
      },
    ],
  },
];

/** All that Prometheus is asked. */
export const dashboardQueries: readonly string[] = rows.flatMap(({ panels }) =>
  panels.flatMap(({ queries }) => Object.values(queries)),
);

const source = { type: 'prometheus', uid: '$datasource' };
const [columns, panelWidth, panelHeight] = [24, 8, 8];

/** The file that Grafana imports. */
export function dashboardJson(): string {
  const dashboard = {
    uid: 'weir-control-plane',
    title: 'Weir: control plane',
    tags: ['weir', 'service-mesh'],
    schemaVersion: 39,
    timezone: 'browser',
    refresh: '15s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' },
        {
          name: 'job',
          label: 'Job',
          type: 'query',
          datasource: source,
          query: 'label_values(pilot_info, job)',
          refresh: 1,
        },
      ],
    },
    panels: placed(),
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

/** Rows one below the other, panels from left to right. */
function placed(): readonly object[] {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    const gridPos = { x: 0, y, w: columns, h: 1 };
    panels.push({ id: panels.length + 1, type: 'row', title: row.title, gridPos, collapsed: false, panels: [] });
    y += 1;
    for (const [index, panel] of row.panels.entries()) {
      const place = {
        x: (index * panelWidth) % columns,
        y: y + Math.floor((index * panelWidth) / columns) * panelHeight,
      };
      panels.push({
        id: panels.length + 1,
        ...grafanaPanel(panel),
        gridPos: { ...place, w: panelWidth, h: panelHeight },
      });
    }
    y += Math.ceil((row.panels.length * panelWidth) / columns) * panelHeight;
  }
  return panels;
}

function grafanaPanel({ title, description, unit, kind, queries }: Panel): object {
  const type = kind ?? 'timeseries';
  return {
    type,
    title,
    description,
    datasource: source,
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    ...(kind === 'heatmap' ? { options: { calculate: false, yAxis: { unit } } } : {}),
    targets: Object.entries(queries).map(([legendFormat, expr], index) => ({
      refId: 'ABCDEFGH'.charAt(index),
      datasource: source,
      expr,
      legendFormat,
      ...(kind === 'heatmap' ? { format: 'heatmap' } : {}),
    })),
  };
}
