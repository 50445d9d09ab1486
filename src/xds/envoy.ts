import type { Duration, FractionalPercent, Struct, Value } from './generated/envoy-api.ts';

/**
 * Envoy's messages, written `envoy.Cluster` everywhere: `import type * as envoy from './envoy.ts'`. They are plain objects with
 * the names of protobuf's JSON form, enums by name; the generated file says how each is spelled.
 */
export type * from './generated/envoy-api.ts';

/** @param duration milliseconds, not negative, fractions down to a nanosecond */
export function milliseconds(duration: number): Duration {
  const seconds = Math.floor(duration / 1000);
  const nanos = Math.round((duration - seconds * 1000) * 1_000_000);
  // Zero is left out, as it is on the wire.
  return { ...(seconds === 0 ? {} : { seconds }), ...(nanos === 0 ? {} : { nanos }) };
}

/** @param percent 0 to 100, fractions allowed: kept to a millionth of the whole */
export function percentOfMillion(percent: number): FractionalPercent {
  return { numerator: Math.round(percent * 10_000), denominator: 'MILLION' };
}

/** Plain JSON data as `google.protobuf.Struct`. Members that are undefined are left out. */
export function struct(object: Readonly<Record<string, unknown>>): Struct {
  const fields: Record<string, Value> = {};
  for (const [name, value] of Object.entries(object)) {
    if (value !== undefined) fields[name] = structValue(value);
  }
  return { fields };
}

function structValue(value: unknown): Value {
  switch (typeof value) {
    case 'string':
      return { stringValue: value };
    case 'number':
      return { numberValue: value };
    case 'boolean':
      return { boolValue: value };
    default:
      if (value === null || typeof value !== 'object') return { nullValue: 'NULL_VALUE' };
      if (Array.isArray(value)) return { listValue: { values: value.map(structValue) } };
      return { structValue: struct({ ...value }) };
  }
}
