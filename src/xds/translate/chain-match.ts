import { parseCidr } from '../../model/cidr.ts';

/**
 * Which connections of a listener a filter chain takes. Envoy compares the conditions in the order in which they stand
 * here, takes the most specific value of each and never goes back, and it refuses a whole listener of which two chains
 * could be meant.
 */
export interface ChainMatch {
  readonly destinationPort?: number;
  /** Blocks of destination addresses; empty: any. */
  readonly destinations: readonly string[];
  /** Names that the client asks for in its TLS greeting, `*.suffix` allowed; empty: any, also none. */
  readonly serverNames: readonly string[];
  readonly transport?: 'raw_buffer' | 'tls';
  readonly applicationProtocols: readonly string[];
}

export const anyConnection: ChainMatch = { destinations: [], serverNames: [], applicationProtocols: [] };

/** What the HTTP inspector says of a connection that speaks HTTP in the clear. */
export const plaintextHttp: readonly string[] = ['http/1.1', 'h2c'];

/** Whether the match takes every connection that no other chain takes: Envoy calls such a chain the default. */
export function isCatchAll(match: ChainMatch): boolean {
  return (
    match.destinationPort === undefined &&
    match.transport === undefined &&
    match.destinations.length === 0 &&
    match.serverNames.length === 0 &&
    match.applicationProtocols.length === 0
  );
}

/**
 * Leaves to each chain only the connections that no earlier one takes by exactly the same conditions, and each of them
 * once (policy P315, P336): the first wins, and a chain that is left with nothing is dropped.
 */
export function uniqueMatches<Chain extends { readonly match: ChainMatch }>(
  chains: readonly Chain[],
): readonly Chain[] {
  const taken = new Set<string>();
  return chains.flatMap((chain) => {
    const single = singleMatches(chain.match);
    const free = single.filter((match) => {
      const key = canonical(match);
      if (taken.has(key)) return false;
      taken.add(key);
      return true;
    });
    if (free.length === single.length) return [chain];
    return free.map((match) => ({ ...chain, match }));
  });
}

/** The match as alternatives that hold at most one value per condition. */
function singleMatches(match: ChainMatch): readonly ChainMatch[] {
  const alternatives: ChainMatch[] = [];
  for (const destinations of oneByOne(match.destinations)) {
    for (const serverNames of oneByOne(match.serverNames)) {
      for (const applicationProtocols of oneByOne(match.applicationProtocols)) {
        alternatives.push({ ...match, destinations, serverNames, applicationProtocols });
      }
    }
  }
  return alternatives;
}

function oneByOne(values: readonly string[]): readonly (readonly string[])[] {
  return values.length === 0 ? [[]] : values.map((value) => [value]);
}

function canonical(match: ChainMatch): string {
  return JSON.stringify([
    match.destinationPort,
    match.destinations.map(canonicalBlock),
    match.serverNames.map((name) => name.toLowerCase()),
    match.transport,
    match.applicationProtocols,
  ]);
}

/** Envoy ignores the bits behind the prefix. */
function canonicalBlock(text: string): string {
  const cidr = parseCidr(text);
  return cidr === undefined ? text : `${cidr.family} ${cidr.network}/${cidr.prefixLength}`;
}
