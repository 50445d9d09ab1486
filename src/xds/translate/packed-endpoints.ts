import { invariant } from '../../incremental/invariant.ts';
import type { Health } from '../../model/endpoint.ts';
import type { Locality } from '../../model/workload.ts';
import type { Labels } from '../../policy/label-match.ts';
import { encode } from '../proto.ts';
import { sizeOfVarint, tagOf, WireWriter } from '../wire.ts';
import { lbEndpoint, mutualTlsMetadata, pipePath } from './load-assignment.ts';

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
  /** Called with mutual TLS by clients that have a certificate. */
  readonly mutualTls: boolean;
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
const healthTag = tagOf(2, 0);
const healthNumbers: Readonly<Record<Health, number>> = { healthy: 1, unhealthy: 2, draining: 3, degraded: 5 };
export const weightTag = tagOf(4, 2);
/** Tags of an entry and of the endpoint in it, with room for a length behind each. */
const entryHead = entryTag | (tagOf(1, 2) << 16);
/** The same for the address and the socket address in that. */
const addressHead = tagOf(1, 2) | (tagOf(1, 2) << 16);
const ipTag = tagOf(2, 2);
const portTag = tagOf(3, 0);
export const wrappedTag = tagOf(1, 0);

/** Of the entries of a block: equal for entries of equal address and port, and hardly ever for others. */
export function hashesOf({ memory, count }: PackedBlock): Int32Array {
  return new Int32Array(memory.buffer, 0, count);
}

/** Packs groups into memory of their own (hot-path H504). The order of groups and members stays. */
export function packed(groups: readonly MemberGroup[]): PackedBlock {
  const places = writeGroups(groups);
  return blockOf(writer.copyOut(), places);
}

/**
 * The same for a block that is copied at once: it stands in memory that the next packing uses again (hot-path H308). Memory of its own
 * would take longer than a few endpoints do.
 */
export function packedInPassing(groups: readonly MemberGroup[]): PackedBlock {
  const places = writeGroups(groups);
  return blockOf(writer.buffer, places);
}

/** A group whose memory is not known yet. */
export type GroupInWork = { -readonly [Field in keyof PackedGroup]: PackedGroup[Field] };

export function emptyGroup({ locality, labels }: Pick<PackedGroup, 'locality' | 'labels'>, start: number): GroupInWork {
  return { locality, labels, count: 0, weight: 0, memory: noMemory, start, end: start };
}

const noMemory = Buffer.alloc(0);

function writeGroups(groups: readonly MemberGroup[]): readonly GroupInWork[] {
  let count = 0;
  for (const { members } of groups) count += members.length;
  writer.clear();
  writer.claim(4 * count);
  const places: GroupInWork[] = [];
  let first = 0;
  for (const group of groups) {
    const place = emptyGroup(group, writer.length);
    place.weight = writeMembers(group.members, first);
    place.count = group.members.length;
    place.end = writer.length;
    places.push(place);
    first += place.count;
  }
  return places;
}

/** @param memory the block's own from now on */
export function blockOf(memory: Buffer, places: readonly GroupInWork[]): PackedBlock {
  let count = 0;
  for (const place of places) {
    place.memory = memory;
    count += place.count;
  }
  return { memory, count, groups: places };
}

/** Field 3, metadata, complete: its words, as they are written, and its size (hot-path H206). */
const metadataBytes = metadataField();
const metadataSize = metadataBytes.length;
const metadataWords = Array.from({ length: metadataSize / 4 }, (_, index) => metadataBytes.readInt32LE(4 * index));

function metadataField(): Buffer {
  const content = encode('envoy.config.core.v3.Metadata', mutualTlsMetadata);
  const field = Buffer.allocUnsafeSlow(2 + content.length);
  field.set([tagOf(3, 2), content.length]);
  field.set(content, 2);
  invariant(
    content.length < 128 && field.length % 4 === 0,
    'metadata is written in words, behind a length of one byte',
  );
  return field;
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
  let view = viewOf(writer.buffer);
  let weight = 0;
  for (let index = 0; index < members.length; index++) {
    const member = members[index] as Member;
    weight += member.weight;
    const end = writeAddress(view, at, member);
    if (end < 0) {
      writer.truncate(at);
      writeAnyMember(member);
      at = writer.claim((members.length - index) * entryRoom);
      view = viewOf(writer.buffer);
    } else at = end;
    view.setInt32(4 * (first + index), lastHash, true);
  }
  writer.truncate(at);
  return weight;
}

