import type { Locality } from '../../model/workload.ts';
import { sizeOfVarint, tagOf, WireWriter } from '../wire.ts';
import { isUnknown } from './load-assignment.ts';
import type { LocalityGroup } from './locality-groups.ts';

/**
 * Load assignments by hand, around endpoints that are packed already (hot-path H204, H301). The bytes are those of the general
 * encoder; field numbers are those of H303.
 */

const writer = new WireWriter();

const clusterNameTag = tagOf(1, 2);
const endpointsTag = tagOf(2, 2);
const localityTag = tagOf(1, 2);
const weightTag = tagOf(3, 2);
const priorityTag = tagOf(5, 0);
const wrappedTag = tagOf(1, 0);
const regionTag = tagOf(1, 2);
const zoneTag = tagOf(2, 2);
const subZoneTag = tagOf(3, 2);

/**
 * The bytes of an assignment; without groups they are the name alone, for a cluster that has no endpoint (xds-protocol X63). They stand
 * in memory that the next call uses again, so they have to be copied before (hot-path H308).
 */
export function encodeLoadAssignment(clusterName: string, groups: readonly LocalityGroup[]): Uint8Array {
  writer.clear();
  writer.varint(clusterNameTag);
  writer.string(clusterName);
  for (const group of groups) writeGroup(group);
  return writer.written();
}

function writeGroup({ locality, priority, weight, pieces }: LocalityGroup): void {
  writer.varint(endpointsTag);
  const start = writer.open();
  if (!isUnknown(locality)) writeLocality(locality);
  // The length goes in now: later the endpoints would have to be moved to make room for it.
  let following = sizeOfTail(priority, weight);
  for (const piece of pieces) following += piece.end - piece.start;
  writer.close(start, following);
  for (const piece of pieces) writer.range(piece.memory, piece.start, piece.end);
  if (weight !== undefined) writeWeight(weight);
  if (priority !== 0) {
    writer.varint(priorityTag);
    writer.varint(priority);
  }
}

function sizeOfTail(priority: number, weight: number | undefined): number {
  return (weight === undefined ? 0 : 3 + sizeOfVarint(weight)) + (priority === 0 ? 0 : 1 + sizeOfVarint(priority));
}

function writeLocality({ region, zone, subZone }: Locality): void {
  writer.varint(localityTag);
  const start = writer.open();
  writePart(regionTag, region);
  writePart(zoneTag, zone);
  writePart(subZoneTag, subZone);
  writer.close(start);
}

function writePart(tag: number, part: string): void {
  if (part === '') return;
  writer.varint(tag);
  writer.string(part);
}

function writeWeight(weight: number): void {
  writer.varint(weightTag);
  const start = writer.open();
  writer.varint(wrappedTag);
  writer.varint(weight);
  writer.close(start);
}
