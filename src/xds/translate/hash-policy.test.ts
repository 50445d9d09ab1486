import { expect, it } from 'vitest';
import type { HashKey, TrafficPolicy } from '../../model/traffic-policy.ts';
import { toJson } from '../json.ts';
import { connectionHashPolicy, routeHashPolicy } from './hash-policy.ts';

function hashedBy(key: HashKey | undefined): TrafficPolicy {
  const algorithm =
    key === undefined
      ? ({ kind: 'random' } as const)
      : ({ kind: 'consistent-hash', key, table: { kind: 'ring', minimumSize: 1024 } } as const);
  return {
    loadBalancer: { algorithm, warmup: undefined, locality: undefined },
    connectionPool: undefined,
    outlierDetection: undefined,
    tls: undefined,
    retryBudget: undefined,
  };
}

it.each<[HashKey, unknown]>([
  [{ kind: 'header', name: 'x-user' }, { header: { headerName: 'x-user' } }],
  [
    { kind: 'cookie', name: 'user', path: '/a', ttlMs: 0, attributes: [['SameSite', 'Strict']] },
    { cookie: { name: 'user', path: '/a', ttl: '0s', attributes: [{ name: 'SameSite', value: 'Strict' }] } },
  ],
  [{ kind: 'source-ip' }, { connectionProperties: { sourceIp: true } }],
  [{ kind: 'query', name: 'user' }, { queryParameter: { name: 'user' } }],
])('hashes requests by %j (policy/A24)', (key, expected) => {
  const [policy] = routeHashPolicy(hashedBy(key));
  expect(toJson('envoy.config.route.v3.RouteAction.HashPolicy', policy ?? {})).toEqual(expected);
});

it('hashes nothing without being asked (policy/A24)', () => {
  expect(routeHashPolicy(hashedBy(undefined))).toEqual([]);
});

it('hashes connections by their source alone (policy/D4)', () => {
  expect(connectionHashPolicy(hashedBy({ kind: 'source-ip' }))).toEqual([{ sourceIp: {} }]);
  expect(connectionHashPolicy(hashedBy({ kind: 'header', name: 'x-user' }))).toEqual([]);
});
