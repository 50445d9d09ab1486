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

/** The bytes of a message are no message of its type. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

/**
 * Reads a `DeltaDiscoveryRequest`. Fields that it does not know are skipped.
 *
 * @throws MalformedMessage when the bytes are cut short or no protobuf
 */
export function decodeDeltaRequest(message: Uint8Array): DeltaRequest {
  let node: Uint8Array | undefined;
  let typeUrl = '';
  let nonce = '';
  let error: ErrorDetail | undefined;
  const subscribe: string[] = [];
  const unsubscribe: string[] = [];
  const held = new Map<string, string>();
  eachField(bufferOver(message), (field, bytes) => {
    switch (field) {
      case 1:
        node = bytes;
        break;
      case 2:
        typeUrl = textOf(bytes);
        break;
      case 3:
        subscribe.push(nameOf(bytes));
        break;
      case 4:
        unsubscribe.push(nameOf(bytes));
        break;
      case 5:
        readHeldVersion(bytes, held);
        break;
      case 6:
        nonce = textOf(bytes);
        break;
      case 7:
        error = readError(bytes);
        break;
    }
  });
  return { kind: 'delta', node, typeUrl, nonce, error, subscribe, unsubscribe, held };
}

/**
 * Reads a `DiscoveryRequest`. Fields that it does not know are skipped.
 *
 * @throws MalformedMessage when the bytes are cut short or no protobuf
 */
export function decodeSotwRequest(message: Uint8Array): SotwRequest {
  let node: Uint8Array | undefined;
  let typeUrl = '';
  let nonce = '';
  let version = '';
  let error: ErrorDetail | undefined;
  const names: string[] = [];
  eachField(bufferOver(message), (field, bytes) => {
    switch (field) {
      case 1:
        version = textOf(bytes);
        break;
      case 2:
        node = bytes;
        break;
      case 3:
        names.push(nameOf(bytes));
        break;
      case 4:
        typeUrl = textOf(bytes);
        break;
      case 5:
        nonce = textOf(bytes);
        break;
      case 6:
        error = readError(bytes);
        break;
    }
  });
  return { kind: 'sotw', node, typeUrl, nonce, version, error, names };
}

function readHeldVersion(entry: Buffer, held: Map<string, string>): void {
  let name = '';
  let version = '';
  eachField(entry, (field, bytes) => {
    if (field === 1) name = nameOf(bytes);
    else if (field === 2) version = textOf(bytes);
  });
  held.set(name, version);
}

function readError(status: Buffer): ErrorDetail {
  let code = 0;
  let message = '';
  eachField(
    status,
    (field, bytes) => {
      if (field === 2) message = textOf(bytes);
    },
    (field, value) => {
      if (field === 1) code = value;
    },
  );
  return { code, message };
}

function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function nameOf(bytes: Buffer): string {
  return canonicalName(textOf(bytes));
}

function textOf(bytes: Buffer): string {
  return bytes.toString('utf8');
}

/** Gives the length-delimited fields of a message, and its varints where somebody wants them; skips the rest. */
function eachField(
  message: Buffer,
  onBytes: (field: number, bytes: Buffer) => void,
  onVarint?: (field: number, value: number) => void,
): void {
  const end = message.length;
  let at = 0;

  const varint = (): number => {
    let value = 0;
    // Multiplication and not a shift: values above 31 bits must not turn negative.
    for (let scale = 1, length = 1; length <= 10; scale *= 128, length++) {
      const byte = message[at++];
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
        if (at <= end) onBytes(field, message.subarray(start, at));
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
