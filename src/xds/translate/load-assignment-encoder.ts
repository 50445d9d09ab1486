import type { Locality } from '../../model/workload.ts';
import { encode } from '../proto.ts';
import { sizeOfVarint, tagOf, WireWriter, writeVarint } from '../wire.ts';
import { isUnknown, lbEndpoint, pipePath } from './load-assignment.ts';
import type { LocalityGroup, Member } from './locality-groups.ts';

/**
 * Load assignments by hand: they are the one message of which a mesh has hundreds of thousands of parts and changes many a second
 * (hot-path H301). Gives the bytes that the general encoder gives for `loadAssignment`; field numbers are those of H303.
 */

const writer = new WireWriter();

const tags = {
  clusterName: tagOf(1, 2),
  endpoints: tagOf(2, 2),
  locality: tagOf(1, 2),
  lbEndpoints: tagOf(2, 2),
  localityWeight: tagOf(3, 2),
  priority: tagOf(5, 0),
  endpoint: tagOf(1, 2),
  healthStatus: tagOf(2, 0),
  endpointWeight: tagOf(4, 2),
  address: tagOf(1, 2),
  socketAddress: tagOf(1, 2),
  ip: tagOf(2, 2),
  port: tagOf(3, 0),
  wrapped: tagOf(1, 0),
} as const;

/** @returns an assignment in memory of its own; without groups it is the name alone, for a cluster that has no endpoint */
export function encodeLoadAssignment(clusterName: string, groups: readonly LocalityGroup[]): Uint8Array {
  writer.clear();
  writer.varint(tags.clusterName);
  writer.string(clusterName);
  for (const group of groups) {
    writer.varint(tags.endpoints);
    const start = writer.open();
    if (!isUnknown(group.locality)) writeLocality(group.locality);
    for (const member of group.members) writeMember(member);
    if (group.weight !== undefined) writeWeight(group.weight);
    if (group.priority !== 0) {
      writer.varint(tags.priority);
      writer.varint(group.priority);
    }
    writer.close(start);
  }
  return writer.copyOut();
}

function writeLocality({ region, zone, subZone }: Locality): void {
  writer.varint(tags.locality);
  const start = writer.open();
  for (const [index, part] of [region, zone, subZone].entries()) {
    if (part === '') continue;
    writer.varint(tagOf(index + 1, 2));
    writer.string(part);
  }
  writer.close(start);
}

function writeWeight(weight: number): void {
  writer.varint(tags.localityWeight);
  const start = writer.open();
  writer.varint(tags.wrapped);
  writer.varint(weight);
  writer.close(start);
}

/** Up to here every length inside an entry takes one byte (hot-path H307). */
const longestAddress = 96;

function writeMember(member: Member): void {
  const { address, port, weight } = member;
  if (address.length > longestAddress || pipePath(address) !== undefined) return writeAnyMember(member);
  const start = writer.length;
  const portSize = 1 + sizeOfVarint(port);
  const weightSize = weight === 1 ? 0 : 3 + sizeOfVarint(weight);
  const healthSize = member.health === 'healthy' ? 0 : 2;
  const socketSize = 2 + address.length + portSize;
  const size = 6 + socketSize + healthSize + weightSize;
  let at = writer.claim(2 + size);
  const { buffer } = writer;
  buffer[at] = tags.lbEndpoints;
  buffer[at + 1] = size;
  buffer[at + 2] = tags.endpoint;
  buffer[at + 3] = socketSize + 4;
  buffer[at + 4] = tags.address;
  buffer[at + 5] = socketSize + 2;
  buffer[at + 6] = tags.socketAddress;
  buffer[at + 7] = socketSize;
  buffer[at + 8] = tags.ip;
  buffer[at + 9] = address.length;
  at += 10;
  let bits = 0;
  for (let index = 0; index < address.length; index++) {
    const code = address.charCodeAt(index);
    bits |= code;
    buffer[at++] = code;
  }
  if (bits > 127) {
    // Not ASCII, so the lengths above are wrong (hot-path H306).
    writer.truncate(start);
    return writeAnyMember(member);
  }
  buffer[at++] = tags.port;
  at = writeVarint(buffer, at, port);
  if (healthSize > 0) {
    buffer[at++] = tags.healthStatus;
    buffer[at++] = member.health === 'unhealthy' ? 2 : 3;
  }
  if (weightSize > 0) {
    buffer[at++] = tags.endpointWeight;
    buffer[at++] = weightSize - 2;
    buffer[at++] = tags.wrapped;
    writeVarint(buffer, at, weight);
  }
}

/** Pipes and unusual names, which are rare. */
function writeAnyMember(member: Member): void {
  writer.varint(tags.lbEndpoints);
  writer.bytes(encode('envoy.config.endpoint.v3.LbEndpoint', lbEndpoint(member)));
}
