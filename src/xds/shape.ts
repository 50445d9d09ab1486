/** Protobuf's message types, as far as walking a message needs: for encoding, JSON and validation. */

export interface Shape {
  /** Full name, for example `envoy.config.cluster.v3.Cluster`. */
  readonly name: string;
  /** In ascending order of field number. */
  readonly fields: readonly Field[];
  /** Oneofs of which a member must be set. */
  readonly requiredOneofs: readonly { readonly name: string; readonly fields: readonly string[] }[];
}

export interface Field {
  /** As in protobuf's JSON form. */
  readonly name: string;
  readonly id: number;
  readonly cardinality: 'one' | 'many' | 'map';
  /** Whether a value that equals the type's default is written nevertheless. */
  readonly hasPresence: boolean;
  /** Name of the oneof that it is a member of. */
  readonly oneof: string | undefined;
  readonly value: FieldValue;
  /** Of a map's keys. */
  readonly keyType: Scalar;
  /** The field's `(validate.rules)`, as data; undefined: none. */
  readonly rules: unknown;
}

export type FieldValue =
  | { readonly kind: 'scalar'; readonly type: Scalar }
  | { readonly kind: 'enum'; readonly name: string; readonly numbers: ReadonlyMap<string, number> }
  | { readonly kind: 'message'; readonly name: string };

export type Scalar = (typeof scalars)[number];

const scalars = [
  'string',
  'bool',
  'bytes',
  'float',
  'double',
  'int32',
  'sint32',
  'uint32',
  'fixed32',
  'sfixed32',
  'int64',
  'sint64',
  'uint64',
  'fixed64',
  'sfixed64',
] as const;

export function isScalar(type: string): type is Scalar {
  return scalars.some((scalar) => scalar === type);
}
