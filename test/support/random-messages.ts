import fc from 'fast-check';
import type { MessageTypes } from '../../src/xds/generated/envoy-api.ts';
import { pack, shapeOf, type TypeName } from '../../src/xds/proto.ts';
import type { Field, FieldValue, Scalar, Shape } from '../../src/xds/shape.ts';

/**
 * Random messages of a type, as `decode` would give them: no default values, no empty lists, at most one member of a oneof.
 */
export function aMessage<Name extends TypeName>(name: Name): fc.Arbitrary<MessageTypes[Name]> {
  return aMessageOf(name, 3);
}

function messageOf(name: string, depth: number): fc.Arbitrary<object> {
  return wellKnown[name]?.(depth) ?? fieldsOf(name, depth);
}

const nanos = fc.integer({ min: 1, max: 999_999_999 });

/** Types that allow less than their fields do. */
const wellKnown: Readonly<Record<string, (depth: number) => fc.Arbitrary<object>>> = {
  'google.protobuf.Any': (depth) =>
    aMessageOf('envoy.config.core.v3.SocketOption', depth - 1).map((message) =>
      pack('envoy.config.core.v3.SocketOption', { ...message, description: 'not empty' }),
    ),
  'google.protobuf.Duration': () => fc.record({ seconds: fc.integer({ min: 1, max: 1_000_000 }), nanos }),
  'google.protobuf.Timestamp': () => fc.record({ seconds: fc.integer({ min: 1, max: 4_000_000_000 }), nanos }),
  'google.protobuf.FieldMask': () =>
    fc.record({ paths: fc.array(fc.stringMatching(/^[a-z]{1,5}(_[a-z]{1,5})?$/), { minLength: 1, maxLength: 3 }) }),
  'google.protobuf.Value': (depth) =>
    fc.oneof(
      fc.constant({ nullValue: 'NULL_VALUE' }),
      fc.record({ numberValue: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
      fc.record({ stringValue: fc.string() }),
      fc.record({ boolValue: fc.boolean() }),
      ...(depth > 0 ? [fc.record({ structValue: messageOf('google.protobuf.Struct', depth - 1) })] : []),
    ),
};

function aMessageOf<Name extends TypeName>(name: Name, depth: number): fc.Arbitrary<MessageTypes[Name]> {
  return messageOf(name, depth);
}

function fieldsOf(name: string, depth: number): fc.Arbitrary<object> {
  const shape = shapeOf(name);
  if (shape === undefined) throw new Error(`no message ${name}`);
  const candidates = shape.fields.filter(({ value }) => depth > 0 || value.kind !== 'message');
  return fc
    .subarray([...candidates], { maxLength: Math.min(6, candidates.length) })
    .chain((chosen) =>
      fc.record(Object.fromEntries(withoutRivals(shape, chosen).map((field) => [field.name, fieldOf(field, depth)]))),
    );
}

/** Of the members of a oneof only the last one on the wire counts. */
function withoutRivals(shape: Shape, chosen: readonly Field[]): readonly Field[] {
  const taken = new Set<string>();
  return chosen.filter(({ oneof }) => {
    if (oneof === undefined) return true;
    if (taken.has(oneof)) return false;
    taken.add(oneof);
    return shape.fields.some((field) => field.oneof === oneof);
  });
}

function fieldOf(field: Field, depth: number): fc.Arbitrary<unknown> {
  const any = valueOf(field.value, depth);
  switch (field.cardinality) {
    case 'many':
      return fc.array(any, { minLength: 1, maxLength: 3 });
    case 'map':
      return fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), any, {
        minKeys: 1,
        maxKeys: 3,
        noNullPrototype: true,
      });
    case 'one':
      return field.hasPresence ? any : any.filter((value) => !isDefault(value) && value !== defaultName(field.value));
  }
}

function isDefault(value: unknown): boolean {
  return value === 0 || value === '' || value === false || (value instanceof Uint8Array && value.length === 0);
}

function defaultName(value: FieldValue): string | undefined {
  if (value.kind !== 'enum') return undefined;
  return [...value.numbers].find(([, number]) => number === 0)?.[0];
}

function valueOf(value: FieldValue, depth: number): fc.Arbitrary<unknown> {
  switch (value.kind) {
    case 'message':
      return messageOf(value.name, depth - 1);
    case 'enum':
      return fc.constantFrom(...firstNames(value.numbers));
    case 'scalar':
      return scalarOf(value.type);
  }
}

/** Aliases of one number come back under the first name. */
function firstNames(numbers: ReadonlyMap<string, number>): readonly string[] {
  const seen = new Set<number>();
  return [...numbers].filter(([, number]) => !seen.has(number) && seen.add(number)).map(([name]) => name);
}

function scalarOf(type: Scalar): fc.Arbitrary<unknown> {
  switch (type) {
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 60 });
    case 'bool':
      return fc.boolean();
    case 'bytes':
      return fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
    case 'double':
      return fc.double({ noNaN: true });
    case 'float':
      return fc.float({ noNaN: true });
    case 'uint32':
    case 'fixed32':
      return fc.nat(0xffff_ffff);
    case 'uint64':
    case 'fixed64':
      return fc.maxSafeNat();
    case 'int64':
    case 'sint64':
    case 'sfixed64':
      return fc.maxSafeInteger();
    default:
      return fc.integer();
  }
}
