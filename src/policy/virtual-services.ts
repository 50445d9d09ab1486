import { isDeepStrictEqual } from 'node:util';
import type { Query } from '../incremental/definitions.ts';
import { compareByAge } from '../model/config-object.ts';
import { partsOf, type ConfigKey } from '../model/keys.ts';
import { virtualServicesByHost } from './config-indexes.ts';
import { readVirtualService } from './decoded-objects.ts';
import { objectsByHost } from './host-match.ts';
import { defaultVirtualServiceExportTo } from './mesh.ts';
import { isExportedTo, type ExportTo } from './visibility.ts';

/** Which VirtualService the sidecars of a namespace follow for a host (policy P110, P112). */

/** VirtualServices for sidecars that name a host or a wildcard above it, most specific first. */
export const virtualServicesNaming = objectsByHost('virtualServicesNaming', virtualServicesByHost);

/** What decides between VirtualServices of one host; an edit of routes leaves it alone. */
export interface VirtualServiceStanding {
  readonly key: ConfigKey;
  readonly namespace: string;
  readonly name: string;
  readonly createdAt: number;
  readonly exportTo: ExportTo;
}

export const virtualServiceStanding: Query<ConfigKey, VirtualServiceStanding | undefined> = {
  name: 'virtualServiceStanding',
  compute(read, key) {
    const virtualService = readVirtualService(read, key);
    if (virtualService === undefined) return undefined;
    const { namespace, name, createdAt, exportTo } = virtualService;
    return { key, namespace, name, createdAt, exportTo };
  },
  equal: isDeepStrictEqual,
};

/**
 * The VirtualService that clients of a namespace follow for a host: of the most specific host pattern that any visible one names,
 * the first. It holds entirely; the others are not in force for the host, also where it has no rule (policy P112).
 * The key is `namespace hostname`.
 */
export const effectiveVirtualService: Query<string, ConfigKey | undefined> = {
  name: 'effectiveVirtualService',
  compute(read, key) {
    const [namespace = '', hostname = ''] = partsOf(key);
    const candidates = read(virtualServicesNaming, hostname);
    if (candidates.length === 0) return undefined;
    const fallback = read(defaultVirtualServiceExportTo, 'mesh');
    for (const { objects } of candidates) {
      const visible = objects
        .map((object) => read(virtualServiceStanding, object))
        .filter((standing) => standing !== undefined)
        .filter((standing) => isExportedTo(standing.exportTo, fallback, standing.namespace, namespace));
      if (visible.length > 0) return inOrder(visible, fallback, namespace)[0]?.key;
    }
    return undefined;
  },
};

/** Private to the client's namespace first, then exported to it by name, then public; each oldest first (policy P110, G4). */
export function inOrder(
  standings: readonly VirtualServiceStanding[],
  fallback: readonly string[],
  namespace: string,
): readonly VirtualServiceStanding[] {
  const rank = (standing: VirtualServiceStanding): number => {
    const targets = standing.exportTo ?? fallback;
    if (targets.includes('*')) return 2;
    return targets.includes('.') && standing.namespace === namespace ? 0 : 1;
  };
  return standings.toSorted((a, b) => rank(a) - rank(b) || compareByAge(a, b));
}
