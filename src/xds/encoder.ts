import { invariant } from '../incremental/invariant.ts';
import type { Field, Scalar, Shape } from './shape.ts';
import { tagOf, type WireType, type WireWriter } from './wire.ts';

/** How messages of one type are written. */
export interface Encoder {
  readonly name: string;
  readonly fields: ReadonlyMap<string, FieldEncoder>;
}

interface FieldEncoder {
  readonly id: number;
  readonly write: WriteValue;
}

type WriteValue = (writer: WireWriter, value: unknown) => void;

/**
 * Makes encoders of shapes. An encoder writes fields by number and map entries by key, so that equal messages give equal
 * bytes, and throws on a name, an enum value or a value that the type does not have instead of leaving it out.
 */
export function encoders(shapeOf: (name: string) => Shape | undefined): (name: string) => Encoder {
  const made = new Map<string, Encoder>();
  return function encoderOf(name) {
    const known = made.get(name);
    if (known !== undefined) return known;
    const shape = shapeOf(name);
    invariant(shape !== undefined, `the Envoy API has no message ${name}`);
    const fields = new Map<string, FieldEncoder>();
    const encoder = { name, fields };
    // Known before its fields, since messages contain themselves.
    made.set(name, encoder);
    for (const field of shape.fields) {
      fields.set(field.name, { id: field.id, write: fieldWriter(field, `${name}.${field.name}`, encoderOf) });
    }
    return encoder;
  };
}

/**
 * Fields found in the messages that are being written, outer ones first, and their values: kept from one message to the next,
 * because making lists of them costs more than writing them.
 */
const found: FieldEncoder[] = [];
const values: unknown[] = [];
let depth = 0;

export function writeMessage(encoder: Encoder, message: object, writer: WireWriter): void {
  const start = depth;
  try {
    collectFields(encoder, message);
    const end = depth;
    for (let index = start; index < end; index++) found[index]?.write(writer, values[index]);
  } finally {
    depth = start;
  }
}

/** In ascending order of number, as they are written. */
function collectFields(encoder: Encoder, message: object): void {
  const start = depth;
  for (const name in message) {
    const value: unknown = message[name as keyof typeof message];
    if (value === undefined) continue;
    const field = encoder.fields.get(name);
    if (field === undefined) return refuse(`${encoder.name} has no field ${name}`);
    let index = depth++;
    for (; index > start; index--) {
      const previous = found[index - 1];
      if (previous === undefined || previous.id < field.id) break;
      found[index] = previous;
      values[index] = values[index - 1];
    }
    found[index] = field;
    values[index] = value;
  }
}

function fieldWriter(field: Field, path: string, encoderOf: (name: string) => Encoder): WriteValue {
  const { wireType, write, isDefault } = valueWriter(field, path, encoderOf);
  switch (field.cardinality) {
    case 'map':
      return mapWriter(field, path, tagOf(2, wireType), write);
    case 'many':
      return wireType === 2
        ? listWriter(path, tagOf(field.id, 2), write)
        : packedWriter(path, tagOf(field.id, 2), write);
    case 'one':
      return singleWriter(tagOf(field.id, wireType), write, field.hasPresence ? undefined : isDefault);
  }
}

function singleWriter(tag: number, write: WriteValue, skips: ((value: unknown) => boolean) | undefined): WriteValue {
  if (skips === undefined) {
    return (writer, value) => {
      writer.varint(tag);
      write(writer, value);
    };
  }
  return (writer, value) => {
    if (skips(value)) return;
    writer.varint(tag);
    write(writer, value);
  };
}

function listWriter(path: string, tag: number, write: WriteValue): WriteValue {
  return (writer, value) => {
    if (!Array.isArray(value)) return refuse(`${path} is a list`);
    for (const item of value) {
      writer.varint(tag);
      write(writer, item);
    }
  };
}

function packedWriter(path: string, tag: number, write: WriteValue): WriteValue {
  return (writer, value) => {
    if (!Array.isArray(value)) return refuse(`${path} is a list`);
    if (value.length === 0) return;
    writer.varint(tag);
    const start = writer.open();
    for (const item of value) write(writer, item);
    writer.close(start);
  };
}

function mapWriter(field: Field, path: string, valueTag: number, write: WriteValue): WriteValue {
  const entryTag = tagOf(field.id, 2);
  const keyTag = tagOf(1, wireTypeOf(field.keyType));
  const key = scalarWriter(field.keyType, `${path} key`);
  return (writer, value) => {
    if (!isRecord(value)) return refuse(`${path} is a map`);
    for (const name of Object.keys(value).sort()) {
      writer.varint(entryTag);
      const start = writer.open();
      writer.varint(keyTag);
      key(writer, field.keyType === 'string' ? name : keyOf(field.keyType, name));
      writer.varint(valueTag);
      write(writer, value[name]);
      writer.close(start);
    }
  };
}

