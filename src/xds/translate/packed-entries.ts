import { sizeOfVarint, WireWriter } from '../wire.ts';
import { blockOf, entryTag, hashesOf, emptyGroup, weightTag, wrappedTag } from './packed-endpoints.ts';
import type { PackedBlock, PackedGroup, GroupInWork } from './packed-endpoints.ts';

/** Packed endpoints read again, for the rare cases in which blocks cannot be copied as they are. */

/** Where the parts of an entry are in the memory that holds it. */
interface Entry {
  readonly start: number;
  /** Its fields, behind tag and length. */
  readonly content: number;
  /** Behind the address. */
  readonly endpointEnd: number;
  /** Of the weight's field, which is the last; `end` where the weight is 1. */
  readonly weightStart: number;
  readonly weight: number;
  readonly end: number;
}

function* entriesOf(memory: Uint8Array, start: number, end: number): Generator<Entry> {
  for (let at = start; at < end;) {
    const entry = entryAt(memory, at);
    yield entry;
    at = entry.end;
  }
}

function entryAt(memory: Uint8Array, start: number): Entry {
  const size = varintAt(memory, start + 1);
  const content = start + 1 + sizeOfVarint(size);
  const end = content + size;
  const endpointEnd = endOfField(memory, content);
  let weightStart = endpointEnd;
  while (weightStart < end && memory[weightStart] !== weightTag) weightStart = endOfField(memory, weightStart);
  // A length and a tag stand between the field's tag and the number.
  const weight = weightStart < end ? varintAt(memory, weightStart + 3) : 1;
  return { start, content, endpointEnd, weightStart, weight, end };
}

/** Of a field with a one-byte tag that is a number or has a length. */
function endOfField(memory: Uint8Array, start: number): number {
  const value = varintAt(memory, start + 1);
  const valueStart = start + 1 + sizeOfVarint(value);
  return (Number(memory[start]) & 7) === 2 ? valueStart + value : valueStart;
}

function varintAt(memory: Uint8Array, start: number): number {
  let value = 0;
  let factor = 1;
  for (let at = start; ; at++) {
    const byte = Number(memory[at]);
    value += (byte & 127) * factor;
    if (byte < 128) return value;
    factor *= 128;
  }
}

/** Bytes that are equal exactly for entries of one address and port. */
export function addressBytes({ memory, count }: PackedBlock, index: number): Uint8Array {
  let at = 4 * count;
  for (let skipped = 0; skipped < index; skipped++) at = entryAt(memory, at).end;
  const { content, endpointEnd } = entryAt(memory, at);
  return memory.subarray(content, endpointEnd);
}

const writer = new WireWriter();

/** The block without some of its entries. */
export function withoutEntries(block: PackedBlock, dropped: ReadonlySet<number>): PackedBlock {
  const { memory, count, groups } = block;
  const hashes = hashesOf(block);
  const kept: GroupInWork[] = [];
  writer.clear();
  writer.claim(4 * (count - dropped.size));
  let from = 0;
  let to = 0;
  for (const group of groups) {
    const place = emptyGroup(group, writer.length);
    for (const entry of entriesOf(memory, group.start, group.end)) {
      const index = from++;
      if (dropped.has(index)) continue;
      writer.buffer.writeInt32LE(Number(hashes[index]), 4 * to++);
      writer.range(memory, entry.start, entry.end);
      place.weight += entry.weight;
      place.count++;
    }
    place.end = writer.length;
    if (place.count > 0) kept.push(place);
  }
  return blockOf(writer.copyOut(), kept);
}

/** The group with other weights. */
export function withWeights(group: PackedGroup, weightOf: (weight: number) => number): PackedGroup {
  const { memory } = group;
  writer.clear();
  let sum = 0;
  for (const { content, weightStart, weight } of entriesOf(memory, group.start, group.end)) {
    const next = weightOf(weight);
    sum += next;
    writer.varint(entryTag);
    const start = writer.open();
    writer.range(memory, content, weightStart);
    if (next !== 1) {
      writer.varint(weightTag);
      writer.varint(1 + sizeOfVarint(next));
      writer.varint(wrappedTag);
      writer.varint(next);
    }
    writer.close(start);
  }
  return { ...group, memory: writer.copyOut(), start: 0, end: writer.length, weight: sum };
}
