import type { Index, Query } from '../incremental/definitions.ts';
import type { ConfigKey } from '../model/keys.ts';
import type { ConfigObject } from '../model/config-object.ts';
import { equalLists } from './equality.ts';

/** Host names and the patterns that cover them: a full name, `*.suffix` (any depth below, not the suffix itself), or `*` (policy G2). */

export function isWildcard(host: string): boolean {
  return host.startsWith('*');
}

/**
 * Whether a pattern covers a host name, or everything that another pattern covers (policy G2).
 *
 * @param host in lower case, like the pattern
 */
export function hostCovers(pattern: string, host: string): boolean {
  if (pattern === host || pattern === '*') return true;
  if (!isWildcard(pattern)) return false;
  return host.length >= pattern.length && host.endsWith(pattern.slice(1));
}

/** The next wider wildcard: `*.b.c` above `a.b.c`, `*.c` above `*.b.c`, `*` above `*.c`, nothing above `*`. */
export function wildcardAbove(host: string): string | undefined {
  if (host === '*') return undefined;
  const dot = isWildcard(host) ? host.indexOf('.', 2) : host.indexOf('.');
  return dot === -1 ? '*' : `*${host.slice(dot)}`;
}

/** The objects that name one host pattern, in ascending order of key. */
export interface HostCandidates {
  readonly host: string;
  readonly objects: readonly ConfigKey[];
}

/**
 * Makes the query that finds, for a host name, the objects which name it or a wildcard above it, most specific first (policy G2).
 * Wildcards are looked up by a chain of shared queries, one per domain: hosts of one domain cost one lookup together, and a new
 * wildcard disturbs only the names below it.
 *
 * @param index of configuration objects by the host patterns that they name
 */
export function objectsByHost(
  name: string,
  index: Index<string, ConfigKey, ConfigObject>,
): Query<string, readonly HostCandidates[]> {
  const below: Query<string, readonly HostCandidates[]> = {
    name,
    compute(read, host) {
      const above = wildcardAbove(host);
      const wider = above === undefined ? none : read(below, above);
      const objects = read(index, host);
      return objects.length === 0 ? wider : [{ host, objects }, ...wider];
    },
    equal: (a, b) => equalLists(a, b, equalCandidates),
  };
  return below;
}

const none: readonly HostCandidates[] = [];

function equalCandidates(a: HostCandidates, b: HostCandidates): boolean {
  return a.host === b.host && equalLists(a.objects, b.objects);
}
