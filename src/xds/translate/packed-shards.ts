import type { Query, Read } from '../../incremental/definitions.ts';
import type { Endpoint, EndpointShard, Health, ShardEndpoint } from '../../model/endpoint.ts';
import { compositeKey, homeOfShardKey, partsOf } from '../../model/keys.ts';
import type { EndpointShardKey, NodeKey, ServiceKey } from '../../model/keys.ts';
import { endpointShards } from '../../model/tables.ts';
import { listedLocalities, workloadLabels } from '../../policy/endpoint-shards.ts';
import { endpointOrigins } from '../../policy/endpoints.ts';
import { equalLists, equalRecords } from '../../policy/equality.ts';
import { selects } from '../../policy/label-match.ts';
import { peerOfEndpoint, peersOfChunk, peersOfShard, takesMutualTls } from '../../policy/mesh-peers.ts';
import type { MeshPeer, Peers } from '../../policy/mesh-peers.ts';
import { listOf, listText, recordOf, recordText } from '../../policy/scope-text.ts';
import { chunkKey, chunkOfShard, chunksOfShard, longestChunk } from '../../policy/shard-chunks.ts';
import { equalBytes } from './bytes.ts';
import { isSameLocality } from './locality-order.ts';
import { addUnlisted, comparedOf, MemberGroups, type ComparedSelection } from './member-groups.ts';
import type { PackedBlock, PackedGroup } from './packed-endpoints.ts';

/**
 * The endpoints of a service that belong to a cluster, packed: a block per shard, several for a large one. A block is shared by all
 * variants of the cluster's assignment and is made again when one of its own endpoints changes. Most services have one short shard and
 * one variant: nobody would use their block a second time, so none is kept.
 */

/** Which endpoints of a shard are served; `usable`: healthy ones, and degraded ones as such. */
type Served = 'usable' | 'draining' | 'all';

/**
 * The blocks of a cluster, by shard. Where the service publishes nothing else, endpoints that are not ready are left out; those
 * that finish what they have are served like healthy ones while the cluster has no other (kubernetes K76).
 *
 * @param hasVariants whether other clients get another assignment of the same endpoints
 * @returns blocks to be copied before this is called again
 */
export function packedService(
  read: Read,
  service: ServiceKey,
  selection: ComparedSelection,
  hasVariants: boolean,
): readonly PackedBlock[] {
  const { shards, unlisted, publishNotReady } = read(endpointOrigins, service);
  const only = hasVariants || shards.length !== 1 ? undefined : shards[0];
  const short = only === undefined ? undefined : read(shortShard, only);
  const mutualTlsAt = (endpoint: Endpoint, port: number): boolean => {
    const peer = peerOfEndpoint(read, endpoint);
    return peer !== undefined && takesMutualTls(read, endpoint.namespace, peer, port);
  };
  const blocksOf = (served: Served): readonly PackedBlock[] => {
    const kept = short === undefined ? keptBlocks(read, shards, selection, served) : noBlocks;
    const groups = new MemberGroups();
    if (short !== undefined) addShort(read, groups, short, selection, served);
    // Those that are going away are in lists alone.
    if (served !== 'draining') addUnlisted(groups, unlisted, selection, mutualTlsAt);
    const others = groups.packedInPassing();
    return kept.length === 0 ? others : [...kept, ...others];
  };
  const blocks = blocksOf(publishNotReady ? 'all' : 'usable');
  return blocks.length > 0 || publishNotReady ? blocks : blocksOf('draining');
}

const noBlocks: readonly PackedBlock[] = [];

/** A shard that is not cut into chunks; undefined for a long one, whatever changes in it. */
const shortShard: Query<EndpointShardKey, EndpointShard | undefined> = {
  name: 'shortShard',
  compute(read, key) {
    const shard = read(endpointShards, key);
    return shard !== undefined && shard.endpoints.length <= longestChunk ? shard : undefined;
  },
};

function addShort(
  read: Read,
  groups: MemberGroups,
  shard: EndpointShard,
  { portName, ...selection }: ComparedSelection,
  served: Served,
): void {
  const port = shard.ports[portName];
  if (port === undefined) return;
  const peers = peersOfShard(read, shard.key);
  addListed(read, groups, { endpoints: shard.endpoints, peers, shard: shard.key }, { port, ...selection, served });
}

function keptBlocks(
  read: Read,
  shards: readonly EndpointShardKey[],
  selection: ComparedSelection,
  served: Served,
): readonly PackedBlock[] {
  const text = selectionText(selection);
  return shards.flatMap((shard) => read(packedShard, compositeKey(text, served, shard)));
}

