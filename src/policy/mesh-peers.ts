import type { Index, Query, Read } from '../incremental/definitions.ts';
import type { Endpoint, ShardEndpoint } from '../model/endpoint.ts';
import {
  compositeKey,
  homeOfShardKey,
  partsOf,
  type EndpointShardKey,
  type ServiceKey,
  type ShardHome,
  type WorkloadKey,
} from '../model/keys.ts';
import { endpointShards, workloads } from '../model/tables.ts';
import type { Workload } from '../model/workload.ts';
import { workloadBehind } from './endpoint-shards.ts';
import { endpointOrigins } from './endpoints.ts';
import { equalLists } from './equality.ts';
import type { Labels } from './label-match.ts';
import { modeOfPort, mutualTlsKey, mutualTlsOf } from './mutual-tls.ts';
import { recordOf, recordText } from './scope-text.ts';
import { declaringEntry } from './services.ts';
import { chunkKey, chunkOfShard, chunksOfShard, longestChunk } from './shard-chunks.ts';
import { selectedWorkloadLabels } from './workload-selectors.ts';

/**
 * Which endpoints can be called with mutual TLS, and as whom they show themselves (policy P4, P5, P135). A workload has a sidecar with an
 * identity if its label says so, which injection sets: whether a proxy is connected at the moment says nothing about how to call it
 * (docs/decisions/0018).
 */

const sidecarLabel = 'security.istio.io/tlsMode';

function hasSidecar(labels: Labels): boolean {
  return labels[sidecarLabel] === 'istio';
}

/** A workload that can be called with mutual TLS if the mode of its port lets it. */
export interface MeshPeer {
  /** Those of its labels by which objects select it, as text. */
  readonly labels: string;
  /** Empty: unknown. */
  readonly serviceAccount: string;
}

/** Workloads with a sidecar, by namespace. */
const workloadsWithSidecar: Index<string, WorkloadKey, Workload> = {
  name: 'workloadsWithSidecar',
  table: workloads,
  valuesOf: (row) => (hasSidecar(row.labels) ? [row.namespace] : []),
};

/** Where no workload has a sidecar, nobody looks who is behind an address. */
const hasSidecars: Query<string, boolean> = {
  name: 'namespaceHasSidecars',
  compute: (read, namespace) => read(workloadsWithSidecar, namespace).length > 0,
};

/** For each endpoint of a list who it is; undefined: for none of them anything is known. */
export type Peers = readonly (MeshPeer | undefined)[] | undefined;

/** Of a shard that is not cut into chunks. Where no workload has a sidecar, nothing is kept for a shard. */
export function peersOfShard(read: Read, shard: EndpointShardKey): Peers {
  return read(hasSidecars, homeOfShardKey(shard).namespace) ? read(knownPeersOfShard, shard) : undefined;
}

/** Of one chunk of a longer one. @param key `chunkKey` */
export function peersOfChunk(read: Read, key: string, shard: EndpointShardKey): Peers {
  return read(hasSidecars, homeOfShardKey(shard).namespace) ? read(knownPeersOfChunk, key) : undefined;
}

const knownPeersOfShard: Query<EndpointShardKey, Peers> = {
  name: 'peersOfShard',
  compute: (read, shard) => peersBehind(read, read(endpointShards, shard)?.endpoints ?? [], homeOfShardKey(shard)),
  equal: equalPeers,
};

/** The key is `chunkKey`. */
const knownPeersOfChunk: Query<string, Peers> = {
  name: 'peersOfChunk',
  compute(read, key) {
    const shard = key.slice(key.indexOf(' ') + 1) as EndpointShardKey;
    return peersBehind(read, read(chunkOfShard, key), homeOfShardKey(shard));
  },
  equal: equalPeers,
};

function peersBehind(read: Read, endpoints: readonly ShardEndpoint[], home: ShardHome): Peers {
  const known = new Map<string, MeshPeer>();
  const peers = endpoints.map((listed) => {
    const workload = workloadBehind(read, listed, home);
    return workload === undefined ? undefined : peerOf(read, home.namespace, workload, known);
  });
  return known.size === 0 ? undefined : peers;
}

/** @param known shares the few that there are among many endpoints */
function peerOf(
  read: Read,
  namespace: string,
  { labels, serviceAccount }: Pick<Workload, 'labels' | 'serviceAccount'>,
  known: Map<string, MeshPeer>,
): MeshPeer | undefined {
  if (!hasSidecar(labels)) return undefined;
  const selected = recordText(selectedWorkloadLabels(read, namespace, labels));
  const key = compositeKey(selected, serviceAccount);
  let peer = known.get(key);
  if (peer === undefined) known.set(key, (peer = { labels: selected, serviceAccount }));
  return peer;
}

function equalPeers(a: Peers, b: Peers): boolean {
  if (a === undefined || b === undefined) return a === b;
  return equalLists(
    a,
    b,
    (one, other) => one?.labels === other?.labels && one?.serviceAccount === other?.serviceAccount,
  );
}

/** Who an endpoint is that is in no shard. */
export function peerOfEndpoint(read: Read, endpoint: Endpoint): MeshPeer | undefined {
  return peerOf(read, endpoint.namespace, endpoint, new Map());
}

