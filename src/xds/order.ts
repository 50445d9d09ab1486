import type { Resource } from './resources.ts';

/**
 * In which order a proxy hears of things, as data (xds-protocol X55, X60, X121; hot-path H610). Within one change additions go by
 * the rank of their type (`resource-types.ts`); what does not follow from rank stands here.
 */

/** A changed resource sends what it refers to after it, changed or not, since Envoy waits for that while it warms the resource. */
export interface WarmingRule {
  readonly parent: string;
  readonly child: string;
  readonly namesIn: (parent: Resource) => readonly string[];
  /** Also what the client has not asked for yet: it will, and takes what is there already (X302). Not so elsewhere (X28). */
  readonly anticipates: boolean;
}

export const warmingRules: readonly WarmingRule[] = [
  { parent: 'cluster', child: 'endpoints', namesIn: childrenOf, anticipates: true },
  { parent: 'cluster', child: 'secret', namesIn: secretsOf, anticipates: false },
  { parent: 'listener', child: 'secret', namesIn: secretsOf, anticipates: false },
  { parent: 'listener', child: 'routes', namesIn: childrenOf, anticipates: false },
  // Virtual hosts that arrive before their route configuration are dropped.
  { parent: 'routes', child: 'virtualHosts', namesIn: childrenOf, anticipates: false },
];

function childrenOf({ children }: Resource): readonly string[] {
  return children;
}

function secretsOf({ secrets = [] }: Resource): readonly string[] {
  return secrets;
}

/** Types whose resources may name a new one of another type: those that do wait until the client has confirmed it, or for a time (X57). */
export const waitsForNew: ReadonlyMap<string, string> = new Map([
  ['listener', 'cluster'],
  ['routes', 'cluster'],
  ['virtualHosts', 'cluster'],
]);

/** Types whose removals wait until the client has confirmed those of other types that stopped naming what goes (X55, P346). */
export const removalWaitsFor: ReadonlyMap<string, readonly string[]> = new Map([
  ['cluster', ['listener', 'routes', 'virtualHosts']],
]);

/**
 * Types whose resources are used for a while by those of another type that are gone: a listener that was removed or replaced goes
 * on serving the connections that it has.
 */
export const drainsThrough: ReadonlyMap<string, string> = new Map([['cluster', 'listener']]);

/** Time limits, in milliseconds. */
export const deadlines = {
  /** How long routes wait for a new cluster, from when it was sent, that the client does not confirm (X57). */
  newClusters: 20_000,
  /** A client that asks for no listeners for so long after it connected has none, so no route stands in the way of a removal. */
  noListeners: 5_000,
  /** Clusters are removed so late from a client that hears of its routes on another stream (X59). */
  separateRemoval: 15_000,
  /** How long a listener drains: Envoy's default of `--drain-time-s`. */
  draining: 600_000,
  /** An ACK that takes longer is reported (X69). */
  overdue: 60_000,
} as const;

/** Bytes of resources in one delta response, unless a single one is larger (hot-path H606). */
const responseLimit = 256 * 1024;
/**
 * Of virtual hosts as many as gRPC takes by default: for each response Envoy makes the whole route configuration again, and from the first one
 * on it takes traffic with what it has (X311).
 */
const virtualHostsLimit = 3_500_000;

/** @param type short name of the type */
export function responseLimitOf(type: string): number {
  return type === 'virtualHosts' ? virtualHostsLimit : responseLimit;
}
