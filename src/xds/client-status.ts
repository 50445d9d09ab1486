import type * as envoy from './envoy.ts';
import { decode, encode } from './proto.ts';
import type { NackStatus, ProxyStatus, TypeStatus } from './status.ts';
import { spareBytes, type StreamTransport } from './transport/transport.ts';

/**
 * Envoy's client-status service (CSDS): what each connected proxy was sent and what it made of it, for tools that speak gRPC
 * (xds-protocol X84). Names, versions and times, never contents.
 */

const service = '/envoy.service.status.v3.ClientStatusDiscoveryService';

/** What serves it, by path. A stream gets one answer for each request. */
export function clientStatusHandlers(
  proxies: () => readonly ProxyStatus[],
): ReadonlyMap<string, (transport: StreamTransport) => void> {
  return new Map([
    [`${service}/StreamClientStatus`, (transport) => answer(transport, proxies, false)],
    [`${service}/FetchClientStatus`, (transport) => answer(transport, proxies, true)],
  ]);
}

function answer(transport: StreamTransport, proxies: () => readonly ProxyStatus[], once: boolean): void {
  let isWritable = true;
  transport.onDrain(() => {
    isWritable = true;
  });
  transport.onClose(({ kind }) => {
    if (kind === 'half-closed') transport.close('OK', '');
  });
  transport.onMessage((message) => {
    // Each answer is as large as the mesh: whoever does not read them gets no further ones.
    if (!isWritable) return transport.close('RESOURCE_EXHAUSTED', 'read the answers before you ask again');
    const request = readRequest(message);
    if (typeof request === 'string') return transport.close('INVALID_ARGUMENT', request);
    const content = encode('envoy.service.status.v3.ClientStatusResponse', {
      config: proxies()
        .filter(({ nodeId }) => isWanted(nodeId, request.nodeMatchers ?? []))
        .map(clientConfig),
    });
    isWritable = transport.send([new Uint8Array(spareBytes), content], content.length);
    if (once) transport.close('OK', '');
  });
}

/** @returns what is wrong with it, where something is */
function readRequest(message: Uint8Array): envoy.ClientStatusRequest | string {
  let request: envoy.ClientStatusRequest;
  try {
    request = decode('envoy.service.status.v3.ClientStatusRequest', message);
  } catch (error) {
    return `the request is malformed: ${String(error)}`;
  }
  for (const { nodeId, nodeMetadatas = [] } of request.nodeMatchers ?? []) {
    if (nodeMetadatas.length > 0) return 'node_metadatas is not served; match by node_id';
    if (nodeId?.safeRegex !== undefined || nodeId?.custom !== undefined) {
      return 'node_id can be matched by exact, prefix, suffix and contains only';
    }
  }
  return request;
}

/** Any of the matchers suffices; without matchers everybody is meant. */
function isWanted(nodeId: string, matchers: readonly envoy.NodeMatcher[]): boolean {
  return matchers.length === 0 || matchers.some((matcher) => matches(nodeId, matcher.nodeId ?? {}));
}

function matches(text: string, { exact, prefix, suffix, contains, ignoreCase = false }: envoy.StringMatcher): boolean {
  // Envoy's ignore_case is about ASCII, and node ids are.
  const fold = (value: string): string => (ignoreCase ? value.toLowerCase() : value);
  const subject = fold(text);
  if (exact !== undefined) return subject === fold(exact);
  if (prefix !== undefined) return subject.startsWith(fold(prefix));
  if (suffix !== undefined) return subject.endsWith(fold(suffix));
  return subject.includes(fold(contains ?? ''));
}

function clientConfig({ nodeId, types }: ProxyStatus): envoy.ClientConfig {
  return { node: { id: nodeId }, genericXdsConfigs: types.flatMap(typeConfigs) };
}

/** One entry for the type as a whole, without a name, and one for each resource that the proxy refuses. */
function typeConfigs(type: TypeStatus): readonly envoy.ClientConfig_GenericXdsConfig[] {
  const { typeUrl, acked, sent, nack } = type;
  const last = acked ?? sent;
  return [
    {
      typeUrl,
      configStatus: configStatus(type),
      ...(last === undefined ? {} : { versionInfo: last.version, lastUpdated: timestamp(last.at) }),
      ...(nack === undefined ? {} : { errorState: errorState(nack) }),
    },
    ...(nack?.names ?? []).map((name) => ({
      typeUrl,
      name,
      configStatus: 'ERROR' as const,
      ...(nack === undefined ? {} : { errorState: errorState(nack) }),
    })),
  ];
}

/** In the words of csds.proto, where STALE is what waits for its ACK. */
function configStatus({ state, sent, acked }: TypeStatus): envoy.ConfigStatus {
  switch (state) {
    case 'synced':
      return 'SYNCED';
    case 'rejected':
      return 'ERROR';
    case 'pending':
      return sent !== undefined && (acked === undefined || acked.at < sent.at) ? 'STALE' : 'NOT_SENT';
  }
}

function errorState({ message, at }: NackStatus): envoy.UpdateFailureState {
  return { details: message, lastUpdateAttempt: timestamp(at) };
}

/** @param at milliseconds since 1970 */
function timestamp(at: number): envoy.Timestamp {
  return { seconds: Math.floor(at / 1000), nanos: (at % 1000) * 1_000_000 };
}
