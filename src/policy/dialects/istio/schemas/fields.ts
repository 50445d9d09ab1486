import { z } from 'zod';

/**
 * The building blocks of the schemas. A schema says which fields an object of Istio's API has and of which type they are, for
 * reading and for the CRD alike; what the values mean is said in the decoders. Every field is optional, as in the API's wire
 * format; the `required` of a CRD is metadata, and the decoders ask for what they need. Lists admit `undefined` elements so
 * that a decoder can go on behind an element that was refused.
 */

export const text = z.string();
export const flag = z.boolean();
export const int32 = z.int().min(-2_147_483_648).max(2_147_483_647);
export const uint32 = z.int().min(0).max(4_294_967_295);
export const uint64 = z.int().min(0);
export const double = z.number();
/** Checked by `readDuration`. */
export const duration = z.string().meta({ description: 'A duration such as 1h, 1m, 1.5s or 100ms' });
/** Contents that Weir does not look into. */
export const opaque = z.unknown();

/** An object with these fields and no others. */
export function message<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  required: readonly (keyof Shape & string)[] = [],
) {
  const schema = z.strictObject(shape).partial();
  return required.length === 0 ? schema : schema.meta({ required });
}

/** @param maxItems what the decoder refuses beyond, for the CRD; undefined: as many as fit into an object */
export function list<Item extends z.core.SomeType>(item: Item, maxItems?: number) {
  const schema = z.array(z.optional(item));
  return maxItems === undefined ? schema : schema.meta({ maxItems });
}

/** Any keys, values of one type. */
export function map<Value extends z.core.SomeType>(value: Value) {
  return z.record(z.string(), value);
}

export function words<const Words extends readonly string[]>(...values: Words) {
  return z.enum(values);
}