/** Key: selection, `Served`, shard. */
const packedShard: Query<string, readonly PackedBlock[]> = {
  name: 'packedShard',
  compute(read, key) {
    const [portName = '', labels = '', compared = '', node = '', served = '', ...rest] = partsOf(key);
    const shardKey = rest.join(' ') as EndpointShardKey;
    const shard = read(endpointShards, shardKey);
    const port = shard?.ports[portName];
    if (shard === undefined || port === undefined) return noBlocks;
    if (shard.endpoints.length <= longestChunk) {
      const listed = { endpoints: shard.endpoints, peers: peersOfShard(read, shardKey), shard: shardKey };
      return packListed(read, listed, listingOf(port, labels, compared, node, served));
    }
    const prefix = compositeKey(port, labels, compared, node, served);
    return Array.from(read(chunksOfShard, shardKey).keys()).flatMap((chunk) =>
      read(packedChunk, compositeKey(prefix, chunkKey(chunk, shardKey))),
    );
  },
  equal: (a, b) => equalLists(a, b, equalBlocks),
};

/** Key: port number, labels, compared labels and node of the selection, `Served`, chunk. */
const packedChunk: Query<string, readonly PackedBlock[]> = {
  name: 'packedChunk',
  compute(read, key) {
    const [port = '', labels = '', compared = '', node = '', served = '', chunk = '', ...rest] = partsOf(key);
    const shardKey = rest.join(' ') as EndpointShardKey;
    const part = chunkKey(chunk, shardKey);
    const listed = { endpoints: read(chunkOfShard, part), peers: peersOfChunk(read, part, shardKey), shard: shardKey };
    return packListed(read, listed, listingOf(Number(port), labels, compared, node, served));
  },
  equal: (a, b) => equalLists(a, b, equalBlocks),
};

/** What is wanted of a list. */
interface Listing extends Omit<ComparedSelection, 'portName'> {
  readonly port: number;
  readonly served: Served;
}

function listingOf(port: number, labels: string, compared: string, node: string, served: string): Listing {
  return {
    port,
    labels: recordOf(labels),
    compared: listOf(compared),
    node: node === '' ? undefined : (node as NodeKey),
    served: served as Served,
  };
}

/** Endpoints in a list, and who they are. */
interface Listed {
  readonly endpoints: readonly ShardEndpoint[];
  readonly peers: Peers;
  readonly shard: EndpointShardKey;
}

function packListed(read: Read, listed: Listed, listing: Listing): readonly PackedBlock[] {
  const groups = new MemberGroups();
  addListed(read, groups, listed, listing);
  return groups.packed();
}

function addListed(read: Read, groups: MemberGroups, { endpoints, peers, shard }: Listed, listing: Listing): void {
  const home = homeOfShardKey(shard);
  const mutualTlsOf = listedMutualTls(read, home.namespace, listing.port);
  // Most clusters take all endpoints alike, and then nobody asks who is behind an address.
  const needsLabels = listing.compared.length > 0 || Object.keys(listing.labels).length > 0;
  const localityOf = listedLocalities(read, home);
  for (const [index, listed] of endpoints.entries()) {
    if (!isServed(listed.health, listing.served)) continue;
    if (listing.node !== undefined && listed.node !== listing.node) continue;
    const labels = needsLabels ? workloadLabels(read, listed, home) : noLabels;
    if (!selects(listing.labels, labels)) continue;
    const health = listed.health === 'degraded' && listing.served === 'usable' ? 'degraded' : 'healthy';
    const { address, weight = 1 } = listed;
    const mutualTls = peers !== undefined && mutualTlsOf(peers[index]);
    const member = { address, port: listing.port, health, weight, mutualTls } as const;
    groups.add(localityOf(listed), comparedOf(labels, listing), member);
  }
}

/** Asks once for each kind of peer: a list has few. */
function listedMutualTls(read: Read, namespace: string, port: number): (peer: MeshPeer | undefined) => boolean {
  const known = new Map<MeshPeer, boolean>();
  return (peer) => {
    if (peer === undefined) return false;
    let answer = known.get(peer);
    if (answer === undefined) known.set(peer, (answer = takesMutualTls(read, namespace, peer, port)));
    return answer;
  };
}

const noLabels = {};

function isServed(health: Health, served: Served): boolean {
  if (served === 'usable') return health === 'healthy' || health === 'degraded';
  return served === 'all' || health === served;
}

function selectionText({ portName, labels, compared, node }: ComparedSelection): string {
  return compositeKey(portName, recordText(labels), listText(compared), node ?? '');
}

function equalBlocks(a: PackedBlock, b: PackedBlock): boolean {
  return equalLists(a.groups, b.groups, equalGroups) && equalBytes(a.memory, b.memory);
}

function equalGroups(a: PackedGroup, b: PackedGroup): boolean {
  return a.end === b.end && isSameLocality(a.locality, b.locality) && equalRecords(a.labels, b.labels);
}