function keyOf(type: Scalar, name: string): number | boolean {
  return type === 'bool' ? name === 'true' : Number(name);
}

interface ValueWriter {
  readonly wireType: WireType;
  readonly write: WriteValue;
  readonly isDefault: (value: unknown) => boolean;
}

function valueWriter(field: Field, path: string, encoderOf: (name: string) => Encoder): ValueWriter {
  const { value } = field;
  switch (value.kind) {
    case 'message':
      return { wireType: 2, write: messageWriter(encoderOf(value.name), path), isDefault: () => false };
    case 'enum':
      return {
        wireType: 0,
        write: enumWriter(value.numbers, path),
        isDefault: (name) => value.numbers.get(String(name)) === 0,
      };
    case 'scalar':
      return {
        wireType: wireTypeOf(value.type),
        write: scalarWriter(value.type, path),
        isDefault: (scalar) =>
          scalar === 0 || scalar === '' || scalar === false || (scalar instanceof Uint8Array && scalar.length === 0),
      };
  }
}

function messageWriter(encoder: Encoder, path: string): WriteValue {
  return (writer, value) => {
    if (typeof value !== 'object' || value === null) return refuse(`${path} is a message`);
    const start = writer.open();
    writeMessage(encoder, value, writer);
    writer.close(start);
  };
}

function enumWriter(numbers: ReadonlyMap<string, number>, path: string): WriteValue {
  return (writer, value) => {
    const number = typeof value === 'string' ? numbers.get(value) : undefined;
    if (number === undefined) return refuse(`${path} has no value ${String(value)}`);
    writer.varint(number);
  };
}

function scalarWriter(type: Scalar, path: string): WriteValue {
  switch (type) {
    case 'string':
      return (writer, value) => {
        if (typeof value !== 'string') return refuse(`${path} is a string`);
        writer.string(value);
      };
    case 'bytes':
      return (writer, value) => {
        if (!(value instanceof Uint8Array)) return refuse(`${path} is bytes`);
        writer.bytes(value);
      };
    case 'bool':
      return (writer, value) => {
        if (typeof value !== 'boolean') return refuse(`${path} is a boolean`);
        writer.varint(value ? 1 : 0);
      };
    case 'float':
    case 'double':
      return (writer, value) => {
        if (typeof value !== 'number') return refuse(`${path} is a number`);
        if (type === 'float') writer.float(value);
        else writer.double(value);
      };
    default:
      return integerWriter(type, path);
  }
}

function integerWriter(type: IntegerType, path: string): WriteValue {
  const [least, most] = rangeOf[type];
  const write = writeInteger[type];
  return (writer, value) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) return refuse(`${path} is an integer`);
    if (value < least || value > most) return refuse(`${path} is between ${least} and ${most}`);
    write(writer, value);
  };
}

type IntegerType = Exclude<Scalar, 'string' | 'bytes' | 'bool' | 'float' | 'double'>;

const signed32 = [-0x8000_0000, 0x7fff_ffff] as const;
const unsigned32 = [0, 0xffff_ffff] as const;
const signed64 = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER] as const;
const unsigned64 = [0, Number.MAX_SAFE_INTEGER] as const;

const rangeOf: Readonly<Record<IntegerType, readonly [number, number]>> = {
  int32: signed32,
  sint32: signed32,
  sfixed32: signed32,
  uint32: unsigned32,
  fixed32: unsigned32,
  int64: signed64,
  sint64: signed64,
  sfixed64: signed64,
  uint64: unsigned64,
  fixed64: unsigned64,
};

const varint = (writer: WireWriter, value: number): void => writer.varint(value);
const zigzag = (writer: WireWriter, value: number): void => writer.varint(value < 0 ? -2 * value - 1 : 2 * value);
const fixed32 = (writer: WireWriter, value: number): void => writer.fixed32(value);
const fixed64 = (writer: WireWriter, value: number): void => writer.fixed64(value);

const writeInteger: Readonly<Record<IntegerType, (writer: WireWriter, value: number) => void>> = {
  int32: varint,
  uint32: varint,
  int64: varint,
  uint64: varint,
  sint32: zigzag,
  sint64: zigzag,
  fixed32,
  sfixed32: fixed32,
  fixed64,
  sfixed64: fixed64,
};

function wireTypeOf(type: Scalar): WireType {
  switch (type) {
    case 'string':
    case 'bytes':
      return 2;
    case 'double':
    case 'fixed64':
    case 'sfixed64':
      return 1;
    case 'float':
    case 'fixed32':
    case 'sfixed32':
      return 5;
    default:
      return 0;
  }
}

/** Called only once something is wrong, so that no text is made for what is right. */
function refuse(message: string): never {
  invariant(false, message);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
