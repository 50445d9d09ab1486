import type { Query } from '../incremental/definitions.ts';
import { equalShardEndpoints, type ShardEndpoint } from '../model/endpoint.ts';
import type { EndpointShardKey } from '../model/keys.ts';
import { endpointShards } from '../model/tables.ts';
import { equalLists } from './equality.ts';
import { escaped } from './scope-text.ts';

/**
 * Large shards cut into chunks, so that what is made from endpoints is made again for one chunk when one endpoint changes. Where to cut
 * is decided by the addresses at the cut and not by counting: an endpoint that comes or goes moves no cut but its own chunk's.
 */

const shortestChunk = 64;
export const longestChunk = 256;

/** The chunks of a shard by name, in the order of the shard. */
export const chunksOfShard: Query<EndpointShardKey, ReadonlyMap<string, readonly ShardEndpoint[]>> = {
  name: 'chunksOfShard',
  compute: (read, key) => chunked(read(endpointShards, key)?.endpoints ?? []),
};

/** One chunk; none when the shard no longer has it. The key is `chunkKey`. */
export const chunkOfShard: Query<string, readonly ShardEndpoint[]> = {
  name: 'chunkOfShard',
  compute(read, key) {
    const blank = key.indexOf(' ');
    return read(chunksOfShard, key.slice(blank + 1) as EndpointShardKey).get(key.slice(0, blank)) ?? [];
  },
  equal: (a, b) => equalLists(a, b, equalShardEndpoints),
};

export function chunkKey(chunk: string, shard: EndpointShardKey): string {
  return `${chunk} ${shard}`;
}

/** Named by their first address, so that a chunk keeps its name when others come and go. */
function chunked(endpoints: readonly ShardEndpoint[]): ReadonlyMap<string, readonly ShardEndpoint[]> {
  const chunks = new Map<string, readonly ShardEndpoint[]>();
  let start = 0;
  for (let end = 1; end <= endpoints.length; end++) {
    const length = end - start;
    const next = endpoints[end];
    if (next !== undefined && (length < shortestChunk || (length < longestChunk && !startsChunk(next.address))))
      continue;
    const name = escaped(endpoints[start]?.address ?? '');
    // Two chunks begin with one address when a source lists it more than once.
    chunks.set(chunks.has(name) ? `${name};${chunks.size}` : name, endpoints.slice(start, end));
    start = end;
  }
  return chunks;
}

/** True for one address in 64. */
function startsChunk(address: string): boolean {
  let hash = 0;
  for (let index = 0; index < address.length; index++) hash = (Math.imul(hash, 31) + address.charCodeAt(index)) | 0;
  // The upper bits of a product depend on all bits of its factors.
  return Math.imul(hash, 0x9e37_79b1) >>> 26 === 0;
}
