import { isDeepStrictEqual } from 'node:util';
import type { Query, Read } from '../incremental/definitions.ts';
import { compositeKey, partsOf, partsOfServiceKey, scopeKey, type ConfigKey, type ScopeKey } from '../model/keys.ts';
import type {
  ConnectionRule,
  Destination,
  HttpAction,
  HttpMatch,
  HttpRouting,
  HttpRule,
  WeightedDestination,
} from '../model/routing.ts';
import { virtualServicesByVisibility } from './config-indexes.ts';
import { readVirtualService } from './decoded-objects.ts';
import type { DecodedConnectionRoute, DecodedHttpRoute, DecodedVirtualService } from './dialects/istio/decoded.ts';
import { withPort } from './destination-ports.ts';
import { equalLists } from './equality.ts';
import { hostCovers, isWildcard } from './host-match.ts';
import { defaultRetries, defaultVirtualServiceExportTo } from './mesh.ts';
import { effectiveRetries } from './retries.ts';
import { scopeFactsOf } from './scope.ts';
import { serviceForHost, serviceForHostKey, visibleServices } from './services.ts';
import { conditionsHold, type RouteClient } from './static-conditions.ts';
import { effectiveVirtualService } from './virtual-services.ts';
import { keysSeenBy, keysSeenByEverybody } from './visibility.ts';

/** What a client's requests and connections for a host follow. */

/** The key of `httpRouting` and `connectionRules`. */
interface Asked extends RouteClient {
  readonly hostname: string;
}

function asked(key: string): Asked {
  const [scope = '', port = '', hostname = ''] = partsOf(key);
  const { namespace, labels } = scopeFactsOf(scopeKey(scope), 'client');
  return { namespace, labels, port: Number(port), hostname };
}

function virtualServiceFor(read: Read, client: Asked): DecodedVirtualService | undefined {
  const key = read(effectiveVirtualService, compositeKey(client.namespace, client.hostname));
  return key === undefined ? undefined : readVirtualService(read, key);
}

/**
 * The rules for requests of one client for one host on one port, in the order in which they are tried, with nothing left in them
 * that a request could not decide (policy H11 to H14). The key is `scope port hostname`, the scope a client's.
 *
 * undefined: no rule concerns this client and port, so the host has default routing there (policy P116). That holds too where a
 * VirtualService names the host and all its routes are for other ports or clients, as in Istio: a rule for some clients must not
 * cut the others off. The less specific VirtualServices stay out of force either way (policy P112).
 */
export const httpRouting: Query<string, HttpRouting | undefined> = {
  name: 'httpRouting',
  compute(read, key) {
    const client = asked(key);
    const virtualService = virtualServiceFor(read, client);
    if (virtualService === undefined) return undefined;
    const rules = reachableRules(virtualService.http, client);
    if (rules.length === 0) return undefined;
    return {
      dialect: 'istio',
      rules: rules.map((rule) => completed(read, rule, client)),
      provenance: { ...virtualService.reference, path: 'spec.http' },
    };
  },
  equal: isDeepStrictEqual,
};

/** Up to and with the first match that takes every request: nothing behind it can be reached (policy P102). */
function reachableRules(routes: readonly DecodedHttpRoute[], client: RouteClient): readonly HttpRule[] {
  const rules: HttpRule[] = [];
  for (const route of routes) {
    const matches = route.matches
      .filter(({ conditions }) => conditionsHold(conditions, client))
      .map(({ match }) => match);
    if (route.matches.length > 0 && matches.length === 0) continue;
    const last = matches.findIndex(isCatchAll);
    rules.push({ ...route.rule, matches: last === -1 ? matches : matches.slice(0, last + 1) });
    if (matches.length === 0 || last !== -1) break;
  }
  return rules;
}

/** Whether a match takes every request (policy P102). */
function isCatchAll(match: HttpMatch): boolean {
  const { path, method, scheme, authority, headers, query } = match;
  const everyPath =
    path === undefined ||
    (path.kind === 'prefix' && path.value === '/') ||
    (path.kind === 'regex' && (path.value === '.*' || path.value === '*'));
  const anyRequest = method === undefined && scheme === undefined && authority === undefined;
  return everyPath && anyRequest && headers.length === 0 && query.length === 0;
}

function completed(read: Read, rule: HttpRule, client: RouteClient): HttpRule {
  return {
    ...rule,
    action: withPorts(read, rule.action, client),
    retries: effectiveRetries(rule.retries, read(defaultRetries, 'mesh')),
  };
}

