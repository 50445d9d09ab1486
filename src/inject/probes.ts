/**
 * Health checks of the application, as the node asks for them and as the sidecar carries them on: a node has no certificate, so that
 * where one is needed it reaches the sidecar's own port alone (kubernetes K112, policy P349).
 */

export type ProbeTarget =
  | { readonly kind: 'http' | 'https'; readonly port: number; readonly path: string }
  | { readonly kind: 'tcp'; readonly port: number }
  /** gRPC's own health service; an empty name asks for the server as a whole. */
  | { readonly kind: 'grpc'; readonly port: number; readonly service: string };

export interface CarriedProbe {
  /** Path at which the node asks the sidecar. */
  readonly path: string;
  readonly target: ProbeTarget;
}

/** `/app-health/web/readyz=http:8080/healthz`, `…=https:8443/`, `…=tcp:5432`, `…=grpc:9000/SERVICE`. */
export function probeText({ path, target }: CarriedProbe): string {
  switch (target.kind) {
    case 'http':
    case 'https':
      return `${path}=${target.kind}:${target.port}${target.path}`;
    case 'tcp':
      return `${path}=tcp:${target.port}`;
    case 'grpc':
      return `${path}=grpc:${target.port}${target.service === '' ? '' : `/${target.service}`}`;
  }
}

/** Reads what `probeText` writes; undefined when it is nothing of the kind. */
export function readProbe(text: string): CarriedProbe | undefined {
  const match = /^(\/[^=\s]*)=(https?|tcp|grpc):(\d{1,5})(\/.*)?$/.exec(text);
  if (match === null) return undefined;
  const [, path = '', kind, digits = '', rest = ''] = match;
  const port = Number(digits);
  if (port < 1 || port > 65_535) return undefined;
  if (kind === 'tcp') return rest === '' ? { path, target: { kind, port } } : undefined;
  if (kind === 'grpc') return { path, target: { kind, port, service: rest.slice(1) } };
  if (kind === 'http' || kind === 'https') return { path, target: { kind, port, path: rest === '' ? '/' : rest } };
  return undefined;
}
