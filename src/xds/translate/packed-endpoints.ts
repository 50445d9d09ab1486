import type { Health } from '../../model/endpoint.ts';
import type { Locality } from '../../model/workload.ts';
import type { Labels } from '../../policy/label-match.ts';
import { encode } from '../proto.ts';
import { sizeOfVarint, tagOf, WireWriter, writeVarint } from '../wire.ts';
import { lbEndpoint, pipePath } from './load-assignment.ts';

/**
 * Endpoints as they stand in load assignments, by hand: they are the one message of which a mesh has hundreds of thousands and changes
 * many a second (hot-path H204, H301). An entry is complete, tag and length included, and has the bytes that the general encoder gives
 * for `lbEndpoint`; field numbers are those of H303.
 */

/** One address and port that a cluster sends to. */
export interface Member {
  /** IPv4 or IPv6 address, DNS name, or `unix://` and a path. */
  readonly address: string;
  readonly port: number;
  readonly health: Health;
  /** At least 1. */
  readonly weight: number;
}

/** What is to be packed together: members of one place. */
export interface MemberGroup {
  readonly locality: Locality;
  /** Those labels of the members that preferences of clients compare. */
  readonly labels: Labels;
  readonly members: readonly Member[];
}

export interface PackedGroup {
  readonly locality: Locality;
  readonly labels: Labels;
  readonly count: number;
  /** Of its entries together. */
  readonly weight: number;
  /** The memory of its block, and where its entries begin and end there. */
  readonly memory: Buffer;
  readonly start: number;
  readonly end: number;
}

/**
 * Some endpoints of a cluster: the part that is encoded again when one of them changes. Never sent, only copied from, and never
 * written to again.
 */
export interface PackedBlock {
  /** Four bytes of hash per entry (`hashesOf`), then the entries, group by group. */
  readonly memory: Buffer;
  readonly count: number;
  readonly groups: readonly PackedGroup[];
}

const writer = new WireWriter();

export const entryTag = tagOf(2, 2);
const endpointTag = tagOf(1, 2);
const healthTag = tagOf(2, 0);
export const weightTag = tagOf(4, 2);
const addressTag = tagOf(1, 2);
const socketAddressTag = tagOf(1, 2);
const ipTag = tagOf(2, 2);
const portTag = tagOf(3, 0);
export const wrappedTag = tagOf(1, 0);

/** Of the entries of a block: equal for entries of equal address and port, and hardly ever for others. */
export function hashesOf({ memory, count }: PackedBlock): Int32Array {
  return new Int32Array(memory.buffer, 0, count);
}

/** In the byte order of typed arrays on every machine that Node runs on. */
export function writeHash(memory: Uint8Array, entry: number, hash: number): void {
  const at = 4 * entry;
  memory[at] = hash;
  memory[at + 1] = hash >>> 8;
  memory[at + 2] = hash >>> 16;
  memory[at + 3] = hash >>> 24;
}

/** Packs groups into memory of their own (hot-path H504). The order of groups and members stays. */
export function packed(groups: readonly MemberGroup[]): PackedBlock {
  let count = 0;
  for (const { members } of groups) count += members.length;
  writer.clear();
  writer.claim(4 * count);
  const places: Omit<PackedGroup, 'memory'>[] = [];
  let first = 0;
  for (const { locality, labels, members } of groups) {
    const start = writer.length;
    const weight = writeMembers(members, first);
    places.push({ locality, labels, count: members.length, weight, start, end: writer.length });
    first += members.length;
  }
  return blockOf(writer.copyOut(), count, places);
}

/** @param memory the block's own from now on */
export function blockOf(memory: Buffer, count: number, places: readonly Omit<PackedGroup, 'memory'>[]): PackedBlock {
  const groups = places.map(({ locality, labels, count: members, weight, start, end }) => ({
    locality,
    labels,
    count: members,
    weight,
    memory,
    start,
    end,
  }));
  return { memory, count, groups };
}

/** Up to here every length inside an entry takes one byte (hot-path H307). */
const longestAddress = 96;
/** Room for the entry of such an address. */
const entryRoom = 128;

/** Of the member written last. */
let lastHash = 0;

/** Gives the sum of the weights. */
function writeMembers(members: readonly Member[], first: number): number {
  let at = writer.claim(members.length * entryRoom);
  let { buffer } = writer;
  let weight = 0;
  for (let index = 0; index < members.length; index++) {
    const member = members[index] as Member;
    weight += member.weight;
    const end = writeAddress(buffer, at, member);
    if (end < 0) {
      writer.truncate(at);
      writeAnyMember(member);
      at = writer.claim((members.length - index) * entryRoom);
      ({ buffer } = writer);
    } else at = end;
    writeHash(buffer, first + index, lastHash);
  }
  writer.truncate(at);
  return weight;
}

/** Gives the offset behind the entry; -1 when it is none of those that are written here. */
function writeAddress(buffer: Uint8Array, start: number, { address, port, health, weight }: Member): number {
  const { length } = address;
  if (length > longestAddress || pipePath(address) !== undefined) return -1;
  const portSize = port < 128 ? 2 : port < 16_384 ? 3 : 4;
  const weightSize = weight === 1 ? 0 : 3 + sizeOfVarint(weight);
  const healthSize = health === 'healthy' ? 0 : 2;
  const socketSize = 2 + length + portSize;
  buffer[start] = entryTag;
  buffer[start + 1] = 6 + socketSize + healthSize + weightSize;
  buffer[start + 2] = endpointTag;
  buffer[start + 3] = socketSize + 4;
  buffer[start + 4] = addressTag;
  buffer[start + 5] = socketSize + 2;
  buffer[start + 6] = socketAddressTag;
  buffer[start + 7] = socketSize;
  buffer[start + 8] = ipTag;
  buffer[start + 9] = length;
  let at = start + 10;
  let hash = port;
  let bits = 0;
  for (let index = 0; index < length; index++) {
    const code = address.charCodeAt(index);
    bits |= code;
    hash = (Math.imul(hash, 31) + code) | 0;
    buffer[at++] = code;
  }
  // Not ASCII: the lengths above are wrong (hot-path H306).
  if (bits > 127) return -1;
  lastHash = hash;
  buffer[at++] = portTag;
  at = writeVarint(buffer, at, port);
  if (healthSize > 0) {
    buffer[at++] = healthTag;
    buffer[at++] = health === 'unhealthy' ? 2 : 3;
  }
  // Field 3, metadata, belongs here: encoded once per distinct content and interned (hot-path H206).
  if (weightSize > 0) {
    buffer[at++] = weightTag;
    buffer[at++] = weightSize - 2;
    buffer[at++] = wrappedTag;
    at = writeVarint(buffer, at, weight);
  }
  return at;
}

/** Pipes and unusual names, which are rare. */
function writeAnyMember(member: Member): void {
  // A pipe has no port: two of one path are one.
  lastHash = pipePath(member.address) === undefined ? member.port : 0;
  for (let index = 0; index < member.address.length; index++) {
    lastHash = (Math.imul(lastHash, 31) + member.address.charCodeAt(index)) | 0;
  }
  writer.varint(entryTag);
  writer.bytes(encode('envoy.config.endpoint.v3.LbEndpoint', lbEndpoint(member)));
}