/** Whether a peer is called with mutual TLS on a port of its own: it is wherever the mode is not DISABLE (policy P4). */
export function takesMutualTls(read: Read, namespace: string, { labels }: MeshPeer, port: number): boolean {
  return read(portTakesMutualTls, compositeKey(namespace, labels, port));
}

/** PERMISSIVE or STRICT is one to clients (istio-compat I125). The key is `namespace labels port`. */
const portTakesMutualTls: Query<string, boolean> = {
  name: 'portTakesMutualTls',
  compute(read, key) {
    const [namespace = '', labels = '', port = ''] = partsOf(key);
    return modeOfPort(read(mutualTlsOf, mutualTlsKey(namespace, recordOf(labels))), Number(port)) !== 'disable';
  },
};

/**
 * Service accounts of the workloads behind a service, ready or not, so that clients know a new one before its first endpoint takes traffic
 * (policy P5). Sorted.
 */
export const accountsOfService: Query<ServiceKey, readonly string[]> = {
  name: 'accountsOfService',
  compute(read, key) {
    const { shards, unlisted } = read(endpointOrigins, key);
    const ofUnlisted = unlisted.map((endpoint) => peerOfEndpoint(read, endpoint)?.serviceAccount ?? '');
    const all = new Set([...shards.flatMap((shard) => read(accountsOfShard, shard)), ...ofUnlisted]);
    all.delete('');
    return [...all].toSorted();
  },
  equal: equalLists,
};

const accountsOfShard: Query<EndpointShardKey, readonly string[]> = {
  name: 'accountsOfShard',
  compute: (read, shard) => [...new Set(peerLists(read, shard).flatMap(accountsIn))].toSorted(),
  equal: equalLists,
};

function peerLists(read: Read, shard: EndpointShardKey): readonly Peers[] {
  if ((read(endpointShards, shard)?.endpoints.length ?? 0) <= longestChunk) return [peersOfShard(read, shard)];
  return [...read(chunksOfShard, shard).keys()].map((chunk) => peersOfChunk(read, chunkKey(chunk, shard), shard));
}

function accountsIn(peers: Peers): readonly string[] {
  return [...new Set(peers?.map((peer) => peer?.serviceAccount ?? ''))].filter((account) => account !== '');
}

/** Names that the entry of a service adds to those of the accounts. */
export const declaredServerNames: Query<ServiceKey, readonly string[]> = {
  name: 'declaredServerNames',
  compute: (read, key) => declaringEntry(read, key)?.subjectAltNames ?? [],
  equal: equalLists,
};

/**
 * Whether every endpoint of a service takes mutual TLS on a port: what decides where a connection goes to an address that the caller chose,
 * and nothing is said of single endpoints (istio-compat I115). The key is `service port-name`.
 */
export const allTakeMutualTls: Query<string, boolean> = {
  name: 'allTakeMutualTls',
  compute(read, key) {
    const [service = '', portName = ''] = partsOf(key);
    const { shards, unlisted } = read(endpointOrigins, service as ServiceKey);
    let endpoints = 0;
    for (const shard of shards) {
      const port = read(endpointShards, shard)?.ports[portName];
      const { namespace } = homeOfShardKey(shard);
      const peers = peerLists(read, shard);
      if (port === undefined || peers.includes(undefined)) return false;
      for (const peer of peers.flatMap((list) => list ?? [])) {
        if (peer === undefined || !takesMutualTls(read, namespace, peer, port)) return false;
        endpoints += 1;
      }
    }
    for (const endpoint of unlisted) {
      const peer = peerOfEndpoint(read, endpoint);
      const port = endpoint.ports[portName];
      if (peer === undefined || port === undefined) return false;
      if (!takesMutualTls(read, endpoint.namespace, peer, port)) return false;
      endpoints += 1;
    }
    return endpoints > 0;
  },
};

/** Names of the ports on which some workload of a service takes mutual TLS alone. Sorted. */
export const strictPorts: Query<ServiceKey, readonly string[]> = {
  name: 'strictPorts',
  compute(read, key) {
    const strict = new Set<string>();
    for (const shard of read(endpointOrigins, key).shards) {
      const { namespace } = homeOfShardKey(shard);
      const classes = new Set(peerLists(read, shard).flatMap((peers) => peers?.map((peer) => peer?.labels) ?? []));
      for (const [name, port] of Object.entries(read(endpointShards, shard)?.ports ?? {})) {
        for (const labels of classes) {
          if (labels === undefined) continue;
          const effective = read(mutualTlsOf, mutualTlsKey(namespace, recordOf(labels)));
          if (modeOfPort(effective, port) === 'strict') strict.add(name);
        }
      }
    }
    return [...strict].toSorted();
  },
  equal: equalLists,
};

/** How many endpoints in the lists of a service have no sidecar. */
export const endpointsWithout: Query<ServiceKey, number> = {
  name: 'endpointsWithoutSidecar',
  compute: (read, key) =>
    read(endpointOrigins, key)
      .shards.map((shard) => {
        const known = peerLists(read, shard).flatMap((peers) => peers?.filter((peer) => peer !== undefined) ?? []);
        return (read(endpointShards, shard)?.endpoints.length ?? 0) - known.length;
      })
      .reduce((sum, count) => sum + count, 0),
};
