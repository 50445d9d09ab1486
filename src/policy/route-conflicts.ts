import type { Read } from '../incremental/definitions.ts';
import { partsOfConfigKey, type ConfigKey } from '../model/keys.ts';
import { titleOf, type Finding } from '../model/provenance.ts';
import { isForSidecars, virtualServicesByHost } from './config-indexes.ts';
import type { DecodedVirtualService } from './dialects/istio/decoded.ts';
import { aboutObject, listed } from './finding.ts';
import { isWildcard } from './host-match.ts';
import { defaultVirtualServiceExportTo } from './mesh.ts';
import {
  inOrder,
  virtualServicesNaming,
  virtualServiceStanding,
  type VirtualServiceStanding,
} from './virtual-services.ts';
import { anyOtherNamespace, sharedAudience } from './visibility.ts';

/** VirtualServices that stand in each other's way. */

export function routeConflicts(read: Read, key: ConfigKey, virtualService: DecodedVirtualService): readonly Finding[] {
  if (!isForSidecars(virtualService)) return [];
  return virtualService.hosts.flatMap((host, index) => {
    const path = `spec.hosts[${index}]`;
    return [
      ...overruledFor(read, key, virtualService, host, path),
      ...(isWildcard(host) ? [] : hidesWildcards(read, key, virtualService, host, path)),
    ];
  });
}

/** Policy P401: of several for one host the first holds entirely. */
function overruledFor(
  read: Read,
  key: ConfigKey,
  virtualService: DecodedVirtualService,
  host: string,
  path: string,
): readonly Finding[] {
  const fallback = read(defaultVirtualServiceExportTo, 'mesh');
  const standings = standingsOf(read, read(virtualServicesByHost, host));
  const own = standings.find((standing) => standing.key === key);
  if (own === undefined || standings.length === 1) return [];
  const lostTo = new Map<ConfigKey, string[]>();
  for (const namespace of sharedAudience([own], fallback)) {
    const visible = standings.filter((other) => sharedAudience([other, own], fallback).includes(namespace));
    const [winner] = inOrder(visible, fallback, namespace);
    if (winner !== undefined && winner.key !== key) {
      lostTo.set(winner.key, [...(lostTo.get(winner.key) ?? []), namespace]);
    }
  }
  return [...lostTo].map(([winner, namespaces]) =>
    aboutObject(virtualService.reference, {
      severity: 'error',
      code: 'IST0109',
      path,
      message:
        `${titleOf(partsOfConfigKey(winner))} names the host ${host} too and holds ${forWhom(namespaces)}, ` +
        'so this object is not in force for the host there',
      advice: 'put the rules for the host into one object, the oldest is in force',
    }),
  );
}

/** Policy P402: what the rules for the host leave out does not fall through to a wildcard's. */
function hidesWildcards(
  read: Read,
  key: ConfigKey,
  virtualService: DecodedVirtualService,
  host: string,
  path: string,
): readonly Finding[] {
  const fallback = read(defaultVirtualServiceExportTo, 'mesh');
  return read(virtualServicesNaming, host)
    .filter((candidates) => candidates.host !== host)
    .flatMap((candidates) =>
      standingsOf(read, candidates.objects)
        .filter((hidden) => hidden.key !== key && sharedAudience([hidden, virtualService], fallback).length > 0)
        .map((hidden) =>
          aboutObject(virtualService.reference, {
            severity: 'warning',
            code: 'WEIR1401',
            path,
            message:
              `the rules of ${titleOf(partsOfConfigKey(hidden.key))} for ${candidates.host} no longer hold for ${host}: ` +
              'a request that no rule here matches answers 404',
            advice: 'end the rules here with a route without match, or repeat what shall hold for the host',
          }),
        ),
    );
}

function standingsOf(read: Read, keys: readonly ConfigKey[]): readonly VirtualServiceStanding[] {
  return keys.map((key) => read(virtualServiceStanding, key)).filter((standing) => standing !== undefined);
}

function forWhom(namespaces: readonly string[]): string {
  if (namespaces.includes(anyOtherNamespace)) return 'for clients of every namespace that no object names';
  return `for clients of ${listed(namespaces)}`;
}
