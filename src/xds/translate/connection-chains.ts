import type { Read } from '../../incremental/definitions.ts';
import { compositeKey, type ScopeKey } from '../../model/keys.ts';
import type { Provenance } from '../../model/provenance.ts';
import type { ConnectionRule, WeightedDestination } from '../../model/routing.ts';
import { connectionRules } from '../../policy/routing.ts';
import { anyConnection, type ChainMatch } from './chain-match.ts';
import { clusterOfTarget, type Target } from './destination.ts';
import { connectionHashPolicy } from './hash-policy.ts';
import { anyAddress } from './listener.ts';
import type { Claim } from './outbound-claims.ts';
import { targetPolicy } from './target-policy.ts';
import type { ConnectionTarget } from './tcp-proxy.ts';

/** Where connections that are not looked into go, and which objects say so (policy T1 to T4, P312). */
export interface ConnectionChain {
  readonly match: ChainMatch;
  readonly target: ConnectionTarget;
  readonly provenance: readonly Provenance[];
}

/** A claim whose connections are asked for. */
export interface ClaimedConnections {
  readonly read: Read;
  /** A client's. */
  readonly scope: ScopeKey;
  readonly claim: Claim;
  /** Other services claim the same address and port. */
  readonly isShared: boolean;
}

/** The chains of a claim, first wins. */
export function connectionChains(asked: ClaimedConnections): readonly ConnectionChain[] {
  const { read, scope, claim } = asked;
  const rules = read(connectionRules, compositeKey(scope, claim.port, claim.hostname));
  return claim.kind === 'tls' ? chainsByServerName(asked, rules) : chainsByAddress(asked, rules);
}

function chainsByAddress(asked: ClaimedConnections, rules: readonly ConnectionRule[]): readonly ConnectionChain[] {
  const ruled = rules.filter(({ kind }) => kind === 'tcp');
  const chains = ruled.map((rule) => chainOfRule(asked, rule));
  const isComplete = ruled.some(({ destinationSubnets }) => destinationSubnets.length === 0);
  return isComplete ? chains : [...chains, ownChain(asked, [])];
}

/** A server name that no rule has leads nowhere, as a path without a rule does (policy P13). */
function chainsByServerName(asked: ClaimedConnections, rules: readonly ConnectionRule[]): readonly ConnectionChain[] {
  const ruled = rules.filter(({ kind }) => kind === 'tls');
  if (ruled.length > 0) return ruled.map((rule) => chainOfRule(asked, rule));
  const { address, hostname } = asked.claim;
  const byName = hostname === '*' ? [] : [ownChain(asked, [hostname])];
  // Without an address of its own only the name that the client asks for tells the service from others (policy E3).
  if (address === anyAddress) return byName.length > 0 ? byName : [ownChain(asked, [])];
  // On its own address everything is the service's, whatever the name (policy P303).
  return [...(asked.isShared ? byName : []), ownChain(asked, [])];
}

function chainOfRule(asked: ClaimedConnections, rule: ConnectionRule): ConnectionChain {
  const { destinations, destinationSubnets, serverNames, provenance } = rule;
  const blocks = destinationSubnets.length > 0 ? destinationSubnets : asked.claim.destinations;
  return connectionChain(asked, {
    destinations,
    statPrefix: `${provenance.name}.${provenance.namespace}`,
    match: { ...anyConnection, destinations: blocks, serverNames },
    provenance: [provenance],
  });
}

function ownChain(asked: ClaimedConnections, serverNames: readonly string[]): ConnectionChain {
  const { hostname, port, destinations } = asked.claim;
  const destination: Target = { host: hostname, subset: '', port };
  return connectionChain(asked, {
    destinations: [{ destination, weight: 1 }],
    statPrefix: '',
    match: { ...anyConnection, destinations, serverNames },
    provenance: [],
  });
}

interface ChainParts {
  readonly destinations: readonly (Pick<WeightedDestination, 'weight'> & { readonly destination: Target })[];
  /** Of the statistics where several clusters share connections. */
  readonly statPrefix: string;
  readonly match: ChainMatch;
  readonly provenance: readonly Provenance[];
}

function connectionChain({ read, scope, claim }: ClaimedConnections, parts: ChainParts): ConnectionChain {
  const { destinations, statPrefix, match, provenance } = parts;
  const used = destinations.length > 1 ? destinations.filter(({ weight }) => weight > 0) : destinations;
  const clusters = used.map(({ destination, weight }) => ({
    name: clusterOfTarget(destination, claim.port).name,
    weight: Math.max(weight, 1),
  }));
  const first = used[0]?.destination;
  // Settings of a connection hold before it is known which cluster it will have.
  const effective = first === undefined ? undefined : targetPolicy(read, scope, first, claim.port);
  const connectionPool = effective?.policy.connectionPool;
  const hashPolicy = effective === undefined ? [] : connectionHashPolicy(effective.policy);
  const isShaped =
    connectionPool?.tcpIdleTimeoutMs !== undefined ||
    connectionPool?.maxConnectionDurationMs !== undefined ||
    hashPolicy.length > 0;
  return {
    match,
    target: {
      statPrefix: clusters.length === 1 ? (clusters[0]?.name ?? '') : statPrefix,
      clusters,
      connectionPool,
      hashPolicy,
    },
    provenance: [...provenance, ...(isShaped ? (effective?.provenance ?? []) : [])],
  };
}