function withPorts(read: Read, action: HttpAction, client: RouteClient): HttpAction {
  if (action.kind !== 'forward') return action;
  return {
    ...action,
    destinations: destinationsWithPorts(read, action.destinations, client),
    mirrors: action.mirrors.map((mirror) => ({
      ...mirror,
      destination: withPort(read, mirror.destination, client.namespace, client.port),
    })),
  };
}

function destinationsWithPorts(
  read: Read,
  destinations: readonly WeightedDestination[],
  client: RouteClient,
): readonly WeightedDestination[] {
  const ported = (destination: Destination): Destination => withPort(read, destination, client.namespace, client.port);
  return destinations.map((weighted) => ({ ...weighted, destination: ported(weighted.destination) }));
}

/**
 * The rules for connections of one client to one host and port: by server name those of `tls`, without looking inside those of
 * `tcp`, each in order; the first `tcp` rule for every destination ends them (policy T1 to T3). The key is `scope port hostname`,
 * the scope a client's. Empty: default routing.
 */
export const connectionRules: Query<string, readonly ConnectionRule[]> = {
  name: 'connectionRules',
  compute(read, key) {
    const client = asked(key);
    const virtualService = virtualServiceFor(read, client);
    if (virtualService === undefined) return [];
    const rules = [...tlsRules(virtualService.tls, client), ...tcpRules(virtualService.tcp, client)];
    return rules.map((rule) => ({ ...rule, destinations: destinationsWithPorts(read, rule.destinations, client) }));
  },
  equal: isDeepStrictEqual,
};

function tlsRules(routes: readonly DecodedConnectionRoute[], client: RouteClient): readonly ConnectionRule[] {
  const rules: ConnectionRule[] = [];
  const taken = new Set<string>();
  for (const { matches, destinations, provenance } of routes) {
    for (const { conditions, serverNames, destinationSubnets } of matches) {
      if (!conditionsHold(conditions, client)) continue;
      // Of two rules for one server name and subnet the first counts; Envoy refuses a listener that holds both (policy T3).
      const free = serverNames.filter((name) => !taken.has(compositeKey(name, ...destinationSubnets.toSorted())));
      for (const name of free) taken.add(compositeKey(name, ...destinationSubnets.toSorted()));
      if (free.length > 0) rules.push({ kind: 'tls', serverNames: free, destinationSubnets, destinations, provenance });
    }
  }
  return rules;
}

function tcpRules(routes: readonly DecodedConnectionRoute[], client: RouteClient): readonly ConnectionRule[] {
  const rules: ConnectionRule[] = [];
  for (const { matches, destinations, provenance } of routes) {
    const subnets =
      matches.length === 0
        ? [[]]
        : matches
            .filter(({ conditions }) => conditionsHold(conditions, client))
            .map(({ destinationSubnets }) => destinationSubnets);
    for (const destinationSubnets of subnets) {
      rules.push({ kind: 'tcp', serverNames: [], destinationSubnets, destinations, provenance });
      if (destinationSubnets.length === 0) return rules;
    }
  }
  return rules;
}

const hostsOf: Query<ConfigKey, readonly string[]> = {
  name: 'virtualServiceHosts',
  compute: (read, key) => readVirtualService(read, key)?.hosts ?? [],
  equal: equalLists,
};

/**
 * Hosts, exact or wildcard, of VirtualServices in sight that no visible service has, sorted. They can be called on port 80 and
 * through the HTTP proxy port only (policy P115, P604). A wildcard above some visible service is not among them: its rules hold for
 * that service, as in Istio. The key is a client scope.
 */
export const routedHosts: Query<ScopeKey, readonly string[]> = {
  name: 'routedHosts',
  compute(read, scope) {
    const { namespace } = scopeFactsOf(scope, 'client');
    const fallback = read(defaultVirtualServiceExportTo, 'mesh');
    const objects = [
      ...keysSeenByEverybody(read, virtualServicesByVisibility, fallback),
      ...keysSeenBy(read, virtualServicesByVisibility, fallback, namespace),
    ];
    const hosts = [...new Set(objects.flatMap((object) => read(hostsOf, object)))].toSorted();
    return hosts.filter(
      (host) => !(isWildcard(host) ? coversService(read, host, namespace) : hasService(read, host, namespace)),
    );
  },
  equal: equalLists,
};

function hasService(read: Read, host: string, namespace: string): boolean {
  return read(serviceForHost, serviceForHostKey(namespace, host)) !== undefined;
}

function coversService(read: Read, pattern: string, namespace: string): boolean {
  return read(visibleServices, namespace).some((key) => hostCovers(pattern, partsOfServiceKey(key).hostname));
}
