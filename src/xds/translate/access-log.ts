import type { MeshSettings } from '../../model/mesh-settings.ts';
import type * as envoy from '../envoy.ts';
import { struct } from '../envoy.ts';
import { pack } from '../proto.ts';

/** What of the mesh's settings access logs depend on. */
export type AccessLogSettings = Pick<MeshSettings, 'accessLogFile' | 'accessLogFormat' | 'accessLogEncoding'>;

/** Fields of a log line, named as Istio names them in its JSON form, in the order of its text form. */
const fields = {
  start_time: '%START_TIME%',
  method: '%REQ(:METHOD)%',
  path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
  protocol: '%PROTOCOL%',
  response_code: '%RESPONSE_CODE%',
  response_flags: '%RESPONSE_FLAGS%',
  response_code_details: '%RESPONSE_CODE_DETAILS%',
  connection_termination_details: '%CONNECTION_TERMINATION_DETAILS%',
  upstream_transport_failure_reason: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
  bytes_received: '%BYTES_RECEIVED%',
  bytes_sent: '%BYTES_SENT%',
  duration: '%DURATION%',
  upstream_service_time: '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%',
  x_forwarded_for: '%REQ(X-FORWARDED-FOR)%',
  user_agent: '%REQ(USER-AGENT)%',
  request_id: '%REQ(X-REQUEST-ID)%',
  authority: '%REQ(:AUTHORITY)%',
  upstream_host: '%UPSTREAM_HOST%',
  upstream_cluster: '%UPSTREAM_CLUSTER_RAW%',
  upstream_local_address: '%UPSTREAM_LOCAL_ADDRESS%',
  downstream_local_address: '%DOWNSTREAM_LOCAL_ADDRESS%',
  downstream_remote_address: '%DOWNSTREAM_REMOTE_ADDRESS%',
  requested_server_name: '%REQUESTED_SERVER_NAME%',
  route_name: '%ROUTE_NAME%',
} as const;

const quoted: ReadonlySet<string> = new Set([
  'upstream_transport_failure_reason',
  'x_forwarded_for',
  'user_agent',
  'request_id',
  'authority',
  'upstream_host',
]);

/**
 * Requests and connections are logged in Istio's default line, because people's log pipelines parse it (policy O1,
 * E15).
 */
function defaultTextFormat(): string {
  const { start_time, method, path, protocol, ...rest } = fields;
  const columns = Object.entries(rest).map(([name, command]) => (quoted.has(name) ? `"${command}"` : command));
  return `[${start_time}] "${method} ${path} ${protocol}" ${columns.join(' ')}\n`;
}

const textFormat = defaultTextFormat();

/** The access logs of a chain: none, or one. */
export function accessLogs(settings: AccessLogSettings): envoy.AccessLog[] {
  const log = accessLog(settings);
  return log === undefined ? [] : [log];
}

/** The access log of a listener: connections that no filter chain takes, of which nothing else would tell. */
export function refusedConnectionLogs(settings: AccessLogSettings): envoy.AccessLog[] {
  const log = accessLog(settings);
  return log === undefined ? [] : [{ ...log, filter: { responseFlagFilter: { flags: ['NR'] } } }];
}

function accessLog(settings: AccessLogSettings): envoy.AccessLog | undefined {
  const { accessLogFile: path } = settings;
  if (path === '') return undefined;
  const logFormat = settings.accessLogEncoding === 'json' ? jsonFormat(settings) : textFormatOf(settings);
  // Opened as files, the standard streams are refused, and the listener with them, where they are sockets (systemd's journal).
  if (path === '/dev/stdout') {
    const typedConfig = pack('envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', { logFormat });
    return { name: 'envoy.access_loggers.stdout', typedConfig };
  }
  if (path === '/dev/stderr') {
    const typedConfig = pack('envoy.extensions.access_loggers.stream.v3.StderrAccessLog', { logFormat });
    return { name: 'envoy.access_loggers.stderr', typedConfig };
  }
  const typedConfig = pack('envoy.extensions.access_loggers.file.v3.FileAccessLog', { path, logFormat });
  return { name: 'envoy.access_loggers.file', typedConfig };
}

function textFormatOf({ accessLogFormat }: AccessLogSettings): envoy.SubstitutionFormatString {
  const format = accessLogFormat === '' ? textFormat : accessLogFormat;
  // Envoy adds no line break of its own.
  return { textFormatSource: { inlineString: format.endsWith('\n') ? format : `${format}\n` } };
}

function jsonFormat({ accessLogFormat }: AccessLogSettings): envoy.SubstitutionFormatString {
  return { jsonFormat: struct(parseFormat(accessLogFormat) ?? fields) };
}

/** undefined for a format that is no JSON object: the default is then better than no log. */
function parseFormat(text: string): Readonly<Record<string, unknown>> | undefined {
  if (text === '') return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}
