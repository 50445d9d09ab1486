import type { Query, Read } from '../../incremental/definitions.ts';
import type { Health, ShardEndpoint } from '../../model/endpoint.ts';
import { compositeKey, partsOf, partsOfServiceKey, serviceOfShardKey } from '../../model/keys.ts';
import type { EndpointShardKey, ServiceKey } from '../../model/keys.ts';
import { endpointShards } from '../../model/tables.ts';
import { listedLocality, workloadLabels } from '../../policy/endpoint-shards.ts';
import { endpointOrigins } from '../../policy/endpoints.ts';
import { equalLists, equalRecords } from '../../policy/equality.ts';
import { selects } from '../../policy/label-match.ts';
import { listOf, listText, recordOf, recordText } from '../../policy/scope-text.ts';
import { chunkKey, chunkOfShard, chunksOfShard, longestChunk } from '../../policy/shard-chunks.ts';
import { equalBytes } from './bytes.ts';
import { isSameLocality } from './locality-order.ts';
import { comparedOf, MemberGroups, packEndpoints, type ComparedSelection } from './member-groups.ts';
import type { PackedBlock, PackedGroup } from './packed-endpoints.ts';

/**
 * The endpoints of a service that belong to a cluster, packed: a block per shard, several for a large one. A block is shared by all
 * variants of the cluster's assignment and is made again when one of its own endpoints changes.
 */

/** Which endpoints of a shard are served. */
type Served = 'healthy' | 'draining' | 'all';

/**
 * The blocks of a cluster, by shard. Where the service publishes nothing else, endpoints that are not ready are left out; those
 * that finish what they have are served like healthy ones while the cluster has no other (kubernetes K76).
 */
export function packedService(read: Read, service: ServiceKey, selection: ComparedSelection): readonly PackedBlock[] {
  const { shards, unlisted, publishNotReady } = read(endpointOrigins, service);
  const text = selectionText(selection);
  const listed = (served: Served): readonly PackedBlock[] =>
    shards.flatMap((shard) => read(packedShard, compositeKey(text, served, shard)));
  const others = packEndpoints(unlisted, selection);
  const blocks = [...listed(publishNotReady ? 'all' : 'healthy'), ...(others === undefined ? [] : [others])];
  return blocks.length > 0 || publishNotReady ? blocks : listed('draining');
}

const noBlocks: readonly PackedBlock[] = [];

/** Key: selection, `Served`, shard. */
const packedShard: Query<string, readonly PackedBlock[]> = {
  name: 'packedShard',
  compute(read, key) {
    const [portName = '', labels = '', compared = '', served = '', ...rest] = partsOf(key);
    const shardKey = rest.join(' ') as EndpointShardKey;
    const shard = read(endpointShards, shardKey);
    const port = shard?.ports[portName];
    if (shard === undefined || port === undefined) return noBlocks;
    if (shard.endpoints.length <= longestChunk) {
      const listing = listingOf(port, labels, compared, served);
      const block = packListed(read, shard.endpoints, shardKey, listing);
      return block === undefined ? noBlocks : [block];
    }
    const prefix = compositeKey(port, labels, compared, served);
    return Array.from(read(chunksOfShard, shardKey).keys(), (chunk) =>
      read(packedChunk, compositeKey(prefix, chunkKey(chunk, shardKey))),
    ).filter((block) => block !== undefined);
  },
  equal: (a, b) => equalLists(a, b, equalBlocks),
};

/** Key: port number, labels and compared labels of the selection, `Served`, chunk. */
const packedChunk: Query<string, PackedBlock | undefined> = {
  name: 'packedChunk',
  compute(read, key) {
    const [port = '', labels = '', compared = '', served = '', chunk = '', ...rest] = partsOf(key);
    const shardKey = rest.join(' ') as EndpointShardKey;
    const endpoints = read(chunkOfShard, chunkKey(chunk, shardKey));
    return packListed(read, endpoints, shardKey, listingOf(Number(port), labels, compared, served));
  },
  equal: (a, b) => a === b || (a !== undefined && b !== undefined && equalBlocks(a, b)),
};

/** What is wanted of a list. */
interface Listing extends Omit<ComparedSelection, 'portName'> {
  readonly port: number;
  readonly served: Served;
}

function listingOf(port: number, labels: string, compared: string, served: string): Listing {
  return { port, labels: recordOf(labels), compared: listOf(compared), served: served as Served };
}

function packListed(
  read: Read,
  endpoints: readonly ShardEndpoint[],
  shard: EndpointShardKey,
  listing: Listing,
): PackedBlock | undefined {
  const { namespace } = partsOfServiceKey(serviceOfShardKey(shard));
  // Most clusters take all endpoints alike, and then nobody asks who is behind an address.
  const needsLabels = listing.compared.length > 0 || Object.keys(listing.labels).length > 0;
  const groups = new MemberGroups();
  for (const listed of endpoints) {
    if (!isServed(listed.health, listing.served)) continue;
    const labels = needsLabels ? workloadLabels(read, listed, namespace) : noLabels;
    if (!selects(listing.labels, labels)) continue;
    const member = { address: listed.address, port: listing.port, health: 'healthy', weight: 1 } as const;
    groups.add(listedLocality(read, listed, namespace), comparedOf(labels, listing), member);
  }
  return groups.packed();
}

const noLabels = {};

function isServed(health: Health, served: Served): boolean {
  return served === 'all' || health === served;
}

function selectionText({ portName, labels, compared }: ComparedSelection): string {
  return compositeKey(portName, recordText(labels), listText(compared));
}

function equalBlocks(a: PackedBlock, b: PackedBlock): boolean {
  return equalLists(a.groups, b.groups, equalGroups) && equalBytes(a.memory, b.memory);
}

function equalGroups(a: PackedGroup, b: PackedGroup): boolean {
  return a.end === b.end && isSameLocality(a.locality, b.locality) && equalRecords(a.labels, b.labels);
}
