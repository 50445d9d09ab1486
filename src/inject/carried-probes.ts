import type { Container, Probe } from './pod.ts';
import type { CarriedProbe, ProbeTarget } from './probes.ts';

/** Containers whose probes are asked of the sidecar, and what it has to carry on for them. */
export interface CarriedProbes<Containers> {
  readonly containers: Containers;
  readonly probes: readonly CarriedProbe[];
}

const kinds = { livenessProbe: 'livez', readinessProbe: 'readyz', startupProbe: 'startupz' } as const;

/**
 * @param statusPort where the sidecar answers
 * @param isReachable whether a port is none of the sidecar's business: its probes stay as they are
 */
export function carryProbes(
  containers: readonly Container[],
  statusPort: number,
  isReachable: (port: number) => boolean,
): CarriedProbes<readonly Container[]> {
  const probes: CarriedProbe[] = [];
  const rewritten = containers.map((container) => {
    const changes: Record<string, Probe> = {};
    for (const [field, name] of Object.entries(kinds)) {
      const probe = container[field as keyof typeof kinds];
      const target = probe === null || probe === undefined ? undefined : targetOf(probe, container);
      if (probe === null || probe === undefined || target === undefined || isReachable(target.port)) continue;
      const path = `/app-health/${container.name}/${name}`;
      probes.push({ path, target });
      changes[field] = askedOfSidecar(probe, path, statusPort);
    }
    return Object.keys(changes).length === 0 ? container : { ...container, ...changes };
  });
  return { containers: rewritten, probes };
}

/** undefined: a command in the container, or a check of something that is not in the pod. */
function targetOf({ httpGet, tcpSocket, grpc }: Probe, container: Container): ProbeTarget | undefined {
  const check = httpGet ?? tcpSocket ?? grpc;
  if (check === undefined || check === null || (typeof check['host'] === 'string' && check['host'] !== '')) {
    return undefined;
  }
  const port = portNumber(check.port, container);
  if (port === undefined) return undefined;
  if (grpc !== undefined && grpc !== null) return { kind: 'grpc', port, service: grpc.service ?? '' };
  if (httpGet === undefined || httpGet === null) return { kind: 'tcp', port };
  const path = httpGet.path ?? '/';
  return {
    kind: httpGet.scheme === 'HTTPS' ? 'https' : 'http',
    port,
    path: path.startsWith('/') ? path : `/${path}`,
  };
}

function portNumber(port: number | string, { ports }: Container): number | undefined {
  if (typeof port === 'number') return port;
  if (/^\d+$/.test(port)) return Number(port);
  return ports?.find(({ name }) => name === port)?.containerPort;
}

/** Headers of the check, times and thresholds stay. */
function askedOfSidecar({ httpGet, tcpSocket: _tcp, grpc: _grpc, ...rest }: Probe, path: string, port: number): Probe {
  const headers = httpGet?.['httpHeaders'];
  return { ...rest, httpGet: { path, port, ...(headers === undefined ? {} : { httpHeaders: headers }) } };
}
