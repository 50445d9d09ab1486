/** What is spoken on a port. `auto` is left to detection by the proxy. */
export type Protocol =
  'http' | 'http2' | 'grpc' | 'grpc-web' | 'https' | 'tls' | 'tcp' | 'udp' | 'mongo' | 'redis' | 'mysql' | 'auto';

const byName: ReadonlyMap<string, Protocol> = new Map([
  ['http', 'http'],
  ['http2', 'http2'],
  ['grpc', 'grpc'],
  ['grpc-web', 'grpc-web'],
  ['https', 'https'],
  ['tls', 'tls'],
  ['tcp', 'tcp'],
  ['udp', 'udp'],
  ['mongo', 'mongo'],
  ['redis', 'redis'],
  ['mysql', 'mysql'],
]);

const byAppProtocol: ReadonlyMap<string, Protocol> = new Map([
  ['kubernetes.io/h2c', 'http2'],
  ['kubernetes.io/ws', 'http'],
  ['kubernetes.io/wss', 'https'],
]);

/** Ports whose servers speak first, so that detection would wait for ever. */
const serverFirstPorts: ReadonlySet<number> = new Set([25, 53, 3306, 27017]);

/**
 * The protocol of a Kubernetes service port: `appProtocol`, else the name up to the first `-`, else by number (policy P301, P302).
 *
 * @param transport the port's `protocol` field, `TCP` by default
 */
export function protocolOfPort(port: {
  readonly name?: string | undefined;
  readonly number: number;
  readonly appProtocol?: string | undefined;
  readonly transport?: string | undefined;
}): Protocol {
  if (port.transport === 'UDP') return 'udp';
  const declared = port.appProtocol?.toLowerCase();
  const fromAppProtocol = declared === undefined ? undefined : (byAppProtocol.get(declared) ?? byName.get(declared));
  if (fromAppProtocol !== undefined) return fromAppProtocol;
  const name = port.name?.toLowerCase() ?? '';
  const fromName = name.startsWith('grpc-web') ? 'grpc-web' : byName.get(name.split('-', 1)[0] ?? '');
  if (fromName !== undefined) return fromName;
  return serverFirstPorts.has(port.number) ? 'tcp' : 'auto';
}

/** Whether requests can be routed by their HTTP attributes without detection. */
export function isHttp(protocol: Protocol): boolean {
  return protocol === 'http' || isHttp2(protocol);
}

/** Whether calls of gRPC can come to a port: it takes HTTP/2, as far as is known. */
export function mayCarryGrpc(protocol: Protocol): boolean {
  return isHttp2(protocol) || protocol === 'auto';
}

/** Whether the upstream connection is HTTP/2 from its first byte. The server's proxy turns gRPC-Web into gRPC. */
export function isHttp2(protocol: Protocol): boolean {
  return protocol === 'http2' || protocol === 'grpc' || protocol === 'grpc-web';
}
