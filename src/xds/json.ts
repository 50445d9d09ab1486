import { invariant } from '../incremental/invariant.ts';
import type {
  Any,
  Duration,
  FieldMask,
  ListValue,
  MessageTypes,
  Struct,
  Timestamp,
  Value,
} from './generated/envoy-api.ts';
import { decode, encode, parseJson, shapeOf, typeNameOf, type TypeName } from './proto.ts';
import type { Field, FieldValue, Scalar } from './shape.ts';

/**
 * Protobuf's canonical JSON form (https://protobuf.dev/programming-guides/json): what `weir translate` prints, what Envoy's
 * bootstrap is written in and what `envoy --mode validate` reads.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * Plain JSON data of a message or of its bytes; fields in the order of their numbers, map entries by key, an `Any` unpacked
 * where its type is known and as `{"@type", "value": base64}` where not.
 */
export function toJson<Name extends TypeName>(name: Name, message: MessageTypes[Name] | Uint8Array): Json {
  return messageJson(name, decode(name, message instanceof Uint8Array ? message : encode(name, message)));
}

/**
 * A message from protobuf's JSON form; fields may be spelled `connectTimeout` or `connect_timeout`. Throws an error that
 * names the field when the JSON does not fit.
 */
export function fromJson<Name extends TypeName>(name: Name, json: unknown): MessageTypes[Name] {
  return parseJson(name, json);
}

function messageJson(name: string, message: object): Json {
  const special = specialForms[name];
  return special === undefined ? fieldsJson(name, message) : special(message);
}

function fieldsJson(name: string, message: object): { readonly [name: string]: Json } {
  const shape = shapeOf(name);
  invariant(shape !== undefined, `the Envoy API has no message ${name}`);
  const values = new Map(Object.entries(message));
  const json: Record<string, Json> = {};
  for (const field of shape.fields) {
    const value: unknown = values.get(field.name);
    if (value !== undefined) json[field.name] = fieldJson(field, value);
  }
  return json;
}

function fieldJson(field: Field, value: unknown): Json {
  switch (field.cardinality) {
    case 'one':
      return valueJson(field.value, value);
    case 'many':
      return Array.isArray(value) ? value.map((item) => valueJson(field.value, item)) : [];
    case 'map':
      return Object.fromEntries(
        Object.entries(Object(value))
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, item]) => [key, valueJson(field.value, item)]),
      );
  }
}

function valueJson(type: FieldValue, value: unknown): Json {
  switch (type.kind) {
    case 'message':
      return messageJson(type.name, Object(value));
    case 'enum':
      if (type.name === 'google.protobuf.NullValue') return null;
      return typeof value === 'number' ? value : String(value);
    case 'scalar':
      return scalarJson(type.type, value);
  }
}

function scalarJson(type: Scalar, value: unknown): Json {
  switch (type) {
    case 'string':
      return String(value);
    case 'bool':
      return value === true;
    case 'bytes':
      return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : '';
    case 'int64':
    case 'sint64':
    case 'uint64':
    case 'fixed64':
    case 'sfixed64':
      return String(value);
    case 'float':
      return numberJson(shortestFloat(Number(value)));
    default:
      return numberJson(Number(value));
  }
}

function numberJson(value: number): Json {
  return Number.isFinite(value) ? value : String(value);
}

/** The shortest decimal that is the same 32-bit number. */
function shortestFloat(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shorter;
  }
  return value;
}

/** Messages whose JSON form is not an object of their fields. */
const specialForms: Readonly<Record<string, (message: object) => Json>> = {
  'google.protobuf.Any': anyJson,
  'google.protobuf.Duration': (message: Duration) => `${secondsText(message)}s`,
  'google.protobuf.Timestamp': timestampJson,
  'google.protobuf.FieldMask': ({ paths = [] }: FieldMask) => paths.map(lowerCamelCase).join(','),
  'google.protobuf.Struct': structJson,
  'google.protobuf.ListValue': listJson,
  'google.protobuf.Value': plainJson,
  'google.protobuf.DoubleValue': wrapper('double', 0),
  'google.protobuf.FloatValue': wrapper('float', 0),
  'google.protobuf.Int64Value': wrapper('int64', 0),
  'google.protobuf.UInt64Value': wrapper('uint64', 0),
  'google.protobuf.Int32Value': wrapper('int32', 0),
  'google.protobuf.UInt32Value': wrapper('uint32', 0),
  'google.protobuf.BoolValue': wrapper('bool', false),
  'google.protobuf.StringValue': wrapper('string', ''),
  'google.protobuf.BytesValue': wrapper('bytes', new Uint8Array(0)),
};

function wrapper(type: Scalar, absent: unknown): (message: { readonly value?: unknown }) => Json {
  return ({ value }) => scalarJson(type, value ?? absent);
}

function anyJson(any: Any): Json {
  if (any.typeUrl === undefined) return {};
  const bytes = any.value ?? new Uint8Array(0);
  const name = typeNameOf(any);
  if (name === undefined) return { '@type': any.typeUrl, value: scalarJson('bytes', bytes) };
  const message = decode(name, bytes);
  const special = specialForms[name];
  if (special !== undefined) return { '@type': any.typeUrl, value: special(message) };
  return { '@type': any.typeUrl, ...fieldsJson(name, message) };
}

/** Seconds with 0, 3, 6 or 9 digits behind the point. */
function secondsText({ seconds = 0, nanos = 0 }: Duration): string {
  const sign = seconds < 0 || nanos < 0 ? '-' : '';
  return `${sign}${Math.abs(seconds)}${fractionText(Math.abs(nanos))}`;
}

function fractionText(nanos: number): string {
  if (nanos === 0) return '';
  const digits = String(nanos).padStart(9, '0');
  return `.${digits.replace(/(000){1,2}$/, '')}`;
}

function timestampJson({ seconds = 0, nanos = 0 }: Timestamp): Json {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}${fractionText(nanos)}Z`;
}

function lowerCamelCase(path: string): string {
  return path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function structJson({ fields = {} }: Struct): Json {
  const names = Object.keys(fields).sort();
  return Object.fromEntries(names.map((name) => [name, plainJson(fields[name] ?? {})]));
}

function listJson({ values = [] }: ListValue): Json {
  return values.map(plainJson);
}

function plainJson(value: Value): Json {
  if (value.structValue !== undefined) return structJson(value.structValue);
  if (value.listValue !== undefined) return listJson(value.listValue);
  return value.stringValue ?? value.numberValue ?? value.boolValue ?? null;
}
