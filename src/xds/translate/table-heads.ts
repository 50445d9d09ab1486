import type { Query, Read } from '../../incremental/definitions.ts';
import { compositeKey, partsOf, scopeKey, type ScopeKey } from '../../model/keys.ts';
import { equalLists } from '../../policy/equality.ts';
import { scopeFactsOf } from '../../policy/scope.ts';
import { serviceForHost, serviceForHostKey } from '../../policy/services.ts';
import type { RouteName } from '../names.ts';
import { equalBytes } from './bytes.ts';
import { equalHost, hostsOfPort, hostsOfPortKey, proxiedHosts, servedPorts, type TableHost } from './route-hosts.ts';
import { uniqueDomains } from './unique-domains.ts';
import { encodeHead, virtualHostHead, virtualHostHeadKey, type HostMatching } from './virtual-host-head.ts';
import { hostRoutesKey } from './virtual-host-routes.ts';

/** The virtual hosts of a route table, without what they do: an edit of routes leaves them alone. */

/** One host of a table. */
export interface TableHead {
  readonly host: TableHost;
  /** Name and domains of its virtual host, encoded. */
  readonly head: Uint8Array;
  /** Key of the queries for its routes. */
  readonly routesKey: string;
}

/** The hosts of a route configuration, every domain once; undefined: there is no such service. */
export function tableHeads(read: Read, scope: ScopeKey, route: RouteName): readonly TableHead[] | undefined {
  switch (route.kind) {
    case 'port':
      return read(sharedHeads, compositeKey(scope, route.port));
    case 'http-proxy':
      return read(sharedHeads, compositeKey(scope, 'http_proxy'));
    case 'service': {
      const { hostname, port } = route;
      const { namespace } = scopeFactsOf(scope, 'client');
      const service = read(serviceForHost, serviceForHostKey(namespace, hostname));
      const ports = service === undefined ? [] : read(servedPorts, service);
      const host = ports.find((each) => each.port === port && each.http);
      // Connections come to the service's own address, whatever name the client has for it.
      return host === undefined ? undefined : [tableHead(scope, host, encodeHead(hostname, port, ['*']))];
    }
  }
}

function tableHead(scope: ScopeKey, host: TableHost, head: Uint8Array): TableHead {
  return { host, head, routesKey: hostRoutesKey(scope, host.port, host.hostname) };
}

/** The heads of a table that services share. The key is `scope port` or `scope http_proxy`, the scope a client's. */
const sharedHeads: Query<string, readonly TableHead[]> = {
  name: 'sharedHeads',
  compute(read, key) {
    const [text = '', table = ''] = partsOf(key);
    const scope = scopeKey(text);
    const matching: HostMatching = table === 'http_proxy' ? 'exact-port' : 'any-port';
    const hosts =
      table === 'http_proxy' ? read(proxiedHosts, scope) : read(hostsOfPort, hostsOfPortKey(scope, Number(table)));
    const client = scopeFactsOf(scope, 'client');
    const heads = hosts.map((host) => read(virtualHostHead, virtualHostHeadKey(client, host, matching)));
    const left = uniqueDomains(heads);
    return hosts.flatMap((host, index) => {
      const domains = left[index];
      const head = heads[index];
      if (domains === undefined) return head === undefined ? [] : [tableHead(scope, host, head.bytes)];
      // Other hosts have all its names: Envoy wants no virtual host without.
      return domains.length === 0 ? [] : [tableHead(scope, host, encodeHead(host.hostname, host.port, domains))];
    });
  },
  equal: (a, b) =>
    equalLists(a, b, (left, right) => equalHost(left.host, right.host) && equalBytes(left.head, right.head)),
};
