import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import protojson from 'protobufjs/ext/protojson.js';
import { invariant } from '../incremental/invariant.ts';
import { encoders, writeMessage } from './encoder.ts';
import type { Any, MessageTypes } from './generated/envoy-api.ts';
import { isScalar, type Field, type FieldValue, type Shape } from './shape.ts';
import { WireWriter } from './wire.ts';

/**
 * Protobuf messages to and from bytes: the only file that knows protobufjs, which reads. Writing is our own (`encoder.ts`):
 * equal messages must give equal bytes, since the version of a resource is their hash, and protobufjs writes the name of an
 * enum value as 0 and leaves out fields that it does not know without a word.
 */

/** Full name of a message type of the Envoy API. */
export type TypeName = keyof MessageTypes;

const root = protobuf.Root.fromJSON(
  JSON.parse(readFileSync(new URL('./generated/envoy-api.json', import.meta.url), 'utf8')),
);
const shapes = new Map<string, Shape | undefined>();
const encoderOf = encoders(shapeOf);
const decoding: protobuf.IConversionOptions = { enums: String, longs: Number };
let idle: WireWriter | undefined;

/**
 * The bytes of a message, in memory of their own (hot-path H504): fields by number, map entries by key. A member that is
 * undefined is absent. Throws on a field or a value that the type does not have: that is a bug of the caller.
 */
export function encode<Name extends TypeName>(name: Name, message: MessageTypes[Name]): Uint8Array {
  const writer = idle ?? new WireWriter();
  // A writer that an error interrupted is not used again.
  idle = undefined;
  writeMessage(encoderOf(name), message, writer);
  const bytes = writer.copyOut();
  writer.clear();
  idle = writer;
  return bytes;
}

/**
 * A message from its bytes, with the fields that are there and nothing else. Fields of type `bytes` are views of the input,
 * so whoever keeps one keeps all of it. Throws when the bytes are no such message.
 */
export function decode<Name extends TypeName>(name: Name, bytes: Uint8Array): MessageTypes[Name] {
  const type = root.lookupType(name);
  return type.toObject(type.decode(bytes), decoding);
}

/** Wraps a message in an `Any`. */
export function pack<Name extends TypeName>(name: Name, message: MessageTypes[Name]): Any {
  return { typeUrl: typeUrlOf(name), value: encode(name, message) };
}

/** The message in an `Any`; undefined when that holds another type. */
export function unpack<Name extends TypeName>(name: Name, any: Any): MessageTypes[Name] | undefined {
  return typeNameOf(any) === name ? decode(name, any.value ?? new Uint8Array(0)) : undefined;
}

export function typeUrlOf(name: TypeName): string {
  return `type.googleapis.com/${name}`;
}

/** The type that an `Any` says it holds; undefined when the descriptor lacks it. */
export function typeNameOf(any: Any): TypeName | undefined {
  const name = any.typeUrl?.slice(any.typeUrl.lastIndexOf('/') + 1) ?? '';
  return isTypeName(name) ? name : undefined;
}

export function isTypeName(name: string): name is TypeName {
  return shapeOf(name) !== undefined;
}

/**
 * Reads protobuf's JSON form; fields may be spelled as in JSON or as in the `.proto` file. Throws an error that names the
 * field when the JSON does not fit the type.
 */
export function parseJson<Name extends TypeName>(name: Name, json: unknown): MessageTypes[Name] {
  const type = root.lookupType(name);
  return type.toObject(protojson.fromJson(type, json), decoding);
}

/** The shape of a message type; undefined when the descriptor lacks it. */
export function shapeOf(name: string): Shape | undefined {
  if (shapes.has(name)) return shapes.get(name);
  const found = root.lookup(name, [protobuf.Type]);
  const shape = found instanceof protobuf.Type && nameOf(found) === name ? describe(found) : undefined;
  shapes.set(name, shape);
  return shape;
}

function describe(type: protobuf.Type): Shape {
  return {
    name: nameOf(type),
    fields: type.fieldsArray.map(describeField).sort((a, b) => a.id - b.id),
    requiredOneofs: type.oneofsArray
      .filter((oneof) => oneof.options?.['(validate.required)'] === true)
      .map((oneof) => ({ name: oneof.name, fields: oneof.oneof })),
  };
}

function describeField(field: protobuf.Field): Field {
  const keyType = field instanceof protobuf.MapField ? field.keyType : 'string';
  invariant(isScalar(keyType), `${field.fullName} has scalar keys`);
  const value = describeValue(field);
  return {
    name: field.name,
    id: field.id,
    cardinality: field.map ? 'map' : field.repeated ? 'many' : 'one',
    hasPresence: value.kind === 'message' || field.hasPresence,
    oneof: field.partOf?.name,
    value,
    keyType,
    rules: field.options?.['(validate.rules)'],
  };
}

function describeValue(field: protobuf.Field): FieldValue {
  const type = field.resolvedType;
  if (type instanceof protobuf.Type) return { kind: 'message', name: nameOf(type) };
  if (type instanceof protobuf.Enum) {
    return { kind: 'enum', name: nameOf(type), numbers: new Map(Object.entries(type.values)) };
  }
  invariant(isScalar(field.type), `${field.fullName} has a type`);
  return { kind: 'scalar', type: field.type };
}

function nameOf(object: protobuf.ReflectionObject): string {
  return object.fullName.replace(/^\./, '');
}
