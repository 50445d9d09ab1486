import { expect } from 'vitest';
import type { Query } from '../../src/incremental/definitions.ts';
import type { Engine } from '../../src/incremental/engine.ts';
import { scopeOf } from '../../src/policy/scope.ts';
import type * as envoy from '../../src/xds/envoy.ts';
import { toJson } from '../../src/xds/json.ts';
import { translateOutboundCluster } from '../../src/xds/translate/outbound-clusters.ts';
import { validate } from '../../src/xds/validation.ts';

/** Clusters that a client in the namespace `shop` has. */

export const clientInShop = scopeOf({
  kind: 'client',
  namespace: 'shop',
  domain: 'cluster.local',
  labels: {},
  secrets: 'none',
});

const aCluster: Query<string, envoy.Cluster | undefined> = {
  name: 'aCluster',
  compute: (read, name) => translateOutboundCluster(read, clientInShop, name)?.message,
};

export function clusterOrNone(engine: Engine, name: string): envoy.Cluster | undefined {
  return engine.read(aCluster, name);
}

/** Also checks that Envoy would take it. */
export function clusterIn(engine: Engine, name: string): envoy.Cluster {
  const cluster = clusterOrNone(engine, name);
  if (cluster === undefined) throw new Error(`no cluster ${name}`);
  expect(validate('envoy.config.cluster.v3.Cluster', cluster)).toEqual([]);
  return cluster;
}

/** As `weir translate` shows it. */
export function clusterJson(cluster: envoy.Cluster): Record<string, unknown> {
  return Object(toJson('envoy.config.cluster.v3.Cluster', cluster));
}
