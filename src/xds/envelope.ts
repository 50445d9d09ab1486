import type { Wire } from './observer.ts';
import { spareBytes } from './transport/transport.ts';
import { sizeOfVarint, tagOf, writeVarint } from './wire.ts';

/**
 * Discovery responses, by hand: a head of a few bytes, then the resources' own bytes, encoded once and shared by all streams.
 * Protobuf leaves the order of fields free and lets repeated fields be joined, so nothing is encoded or copied per stream but
 * the head (hot-path H311). Field numbers are those of `hot-path` H303.
 */

/** What says the same in all responses of one type, encoded: `type_url` and `control_plane`. */
export interface ResponseConstants {
  readonly wire: Wire;
  readonly bytes: Uint8Array;
}

export interface ResponseHead {
  /** SotW: `version_info`. Delta: `system_version_info`, which is for people (xds-protocol X46). Empty: not said. */
  readonly version: string;
  readonly nonce: string;
  /** Delta only. */
  readonly removed: readonly string[];
}

const fields = {
  delta: { version: 1, resources: 2, typeUrl: 4, nonce: 5, removed: 6, controlPlane: 7 },
  sotw: { version: 1, resources: 2, typeUrl: 4, nonce: 5, controlPlane: 6 },
} as const;

/** @param identifier says which instance and build of the control plane answers (xds-protocol X13) */
export function responseConstants(wire: Wire, typeUrl: string, identifier: string): ResponseConstants {
  const controlPlane = Buffer.alloc(sizeOfText(identifier));
  writeText(controlPlane, 0, 1, identifier);
  const bytes = Buffer.alloc(sizeOfText(typeUrl) + 1 + sizeOfVarint(controlPlane.length) + controlPlane.length);
  let at = writeText(bytes, 0, fields[wire].typeUrl, typeUrl);
  bytes[at++] = tagOf(fields[wire].controlPlane, 2);
  at = writeVarint(bytes, at, controlPlane.length);
  controlPlane.copy(bytes, at);
  return { wire, bytes };
}

/** Everything of a response but its resources, with the transport's spare bytes in front. */
export function encodeHead(constants: ResponseConstants, head: ResponseHead): Uint8Array {
  const { wire, bytes } = constants;
  let size = spareBytes + bytes.length + sizeOfText(head.nonce);
  if (head.version !== '') size += sizeOfText(head.version);
  if (wire === 'delta') for (const name of head.removed) size += sizeOfText(name);
  // Not from the pool: a head is kept as long as streams may share it (hot-path H504).
  const buffer = Buffer.allocUnsafeSlow(size);
  let at = head.version === '' ? spareBytes : writeText(buffer, spareBytes, fields[wire].version, head.version);
  buffer.set(bytes, at);
  at = writeText(buffer, at + bytes.length, fields[wire].nonce, head.nonce);
  if (wire === 'delta') for (const name of head.removed) at = writeText(buffer, at, fields.delta.removed, name);
  return buffer;
}

function sizeOfText(text: string): number {
  const length = Buffer.byteLength(text);
  return 1 + sizeOfVarint(length) + length;
}

function writeText(buffer: Buffer, start: number, field: number, text: string): number {
  buffer[start] = tagOf(field, 2);
  const at = writeVarint(buffer, start + 1, Buffer.byteLength(text));
  return at + buffer.write(text, at);
}
