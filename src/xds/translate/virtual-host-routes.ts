import { isDeepStrictEqual } from 'node:util';
import type { Query, Read } from '../../incremental/definitions.ts';
import { compositeKey, partsOf, scopeKey, type ScopeKey, type ServiceKey } from '../../model/keys.ts';
import type { Provenance } from '../../model/provenance.ts';
import type { Service } from '../../model/service.ts';
import { defaultRetries } from '../../policy/mesh.ts';
import { connectionRules, httpRouting } from '../../policy/routing.ts';
import { scopeFactsOf } from '../../policy/scope.ts';
import { serviceForHost, serviceForHostKey, serviceOf } from '../../policy/services.ts';
import type * as envoy from '../envoy.ts';
import { milliseconds } from '../envoy.ts';
import { encode } from '../proto.ts';
import { RuleViolationError } from '../publishable.ts';
import { validate } from '../validation.ts';
import { equalBytes } from './bytes.ts';
import { clusterOfTarget, type Target } from './destination.ts';
import { routeHashPolicy } from './hash-policy.ts';
import { retryPolicy } from './retry.ts';
import type { RouteSurroundings } from './route-action.ts';
import { hasGrpcPort, servedPorts } from './route-hosts.ts';
import { operation, translateRules } from './routes.ts';
import { targetMayCarryGrpc } from './target-grpc.ts';
import { targetPolicy } from './target-policy.ts';

/** What a virtual host does with requests, and which objects made it so: the part that depends on policy. */
export interface VirtualHostRoutes {
  /** Encoded: everything but name and domains. */
  readonly bytes: Uint8Array;
  readonly provenance: readonly Provenance[];
}

const typeName = 'envoy.config.route.v3.VirtualHost';

/** The key of `httpRoutes` and `tunnelRoutes`. */
export function hostRoutesKey(scope: ScopeKey, port: number, hostname: string): string {
  return compositeKey(scope, port, hostname);
}

/**
 * Routes of one host on one port, for HTTP; undefined: the plain ones, which all clients share. Fails, and so keeps the
 * last good ones, when Envoy would refuse them together with the whole table. The key is `scope port hostname`, the
 * scope a client's.
 */
export const httpRoutes: Query<string, VirtualHostRoutes | undefined> = {
  name: 'httpRoutes',
  compute(read, key) {
    const { scope, port, hostname, service } = asked(read, key);
    const routing = read(httpRouting, key);
    const policies: Provenance[] = [];
    const around: RouteSurroundings = {
      dialect: routing?.dialect ?? 'istio',
      port,
      hashPolicyOf(target) {
        const effective = targetPolicy(read, scope, target, port);
        const hashPolicy = effective === undefined ? [] : routeHashPolicy(effective.policy);
        if (hashPolicy.length > 0) policies.push(...(effective?.provenance ?? []));
        return hashPolicy;
      },
      mayCarryGrpc: (target) => targetMayCarryGrpc(read, scope, target, port),
    };
    if (routing !== undefined) {
      const provenance = [...originOf(read, service), routing.provenance, ...policies];
      return { bytes: encodeRoutes(translateRules(routing.rules, around)), provenance };
    }
    const target = serviceTarget(hostname, port);
    const hashPolicy = around.hashPolicyOf(target);
    const mayCarryGrpc = around.mayCarryGrpc(target);
    const isGrpcPort = service !== undefined && hasGrpcPort(read(servedPorts, service), port);
    if (hashPolicy.length === 0 && mayCarryGrpc === isGrpcPort) return undefined;
    const routes = [defaultRoute(read, hostname, port, { hashPolicy, mayCarryGrpc })];
    return { bytes: encodeRoutes(routes), provenance: [...originOf(read, service), ...policies] };
  },
  equal: (a, b) => a === b || (a !== undefined && b !== undefined && equalRoutes(a, b)),
};

/**
 * Encoded routes of a host that no policy speaks of.
 *
 * @param service undefined: a host that only policy knows
 */
export function plainRoutes(read: Read, service: Service | undefined, hostname: string, port: number): Uint8Array {
  const mayCarryGrpc = service !== undefined && hasGrpcPort(read(servedPorts, service.key), port);
  return encodeRoutes([defaultRoute(read, hostname, port, { hashPolicy: [], mayCarryGrpc })]);
}

