import { canonicalName } from './resource-name.ts';

/**
 * Discovery requests from their bytes, by hand: an ACK is read in a fraction of a microsecond, and a reconnect that names
 * thousands of resources makes no objects but their names (hot-path H102, H314). Field numbers are those of `hot-path` H303.
 */

/** Why a client refuses a response (`google.rpc.Status`). */
export interface ErrorDetail {
  readonly code: number;
  readonly message: string;
}

interface AnyRequest {
  /** An encoded `envoy.config.core.v3.Node`, as a view of the message; undefined when the request has none. */
  readonly node: Uint8Array | undefined;
  readonly typeUrl: string;
  readonly nonce: string;
  /** Present in a NACK and nowhere else (xds-protocol X48). */
  readonly error: ErrorDetail | undefined;
}

export interface DeltaRequest extends AnyRequest {
  readonly kind: 'delta';
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  /** `initial_resource_versions`: what the client holds, by name. */
  readonly held: ReadonlyMap<string, string>;
}

export interface SotwRequest extends AnyRequest {
  readonly kind: 'sotw';
  readonly version: string;
  readonly names: readonly string[];
}

export type DiscoveryRequest = DeltaRequest | SotwRequest;

/** Bytes of the longest name of a resource (reliability S74). */
const longestName = 512;

const nothingHeld: ReadonlyMap<string, string> = new Map();

/** The bytes of a message are no message of its type. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

/** A request asks for more than anybody may. */
export class BeyondLimit extends Error {
  override readonly name = 'BeyondLimit';
}

/**
 * Reads a `DeltaDiscoveryRequest`. Fields that it does not know are skipped.
 *
 * @throws MalformedMessage when the bytes are cut short or no protobuf; BeyondLimit when a name is too long
 */
export function decodeDeltaRequest(message: Uint8Array): DeltaRequest {
  let node: Uint8Array | undefined;
  let typeUrl = '';
  let nonce = '';
  let error: ErrorDetail | undefined;
  const subscribe: string[] = [];
  const unsubscribe: string[] = [];
  let held: Map<string, string> | undefined;
  const bytes = bufferOver(message);
  eachField(bytes, 0, bytes.length, (field, start, end) => {
    switch (field) {
      case 1:
        node = bytes.subarray(start, end);
        break;
      case 2:
        typeUrl = textOf(bytes, start, end);
        break;
      case 3:
        subscribe.push(nameOf(bytes, start, end));
        break;
      case 4:
        unsubscribe.push(nameOf(bytes, start, end));
        break;
      case 5:
        held ??= new Map();
        readHeldVersion(bytes, start, end, held);
        break;
      case 6:
        nonce = textOf(bytes, start, end);
        break;
      case 7:
        error = readError(bytes, start, end);
        break;
    }
  });
  return { kind: 'delta', node, typeUrl, nonce, error, subscribe, unsubscribe, held: held ?? nothingHeld };
}

/**
 * Reads a `DiscoveryRequest`. Fields that it does not know are skipped.
 *
 * @throws MalformedMessage when the bytes are cut short or no protobuf; BeyondLimit when a name is too long
 */
export function decodeSotwRequest(message: Uint8Array): SotwRequest {
  let node: Uint8Array | undefined;
  let typeUrl = '';
  let nonce = '';
  let version = '';
  let error: ErrorDetail | undefined;
  const names: string[] = [];
  const bytes = bufferOver(message);
  eachField(bytes, 0, bytes.length, (field, start, end) => {
    switch (field) {
      case 1:
        version = textOf(bytes, start, end);
        break;
      case 2:
        node = bytes.subarray(start, end);
        break;
      case 3:
        names.push(nameOf(bytes, start, end));
        break;
      case 4:
        typeUrl = textOf(bytes, start, end);
        break;
      case 5:
        nonce = textOf(bytes, start, end);
        break;
      case 6:
        error = readError(bytes, start, end);
        break;
    }
  });
  return { kind: 'sotw', node, typeUrl, nonce, version, error, names };
}

function readHeldVersion(bytes: Buffer, first: number, last: number, held: Map<string, string>): void {
  let name = '';
  let version = '';
  eachField(bytes, first, last, (field, start, end) => {
    if (field === 1) name = nameOf(bytes, start, end);
    else if (field === 2) version = textOf(bytes, start, end);
  });
  held.set(name, version);
}

function readError(bytes: Buffer, first: number, last: number): ErrorDetail {
  let code = 0;
  let message = '';
  eachField(
    bytes,
    first,
    last,
    (field, start, end) => {
      if (field === 2) message = textOf(bytes, start, end);
    },
    (field, value) => {
      if (field === 1) code = value;
    },
  );
  return { code, message };
}

/** The same memory. */
export function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function nameOf(bytes: Buffer, start: number, end: number): string {
  if (end - start > longestName) {
    throw new BeyondLimit(`a name of ${end - start} bytes is asked for; one may have ${longestName}`);
  }
  return canonicalName(textOf(bytes, start, end));
}

function textOf(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('utf8', start, end);
}

/**
 * Gives the length-delimited fields of the message that lies between two places, and its varints where somebody wants them; skips
 * the rest. Fields are given as places: a view of each would cost more than all else here.
 *
 * @throws MalformedMessage
 */
export function eachField(
  message: Buffer,
  first: number,
  end: number,
  onBytes: (field: number, start: number, end: number) => void,
  onVarint?: (field: number, value: number) => void,
): void {
  let at = first;

  const varint = (): number => {
    let value = 0;
    // Multiplication and not a shift: values above 31 bits must not turn negative.
    for (let scale = 1, length = 1; length <= 10; scale *= 128, length++) {
      const byte = at < end ? message[at++] : undefined;
      if (byte === undefined) throw new MalformedMessage('the message ends in the middle of a number');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new MalformedMessage('the message holds a number of more than ten bytes');
  };

  while (at < end) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0: {
        const value = varint();
        onVarint?.(field, value);
        break;
      }
      case 1:
        at += 8;
        break;
      case 2: {
        const length = varint();
        const start = at;
        at += length;
        if (at <= end) onBytes(field, start, at);
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        throw new MalformedMessage(`the message holds a field of unknown form ${tag % 8}`);
    }
    if (at > end) throw new MalformedMessage('the message ends in the middle of a field');
  }
}
