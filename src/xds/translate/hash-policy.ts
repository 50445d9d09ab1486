import type { HashKey, TrafficPolicy } from '../../model/traffic-policy.ts';
import type * as envoy from '../envoy.ts';
import { milliseconds } from '../envoy.ts';

/** What requests are hashed by when the destination's endpoints are picked by hash (policy A24); empty: not by hash. */
export function routeHashPolicy(policy: TrafficPolicy): readonly envoy.RouteAction_HashPolicy[] {
  const key = hashKeyOf(policy);
  return key === undefined ? [] : [hashPolicyOf(key)];
}

/** Connections can be hashed by their source alone (policy D4). */
export function connectionHashPolicy(policy: TrafficPolicy): readonly envoy.HashPolicy[] {
  return hashKeyOf(policy)?.kind === 'source-ip' ? [{ sourceIp: {} }] : [];
}

function hashKeyOf({ loadBalancer }: TrafficPolicy): HashKey | undefined {
  return loadBalancer?.algorithm.kind === 'consistent-hash' ? loadBalancer.algorithm.key : undefined;
}

function hashPolicyOf(key: HashKey): envoy.RouteAction_HashPolicy {
  switch (key.kind) {
    case 'header':
      return { header: { headerName: key.name } };
    case 'cookie':
      return {
        cookie: {
          name: key.name,
          // Present even when zero: without it Envoy never sets the cookie.
          ttl: key.ttlMs === undefined ? undefined : milliseconds(key.ttlMs),
          path: key.path,
          attributes: key.attributes.map(([name, value]) => ({ name, value })),
        },
      };
    case 'source-ip':
      return { connectionProperties: { sourceIp: true } };
    case 'query':
      return { queryParameter: { name: key.name } };
  }
}
