import type { Dialect, Forward, HttpRule, Mirror, StringMatch, WeightedDestination } from '../../model/routing.ts';
import type * as envoy from '../envoy.ts';
import { milliseconds, percentOfMillion } from '../envoy.ts';
import { clusterOfTarget, type Target, type TargetCluster } from './destination.ts';
import { headerFields, hostFromHeaders, joinHeaderFields, type HeaderFields } from './header-operations.ts';
import { retryPolicy } from './retry.ts';
import { pathRewrite } from './rewrite.ts';

/** What a route needs to know of the mesh around it, resolved for one client and one port. */
export interface RouteSurroundings {
  readonly dialect: Dialect;
  /** The port on which requests come in. */
  readonly port: number;
  /** By what a target's endpoints are picked; empty: not by hash. */
  readonly hashPolicyOf: (target: Target) => readonly envoy.RouteAction_HashPolicy[];
  /** Whether calls of gRPC may be among the requests for a target. */
  readonly mayCarryGrpc: (target: Target) => boolean;
}

/** What forwarding takes: the action, and header operations that belong to the route around it. */
export interface ForwardRoute {
  readonly action: Pick<envoy.Route, 'route' | 'directResponse'>;
  readonly headers: HeaderFields;
  /** The only cluster of the route; undefined when the request's share decides. */
  readonly cluster: TargetCluster | undefined;
}

/**
 * Forwards a rule's requests to its destinations (policy A1 to A4, A7 to A13, A17, A24).
 *
 * `maxGrpcTimeout` lets calls of gRPC bring a limit of their own. It is deprecated, but its successor does not do the
 * same; since Envoy logs a warning for each one in each update of a table, it is left out where no such call can come
 * and nobody set a limit (policy A11).
 */
export function forwardRoute(
  rule: HttpRule,
  forward: Forward,
  path: StringMatch | undefined,
  around: RouteSurroundings,
): ForwardRoute {
  const own = headerFields(rule.headers);
  const destinations = inUse(forward.destinations);
  const first = destinations[0];
  if (first === undefined) return { action: unavailable(around.dialect), headers: own, cluster: undefined };
  const only = destinations.length === 1 ? first : undefined;
  const host = forward.rewrite?.authority ?? hostFromHeaders(rule.headers) ?? hostFromHeaders(only?.headers);
  const hashPolicy = around.hashPolicyOf(first.destination);
  const mirrors = forward.mirrors.filter((mirror) => mirror.percentage > 0);
  // Nothing said means no limit in either dialect, not Envoy's 15 seconds.
  const timeout = milliseconds(rule.timeoutMs ?? 0);
  const limitsGrpc =
    rule.timeoutMs !== undefined || destinations.some(({ destination }) => around.mayCarryGrpc(destination));
  const route: envoy.RouteAction = {
    ...clusterSpecifier(destinations, around),
    // A reference that leads nowhere takes its share of requests in both dialects, and answers differently (policy
    // P13).
    clusterNotFoundResponseCode: around.dialect === 'gateway' ? 'INTERNAL_SERVER_ERROR' : 'SERVICE_UNAVAILABLE',
    timeout,
    maxGrpcTimeout: limitsGrpc ? timeout : undefined,
    retryPolicy: retryPolicy(rule.retries, hashPolicy.length > 0),
    ...pathRewrite(forward.rewrite, path, around.dialect),
    hostRewriteLiteral: host,
    appendXForwardedHost: host !== undefined,
    hashPolicy,
    requestMirrorPolicies: mirrors.map((mirror) => mirrorPolicy(mirror, around)),
  };
  return {
    action: { route },
    headers: only === undefined ? own : joinHeaderFields(headerFields(only.headers), own),
    cluster: only === undefined ? undefined : clusterOfTarget(only.destination, around.port),
  };
}

/** A destination without weight gets nothing, unless it is the only one (policy A2). */
function inUse(destinations: readonly WeightedDestination[]): readonly WeightedDestination[] {
  return destinations.length > 1 ? destinations.filter(({ weight }) => weight > 0) : destinations;
}

function clusterSpecifier(
  destinations: readonly WeightedDestination[],
  around: RouteSurroundings,
): Pick<envoy.RouteAction, 'cluster' | 'weightedClusters'> {
  const [first] = destinations;
  if (destinations.length === 1 && first !== undefined)
    return { cluster: clusterOfTarget(first.destination, around.port).name };
  return { weightedClusters: { clusters: destinations.map((each) => weightedCluster(each, around)) } };
}

function weightedCluster(
  { destination, weight, headers }: WeightedDestination,
  around: RouteSurroundings,
): envoy.WeightedCluster_ClusterWeight {
  return {
    name: clusterOfTarget(destination, around.port).name,
    weight: { value: weight },
    ...headerFields(headers),
    hostRewriteLiteral: hostFromHeaders(headers),
  };
}

/** Nowhere to go: what an unknown destination answers in the dialect. */
function unavailable(dialect: Dialect): Pick<envoy.Route, 'directResponse'> {
  return { directResponse: { status: dialect === 'gateway' ? 500 : 503 } };
}

function mirrorPolicy(
  { destination, percentage }: Mirror,
  around: RouteSurroundings,
): envoy.RouteAction_RequestMirrorPolicy {
  return {
    cluster: clusterOfTarget(destination, around.port).name,
    runtimeFraction: { defaultValue: percentOfMillion(percentage) },
    // A copy is not part of the trace of the request.
    traceSampled: { value: false },
  };
}
