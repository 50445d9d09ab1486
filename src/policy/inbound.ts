import { isDeepStrictEqual } from 'node:util';
import type { Query, Read } from '../incremental/definitions.ts';
import { compareByAge } from '../model/config-object.ts';
import type { InboundPort } from '../model/inbound.ts';
import { compositeKey, type ScopeKey } from '../model/keys.ts';
import type { Service } from '../model/service.ts';
import type { ConnectionPool } from '../model/traffic-policy.ts';
import { mergedRule, serverRules } from './destination-rules.ts';
import { defaultTrafficPolicy } from './mesh.ts';
import { noPolicy, withLayer } from './policy-layers.ts';
import { scopeFactsOf, type InboundFacts } from './scope.ts';
import { targetPorts } from './selected-endpoints.ts';
import { serviceOf } from './services.ts';

/**
 * What a workload accepts connections for: one entry per port of its own that a service sends traffic to, sorted by port. Of
 * several services on one port the oldest counts (policy P322). The key is an inbound scope.
 */
export const inboundPorts: Query<ScopeKey, readonly InboundPort[]> = {
  name: 'inboundPorts',
  compute(read, scope) {
    const facts = scopeFactsOf(scope, 'inbound');
    const services = facts.services.map((key) => read(serviceOf, key)).filter((service) => service !== undefined);
    const taken = new Map<number, InboundPort>();
    for (const service of services.toSorted(compareByAge)) {
      for (const inbound of portsOf(read, facts, service)) {
        if (!taken.has(inbound.port)) taken.set(inbound.port, inbound);
      }
    }
    return [...taken.values()].toSorted((a, b) => a.port - b.port);
  },
  equal: isDeepStrictEqual,
};

function portsOf(read: Read, facts: InboundFacts, service: Service): readonly InboundPort[] {
  const targets = { ...targetPorts(service, (name) => facts.namedPorts[name]), ...facts.listedPorts[service.key] };
  return service.ports.flatMap(({ name, number, protocol }) => {
    const port = targets[name];
    if (port === undefined || protocol === 'udp') return [];
    const { hostname, declaredBy } = service;
    const connectionPool = read(serverConnectionPool, compositeKey(facts.namespace, service.key, number));
    return [{ port, protocol, hostname, servicePort: number, connectionPool, declaredBy }];
  });
}

/**
 * The limits that a service's rules set on the server's side (policy D14): of the port, else of the rule, else of the mesh; subsets
 * have none there. The key is `namespace service port`.
 */
const serverConnectionPool: Query<string, ConnectionPool | undefined> = {
  name: 'serverConnectionPool',
  compute(read, key) {
    const blank = key.lastIndexOf(' ');
    const rules = read(serverRules, key.slice(0, blank));
    const { trafficPolicy } = mergedRule(read, rules);
    const { connectionPool } = withLayer(noPolicy, trafficPolicy, Number(key.slice(blank + 1)));
    return connectionPool ?? read(defaultTrafficPolicy, 'mesh')?.connectionPool;
  },
  equal: isDeepStrictEqual,
};
