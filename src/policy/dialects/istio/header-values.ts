import { quote } from './field-path.ts';
import type { Reading } from './reading.ts';
import { checkLine } from './values.ts';

/**
 * Values of headers to set or add. Proxies read `%COMMAND%` in them and refuse the whole route table over a command that they do
 * not know, so the commands are checked here; the tables are what Envoy 1.40 accepts in `request_headers_to_add`.
 */

const longestValue = 16_384;

/** Reports a format of log lines that proxies would refuse: it has the commands of header values, over any number of lines. */
export function checkLogFormat(format: string, path: string, reading: Reading): void {
  if (isTooLong(format, 'log format', path, reading)) return;
  const problem = format.includes('%') ? problemOfCommands(format) : undefined;
  if (problem !== undefined)
    reading.error('WEIR1016', path, `the log format ${problem}`, 'write %% for a percent sign');
}

/** Reports a value that proxies would refuse. */
export function checkHeaderValue(value: string, path: string, reading: Reading): void {
  if (isTooLong(value, 'header value', path, reading)) return;
  if (!checkLine(value, path, reading) || !value.includes('%')) return;
  const problem = problemOfCommands(value);
  if (problem !== undefined)
    reading.error('WEIR1016', path, `the header value ${problem}`, 'write %% for a percent sign');
}

function isTooLong(text: string, what: string, path: string, reading: Reading): boolean {
  if (Buffer.byteLength(text) <= longestValue) return false;
  reading.error('WEIR1008', path, `the ${what} is longer than ${longestValue} bytes`, 'shorten it');
  return true;
}

