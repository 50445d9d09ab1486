import { compareText } from '../model/config-object.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { equalRecords } from './equality.ts';

/** The order and equality of endpoints, and which of them are served. */

export function equalEndpoints(a: Endpoint, b: Endpoint): boolean {
  return (
    a.address === b.address &&
    a.health === b.health &&
    a.weight === b.weight &&
    a.serviceAccount === b.serviceAccount &&
    a.workloadName === b.workloadName &&
    a.namespace === b.namespace &&
    a.locality.region === b.locality.region &&
    a.locality.zone === b.locality.zone &&
    a.locality.subZone === b.locality.subZone &&
    equalRecords(a.ports, b.ports) &&
    equalRecords(a.labels, b.labels)
  );
}

/** By address, then by ports: the same on every machine, whatever order the sources have. */
export function compareEndpoints(a: Endpoint, b: Endpoint): number {
  return compareText(a.address, b.address) || (a.ports === b.ports ? 0 : compareText(portsText(a), portsText(b)));
}

function portsText(endpoint: Endpoint): string {
  return Object.entries(endpoint.ports)
    .map(([name, port]) => `${name}:${port}`)
    .toSorted()
    .join();
}

/**
 * The endpoints that traffic may go to: the healthy ones, and the degraded ones for what those cannot take; while there is neither, those
 * that finish what they have, served like healthy ones (kubernetes K76). One per address and ports, since an endpoint may be in two slices for a moment (kubernetes K75).
 *
 * @param endpoints sorted by `compareEndpoints`
 */
export function servedEndpoints(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const usable = endpoints.filter(({ health }) => health === 'healthy' || health === 'degraded');
  if (usable.length > 0) return withoutRepeats(usable);
  const draining = endpoints.filter((endpoint) => endpoint.health === 'draining');
  return withoutRepeats(draining.map((endpoint) => ({ ...endpoint, health: 'healthy' as const })));
}

function withoutRepeats(sorted: readonly Endpoint[]): readonly Endpoint[] {
  return sorted.filter((endpoint, index) => {
    const previous = sorted[index - 1];
    return previous === undefined || compareEndpoints(previous, endpoint) !== 0;
  });
}