/** Writes several bytes at a time, which takes half as long as one after the other. */
let lastView: DataView = new DataView(new ArrayBuffer(0));

function viewOf({ buffer }: Buffer): DataView {
  if (lastView.buffer !== buffer) lastView = new DataView(buffer);
  return lastView;
}

/** Gives the offset behind the entry; -1 when it is none of those that are written here. */
function writeAddress(view: DataView, start: number, { address, port, health, weight, mutualTls }: Member): number {
  const { length } = address;
  const extraSize = mutualTls ? metadataSize : 0;
  if (length > longestAddress - extraSize || pipePath(address) !== undefined) return -1;
  const portSize = port < 128 ? 2 : port < 16_384 ? 3 : 4;
  const weightSize = weight === 1 ? 0 : 3 + sizeOfVarint(weight);
  const healthSize = health === 'healthy' ? 0 : 2;
  const socketSize = 2 + length + portSize;
  const entrySize = 6 + socketSize + healthSize + extraSize + weightSize;
  view.setUint32(start, entryHead + (entrySize << 8) + ((socketSize + 4) << 24), true);
  view.setUint32(start + 4, addressHead + ((socketSize + 2) << 8) + (socketSize << 24), true);
  view.setUint16(start + 8, ipTag + (length << 8), true);
  let at = start + 10;
  let hash = port;
  let bits = 0;
  let index = 0;
  // Four at a time: one multiplication after the other is what would take longest here.
  for (; index < length - 3; index += 4) {
    const first = address.charCodeAt(index);
    const second = address.charCodeAt(index + 1);
    const third = address.charCodeAt(index + 2);
    const fourth = address.charCodeAt(index + 3);
    bits |= first | second | third | fourth;
    const word = first | (second << 8) | (third << 16) | (fourth << 24);
    hash = mixed(hash, word);
    view.setInt32(at, word, true);
    at += 4;
  }
  for (; index < length; index++) {
    const code = address.charCodeAt(index);
    bits |= code;
    hash = mixed(hash, code);
    view.setUint8(at++, code);
  }
  // Not ASCII: the lengths above are wrong (hot-path H306).
  if (bits > 127) return -1;
  lastHash = hash;
  view.setUint8(at++, portTag);
  at = writeNumber(view, at, port);
  if (healthSize > 0) {
    view.setUint16(at, healthTag + (healthNumbers[health] << 8), true);
    at += 2;
  }
  if (mutualTls) {
    for (let word = 0; word < metadataWords.length; word++, at += 4) view.setInt32(at, metadataWords[word] ?? 0, true);
  }
  if (weightSize > 0) {
    view.setUint16(at, weightTag + ((weightSize - 2) << 8), true);
    view.setUint8(at + 2, wrappedTag);
    at = writeNumber(view, at + 3, weight);
  }
  return at;
}

function writeNumber(view: DataView, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest > 127) {
    view.setUint8(at++, (rest & 127) | 128);
    rest >>>= 7;
  }
  view.setUint8(at++, rest);
  return at;
}

function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e37_79b1);
  // Only the upper bits of a product depend on all bits of its factors.
  return product ^ (product >>> 15);
}

/** Pipes and unusual names, which are rare. */
function writeAnyMember(member: Member): void {
  // A pipe has no port: two of one path are one.
  lastHash = pipePath(member.address) === undefined ? member.port : 0;
  for (let index = 0; index < member.address.length; index++) {
    lastHash = mixed(lastHash, member.address.charCodeAt(index));
  }
  writer.varint(entryTag);
  writer.bytes(encode('envoy.config.endpoint.v3.LbEndpoint', lbEndpoint(member)));
}
