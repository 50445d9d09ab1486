import type { Query } from '../../incremental/definitions.ts';
import { partsOf, partsOfServiceKey, scopeKey, type ScopeKey, type ServiceKey } from '../../model/keys.ts';
import { isHttp, mayCarryGrpc, type Protocol } from '../../model/protocol.ts';
import { equalLists } from '../../policy/equality.ts';
import { routedHosts } from '../../policy/routing.ts';
import { scopeFactsOf } from '../../policy/scope.ts';
import { serviceOf, visibleServices } from '../../policy/services.ts';

/**
 * Which hosts a route table holds. Nothing here depends on what is routed where, so an edit of routes leaves it alone.
 */

/** One virtual host of a table. */
export interface TableHost {
  readonly hostname: string;
  readonly port: number;
  /** undefined: a host that only policy knows. */
  readonly service: ServiceKey | undefined;
  /** Requests can be told apart by their HTTP attributes. */
  readonly http: boolean;
  /** Calls of gRPC can come, as far as the protocol of the port tells. */
  readonly grpc: boolean;
  /** What is no HTTP can be sent as it comes, by a client that asks for a tunnel. */
  readonly tunnel: boolean;
}

/**
 * The ports of a service that a client's proxy serves, sorted by number: far less than the service, so that few edits
 * touch it.
 */
export const servedPorts: Query<ServiceKey, readonly TableHost[]> = {
  name: 'servedPorts',
  compute(read, key) {
    const { hostname } = partsOfServiceKey(key);
    const ports = read(serviceOf, key)?.ports.filter(({ protocol }) => protocol !== 'udp') ?? [];
    return ports
      .map(({ number, protocol }) => ({
        hostname,
        port: number,
        service: key,
        http: mayBeHttp(protocol),
        grpc: mayCarryGrpc(protocol),
        tunnel: !isHttp(protocol),
      }))
      .toSorted((a, b) => a.port - b.port);
  },
  equal: equalHosts,
};

/** Whether calls of gRPC can come to a port, as far as its protocol tells. */
export function hasGrpcPort(ports: readonly TableHost[], number: number): boolean {
  return ports.some(({ port, grpc }) => port === number && grpc);
}

/** Port -> the hosts that may speak HTTP on it, sorted by name. The key is a namespace. */
const hostsByPort: Query<string, ReadonlyMap<number, readonly TableHost[]>> = {
  name: 'hostsByPort',
  compute(read, namespace) {
    const hosts = new Map<number, TableHost[]>();
    for (const service of read(visibleServices, namespace)) {
      for (const host of read(servedPorts, service)) {
        if (!host.http) continue;
        const others = hosts.get(host.port);
        if (others === undefined) hosts.set(host.port, [host]);
        else others.push(host);
      }
    }
    return hosts;
  },
};

/** The services of the table of a port, sorted by name. The key is `scope port`, the scope a client's. */
export const hostsOfPort: Query<string, readonly TableHost[]> = {
  name: 'hostsOfPort',
  compute(read, key) {
    const [scope = '', portText = ''] = partsOf(key);
    const port = Number(portText);
    const { namespace } = scopeFactsOf(scopeKey(scope), 'client');
    return read(hostsByPort, namespace).get(port) ?? [];
  },
  equal: equalHosts,
};

/**
 * The services of the table of the HTTP proxy port, every port of them, sorted by name (policy P351). The key is a
 * client's scope.
 */
export const proxiedHosts: Query<ScopeKey, readonly TableHost[]> = {
  name: 'proxiedHosts',
  compute(read, scope) {
    const { namespace } = scopeFactsOf(scope, 'client');
    return read(visibleServices, namespace).flatMap((service) => read(servedPorts, service));
  },
  equal: equalHosts,
};

/**
 * The hosts of a table that only policy knows: they can be called on port 80 and through the HTTP proxy port (policy
 * P115), sorted by name. The key is `scope table`, the scope a client's.
 */
export const hostsWithoutService: Query<string, readonly TableHost[]> = {
  name: 'hostsWithoutService',
  compute(read, key) {
    const [scope = '', table = ''] = partsOf(key);
    if (table !== '80' && table !== 'http_proxy') return [];
    return read(routedHosts, scopeKey(scope)).map((hostname) => ({
      hostname,
      port: 80,
      service: undefined,
      http: true,
      grpc: false,
      tunnel: false,
    }));
  },
  equal: equalHosts,
};

/** Whether a port's requests may be routed by their HTTP attributes: by its protocol, or once it has been detected. */
function mayBeHttp(protocol: Protocol): boolean {
  return isHttp(protocol) || protocol === 'auto';
}

export function equalHosts(a: readonly TableHost[], b: readonly TableHost[]): boolean {
  return equalLists(a, b, equalHost);
}

function equalHost(a: TableHost, b: TableHost): boolean {
  return (
    a.hostname === b.hostname &&
    a.port === b.port &&
    a.service === b.service &&
    a.http === b.http &&
    a.grpc === b.grpc &&
    a.tunnel === b.tunnel
  );
}
