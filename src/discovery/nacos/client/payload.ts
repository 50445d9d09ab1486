/**
 * The envelope of every message of Nacos' gRPC port (`proto/nacos/payload.proto`), written and read by hand: it is three fields deep, and
 * what it carries is JSON of up to 10 MB that is not copied on its way.
 */

export interface Payload {
  /** Simple name of the message's class, for example `SubscribeServiceRequest`. */
  readonly type: string;
  /** Credentials, where there are any. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON as UTF-8. */
  readonly json: Uint8Array;
}

/** Paths of the two calls: there is no package before them (registries N14). */
export const requestPath = '/Request/request';
export const streamPath = '/BiRequestStream/requestBiStream';

const tag = (field: number): number => field * 8 + lengthDelimited;
const lengthDelimited = 2;

const metadataField = 2;
const bodyField = 3;
const typeField = 3;
const headersField = 7;
const anyValueField = 2;

export function encodePayload({ type, headers, json }: Payload): Buffer {
  const entries = Object.entries(headers).map(([name, value]) =>
    field(headersField, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))])),
  );
  const metadata = Buffer.concat([field(typeField, Buffer.from(type)), ...entries]);
  return Buffer.concat([field(metadataField, metadata), field(bodyField, field(anyValueField, json))]);
}

/** @throws RangeError when the bytes are no payload */
export function decodePayload(bytes: Buffer): Payload {
  let type = '';
  let json: Uint8Array = new Uint8Array();
  const headers: (readonly [string, string])[] = [];
  for (const { number, content } of fieldsOf(bytes)) {
    if (number === bodyField) {
      json = fieldsOf(content).find((inner) => inner.number === anyValueField)?.content ?? json;
    } else if (number === metadataField) {
      for (const inner of fieldsOf(content)) {
        if (inner.number === typeField) type = inner.content.toString();
        else if (inner.number === headersField) headers.push(headerOf(inner.content));
      }
    }
  }
  return { type, headers: Object.fromEntries(headers), json };
}

function headerOf(entry: Buffer): readonly [string, string] {
  const fields = fieldsOf(entry);
  const name = fields.find(({ number }) => number === 1)?.content.toString() ?? '';
  const value = fields.find(({ number }) => number === 2)?.content.toString() ?? '';
  return [name, value];
}

function field(number: number, content: Uint8Array): Buffer {
  return Buffer.concat([varint(tag(number)), varint(content.length), content]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

interface Field {
  readonly number: number;
  readonly content: Buffer;
}

/** The fields that have a length; all others are passed over. */
function fieldsOf(bytes: Buffer): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || factor > 2 ** 42)
        throw new RangeError('a Nacos payload ends in the middle of a number');
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = readVarint();
    const wireType = key % 8;
    const length = wireType === lengthDelimited ? readVarint() : widthOf(wireType, readVarint);
    if (at + length > bytes.length) throw new RangeError('a Nacos payload is shorter than it says');
    if (wireType === lengthDelimited) {
      fields.push({ number: Math.floor(key / 8), content: bytes.subarray(at, at + length) });
    }
    at += length;
  }
  return fields;
}

/** Bytes that follow; a varint is read at once. */
function widthOf(wireType: number, readVarint: () => number): number {
  switch (wireType) {
    case 0:
      readVarint();
      return 0;
    case 1:
      return 8;
    case 5:
      return 4;
    default:
      throw new RangeError(`a Nacos payload has the wire type ${wireType}`);
  }
}
