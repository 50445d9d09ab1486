import type { Violation } from '../../model/provenance.ts';
import { identityOf } from './kept-object.ts';
import { isMapping } from './objects/object-rows.ts';
import { errorAt } from './objects/violations.ts';
import type { ApiResource, RawObject, Reflected } from './reflector/reflected.ts';

/** Secrets that say how to reach further clusters: each entry is the kubeconfig of the cluster that has its name (K115). */

export const secretResource: ApiResource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
export const remoteClusterSelector = 'weir.dev/remote-cluster=true';

export interface KeptSecret extends Reflected {
  /** Name of a cluster -> text of its kubeconfig. */
  readonly kubeconfigs: ReadonlyMap<string, string>;
}

/** How to reach one cluster, and which Secret says so. */
export interface RemoteEntry {
  readonly secret: string;
  readonly cluster: string;
  readonly kubeconfig: string;
}

/** Why an entry is not taken. */
export interface RefusedEntry extends RemoteEntry {
  readonly violations: readonly Violation[];
}

/** Reads a Secret as the server sent it. */
export function keepSecret(object: RawObject): KeptSecret {
  const data = isMapping(object['data']) ? object['data'] : {};
  const kubeconfigs = Object.entries(data).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, Buffer.from(value, 'base64').toString('utf8')] as const] : [],
  );
  return { ...identityOf(object), kubeconfigs: new Map(kubeconfigs) };
}

/**
 * The clusters that Secrets name, each once: of two entries of one name the first counts, by the names of the Secrets.
 *
 * @param taken names that other sources have
 */
export function remoteEntries(
  secrets: Iterable<KeptSecret>,
  taken: ReadonlySet<string>,
): { readonly entries: ReadonlyMap<string, RemoteEntry>; readonly refused: readonly RefusedEntry[] } {
  const entries = new Map<string, RemoteEntry>();
  const refused: RefusedEntry[] = [];
  for (const { key, kubeconfigs } of [...secrets].toSorted((a, b) => (a.key < b.key ? -1 : 1))) {
    for (const [cluster, kubeconfig] of kubeconfigs) {
      const entry = { secret: key, cluster, kubeconfig };
      const violation = nameViolation(entry, entries, taken);
      if (violation === undefined) entries.set(cluster, entry);
      else refused.push({ ...entry, violations: [violation] });
    }
  }
  return { entries, refused };
}

const clusterName = /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/;

function nameViolation(
  { cluster }: RemoteEntry,
  entries: ReadonlyMap<string, RemoteEntry>,
  taken: ReadonlySet<string>,
): Violation | undefined {
  if (!clusterName.test(cluster)) {
    const message = 'the name of the entry is the name of the cluster, and cannot be one';
    return errorAt('WEIR1019', '', message, 'use up to 63 lower-case letters, digits, dashes and dots');
  }
  const other = entries.get(cluster);
  if (other === undefined && !taken.has(cluster)) return undefined;
  const where = other === undefined ? 'by Weir itself' : `in the Secret ${other.secret}, which counts`;
  return errorAt('WEIR2010', '', `the name ${cluster} is already given ${where}`, 'name each cluster once');
}