/**
 * The route of a client that opens a tunnel with CONNECT to a port that does not speak HTTP (policy P351). The tunnel
 * follows the host's first `tcp` rule for any address; rules for server names would need a look inside. The key is that
 * of `httpRoutes`.
 */
export const tunnelRoutes: Query<string, VirtualHostRoutes> = {
  name: 'tunnelRoutes',
  compute(read, key) {
    const { port, hostname, service } = asked(read, key);
    const rule = read(connectionRules, key).find(
      ({ kind, destinationSubnets }) => kind === 'tcp' && destinationSubnets.length === 0,
    );
    const split = rule?.destinations.filter(({ weight }) => weight > 0) ?? [];
    const targets = split.length > 0 ? split : [{ destination: serviceTarget(hostname, port), weight: 1 }];
    const clusters = targets.map(({ destination, weight }) => ({
      name: clusterOfTarget(destination, port).name,
      weight: { value: weight },
    }));
    const route: envoy.RouteAction = {
      ...(clusters.length > 1 ? { weightedClusters: { clusters } } : { cluster: clusters[0]?.name }),
      timeout: milliseconds(0),
      upgradeConfigs: [{ upgradeType: 'CONNECT', connectConfig: {} }],
    };
    return {
      bytes: encode(typeName, { routes: [{ name: 'tunnel', match: { connectMatcher: {} }, route }] }),
      provenance: [...originOf(read, service), ...(rule === undefined ? [] : [rule.provenance])],
    };
  },
  equal: equalRoutes,
};

/** What a host answers whose routes Envoy would refuse, and which had none before. */
export const unavailableRoutes: VirtualHostRoutes = {
  bytes: encodeRoutes([{ name: 'unavailable', match: { prefix: '/' }, directResponse: { status: 503 } }]),
  provenance: [],
};

interface Asked {
  readonly scope: ScopeKey;
  readonly port: number;
  readonly hostname: string;
  /** undefined: a host that only policy knows. */
  readonly service: ServiceKey | undefined;
}

function asked(read: Read, key: string): Asked {
  const [text = '', port = '', hostname = ''] = partsOf(key);
  const scope = scopeKey(text);
  const { namespace } = scopeFactsOf(scope, 'client');
  return { scope, port: Number(port), hostname, service: read(serviceForHost, serviceForHostKey(namespace, hostname)) };
}

/** @throws RuleViolationError when Envoy would refuse one of the routes */
function encodeRoutes(routes: readonly envoy.Route[]): Uint8Array {
  // Name and domains are in the head.
  const violations = validate(typeName, { name: '-', domains: ['*'], routes });
  if (violations.length > 0) throw new RuleViolationError(typeName, violations);
  return encode(typeName, { routes, includeRequestAttemptCount: true });
}

interface DefaultRouteOptions {
  readonly hashPolicy: readonly envoy.RouteAction_HashPolicy[];
  readonly mayCarryGrpc: boolean;
}

/** What holds for a host without rules (policy P116). */
function defaultRoute(
  read: Read,
  hostname: string,
  port: number,
  { hashPolicy, mayCarryGrpc }: DefaultRouteOptions,
): envoy.Route {
  const cluster = clusterOfTarget(serviceTarget(hostname, port), port);
  const match: envoy.RouteMatch = { prefix: '/' };
  return {
    name: 'default',
    match,
    route: {
      cluster: cluster.name,
      timeout: milliseconds(0),
      maxGrpcTimeout: mayCarryGrpc ? milliseconds(0) : undefined,
      retryPolicy: retryPolicy(read(defaultRetries, 'mesh'), hashPolicy.length > 0),
      hashPolicy,
    },
    decorator: { operation: operation(match, cluster) },
  };
}

function serviceTarget(host: string, port: number): Target {
  return { host, subset: '', port };
}

function originOf(read: Read, key: ServiceKey | undefined): readonly Provenance[] {
  const service = key === undefined ? undefined : read(serviceOf, key);
  return service === undefined ? [] : [service.declaredBy];
}

function equalRoutes(a: VirtualHostRoutes, b: VirtualHostRoutes): boolean {
  return equalBytes(a.bytes, b.bytes) && isDeepStrictEqual(a.provenance, b.provenance);
}