function problemOfCommands(value: string): string | undefined {
  // Every percent sign is part of an escaped one, of a command, or astray.
  for (const [found, name, parameters, length] of value.matchAll(
    /%%|%([A-Z][A-Z0-9_]*)(?:\(([^)]{0,512})\))?(?::(\d+))?%|%/g,
  )) {
    if (found === '%%') continue;
    if (name === undefined) return 'has a percent sign that begins no command';
    const problem = problemOfCommand(name, parameters ?? '', length !== undefined);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function problemOfCommand(name: string, parameters: string, hasLength: boolean): string | undefined {
  if (plainCommands.has(name)) {
    if (hasLength) return `gives a length to %${name}%, which takes none`;
    const takesParameters = formattedCommands.has(name);
    return parameters !== '' && !takesParameters ? `gives parameters to %${name}%, which takes none` : undefined;
  }
  if (uncheckedCommands.has(name))
    return `uses %${name}%, whose contents cannot be checked before a proxy refuses them`;
  if (!parameterCommands.has(name)) return `uses ${quote(`%${name}%`)}, which proxies do not know`;
  if (parameters === '') return `uses %${name}% without its parameters`;
  if (headerCommands.has(name) && (parameters.match(/\?/g)?.length ?? 0) > 1) {
    return `gives more than one alternative to %${name}%`;
  }
  if (name === 'METADATA' && !metadataSources.has(parameters.split(':', 1)[0] ?? '')) {
    return `uses %METADATA% of something else than ${[...metadataSources].join(', ')}`;
  }
  if (name.endsWith('FILTER_STATE')) {
    const form = parameters.split(':')[1];
    if (form !== undefined && !['PLAIN', 'TYPED', 'FIELD'].includes(form)) return `asks %${name}% for an unknown form`;
  }
  return undefined;
}

const uncheckedCommands: ReadonlySet<string> = new Set(['CEL', 'COALESCE', 'DYNAMIC_MODULE']);

const metadataSources: ReadonlySet<string> = new Set(
  'DYNAMIC CLUSTER ROUTE UPSTREAM_HOST LISTENER LISTENER_FILTER_CHAIN VIRTUAL_HOST'.split(' '),
);

/** Commands that name a header, with one alternative: `REQ(X-A?X-B)`. */
const headerCommands: ReadonlySet<string> = new Set(
  'REQ RESP TRAILER REQUEST_HEADER RESPONSE_HEADER RESPONSE_TRAILER STREAM_INFO_REQ'.split(' '),
);

const parameterCommands: ReadonlySet<string> = new Set([
  ...headerCommands,
  ...(
    'CLUSTER_METADATA COMMON_DURATION DYNAMIC_METADATA ENVIRONMENT FILTER_STATE METADATA PER_REQUEST_STATE QUERY_PARAM ' +
    'UPSTREAM_FILTER_STATE UPSTREAM_METADATA'
  ).split(' '),
]);

/** Plain commands that also take a format. */
const formattedCommands: ReadonlySet<string> = new Set(
  (
    'START_TIME START_TIME_LOCAL EMIT_TIME EMIT_TIME_LOCAL PATH DOWNSTREAM_PEER_CERT_V_START DOWNSTREAM_PEER_CERT_V_END ' +
    'UPSTREAM_PEER_CERT_V_START UPSTREAM_PEER_CERT_V_END'
  ).split(' '),
);

const plainCommands: ReadonlySet<string> = new Set([
  ...formattedCommands,
  ...(
    'ACCESS_LOG_TYPE BYTES_RECEIVED BYTES_RETRANSMITTED BYTES_SENT CONNECTION_ID CONNECTION_TERMINATION_DETAILS CUSTOM_FLAGS DURATION ' +
    'FILTER_CHAIN_NAME GRPC_STATUS GRPC_STATUS_NUMBER HOSTNAME LISTENER_NAME LOCAL_REPLY_BODY PROTOCOL QUERY_PARAMS ' +
    'REQUESTED_SERVER_NAME REQUEST_DURATION REQUEST_HEADERS_BYTES REQUEST_TX_DURATION RESPONSE_CODE RESPONSE_CODE_DETAILS ' +
    'RESPONSE_DURATION RESPONSE_FLAGS RESPONSE_FLAGS_LONG RESPONSE_HEADERS_BYTES RESPONSE_TRAILERS_BYTES RESPONSE_TX_DURATION ' +
    'ROUNDTRIP_DURATION ROUTE_NAME SPAN_ID STREAM_ID TLS_JA3_FINGERPRINT TLS_JA4_FINGERPRINT TRACE_ID UNIQUE_ID ' +
    'VIRTUAL_CLUSTER_NAME ' +
    'DOWNSTREAM_CX_RTT DOWNSTREAM_DETECTED_CLOSE_TYPE DOWNSTREAM_DIRECT_LOCAL_ADDRESS DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT ' +
    'DOWNSTREAM_DIRECT_LOCAL_PORT DOWNSTREAM_DIRECT_REMOTE_ADDRESS DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT ' +
    'DOWNSTREAM_DIRECT_REMOTE_PORT DOWNSTREAM_HANDSHAKE_DURATION DOWNSTREAM_HEADER_BYTES_RECEIVED DOWNSTREAM_HEADER_BYTES_SENT ' +
    'DOWNSTREAM_LOCAL_ADDRESS DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT DOWNSTREAM_LOCAL_CLOSE_REASON DOWNSTREAM_LOCAL_DNS_SAN ' +
    'DOWNSTREAM_LOCAL_EMAIL_SAN DOWNSTREAM_LOCAL_IP_SAN DOWNSTREAM_LOCAL_OTHERNAME_SAN DOWNSTREAM_LOCAL_PORT ' +
    'DOWNSTREAM_LOCAL_SUBJECT DOWNSTREAM_LOCAL_URI_SAN DOWNSTREAM_PEER_CERT DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1 ' +
    'DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256 DOWNSTREAM_PEER_CHAIN_SERIALS DOWNSTREAM_PEER_DNS_SAN DOWNSTREAM_PEER_EMAIL_SAN ' +
    'DOWNSTREAM_PEER_FINGERPRINT_1 DOWNSTREAM_PEER_FINGERPRINT_256 DOWNSTREAM_PEER_IP_SAN DOWNSTREAM_PEER_ISSUER ' +
    'DOWNSTREAM_PEER_OTHERNAME_SAN DOWNSTREAM_PEER_SERIAL DOWNSTREAM_PEER_SUBJECT DOWNSTREAM_PEER_URI_SAN DOWNSTREAM_REMOTE_ADDRESS ' +
    'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_REMOTE_PORT DOWNSTREAM_TLS_CIPHER DOWNSTREAM_TLS_SESSION_ID ' +
    'DOWNSTREAM_TLS_VERSION DOWNSTREAM_TRANSPORT_FAILURE_REASON DOWNSTREAM_WIRE_BYTES_RECEIVED DOWNSTREAM_WIRE_BYTES_SENT ' +
    'UPSTREAM_CLUSTER UPSTREAM_CLUSTER_RAW UPSTREAM_CONNECTION_ID UPSTREAM_CONNECTION_POOL_READY_DURATION ' +
    'UPSTREAM_DETECTED_CLOSE_TYPE UPSTREAM_HEADER_BYTES_RECEIVED UPSTREAM_HEADER_BYTES_SENT UPSTREAM_HOST UPSTREAM_HOSTS_ATTEMPTED ' +
    'UPSTREAM_HOST_NAME UPSTREAM_HOST_NAME_WITHOUT_PORT UPSTREAM_LOCAL_ADDRESS UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT ' +
    'UPSTREAM_LOCAL_CLOSE_REASON UPSTREAM_LOCAL_DNS_SAN UPSTREAM_LOCAL_IP_SAN UPSTREAM_LOCAL_PORT UPSTREAM_LOCAL_URI_SAN ' +
    'UPSTREAM_PEER_CERT UPSTREAM_PEER_DNS_SAN UPSTREAM_PEER_IP_SAN UPSTREAM_PEER_ISSUER UPSTREAM_PEER_SUBJECT UPSTREAM_PEER_URI_SAN ' +
    'UPSTREAM_PROTOCOL UPSTREAM_REMOTE_ADDRESS UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT UPSTREAM_REMOTE_PORT ' +
    'UPSTREAM_REQUEST_ATTEMPT_COUNT UPSTREAM_TLS_CIPHER UPSTREAM_TLS_SESSION_ID UPSTREAM_TLS_VERSION ' +
    'UPSTREAM_TRANSPORT_FAILURE_REASON UPSTREAM_WIRE_BYTES_RECEIVED UPSTREAM_WIRE_BYTES_SENT'
  ).split(' '),
]);
