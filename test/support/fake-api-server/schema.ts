import { isJson, type Json } from './stored-object.ts';
import type { StatusCause } from './refusal.ts';

/** The part of a structural schema that is looked at. CEL is not. */
export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}

/** Leaves out the fields that the schema does not know, and puts in its defaults. Both happen before validation. */
function shaped(value: unknown, schema: Schema): unknown {
  if (Array.isArray(value)) return value.map((item) => shaped(item, schema.items ?? {}));
  if (!isJson(value)) return value;
  const { properties = {}, additionalProperties } = schema;
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || additionalProperties === true;
  const result: Record<string, unknown> = {};
  for (const [field, content] of Object.entries(value)) {
    const known = properties[field] ?? (isSchema(additionalProperties) ? additionalProperties : undefined);
    if (known !== undefined) result[field] = shaped(content, known);
    else if (open) result[field] = content;
  }
  for (const [field, property] of Object.entries(properties)) {
    if (property.default !== undefined && result[field] === undefined) {
      result[field] = shaped(structuredClone(property.default), property);
    }
  }
  return result;
}

/** What of a shaped value the schema does not admit. */
function violationsOf(value: unknown, schema: Schema, field: string): readonly Required<StatusCause>[] {
  if (value === null && schema.nullable === true) return [];
  const wrong = wrongType(value, schema);
  if (wrong !== undefined) return [cause('FieldValueTypeInvalid', field, value, `must be of type ${wrong}`)];
  const found = boundsOf(value, schema, field);
  if (Array.isArray(value)) {
    found.push(...value.flatMap((item, index) => violationsOf(item, schema.items ?? {}, `${field}[${index}]`)));
  } else if (isJson(value)) {
    for (const name of schema.required ?? []) {
      if (value[name] !== undefined) continue;
      found.push({ reason: 'FieldValueRequired', field: inside(field, name), message: 'Required value' });
    }
    for (const [name, content] of Object.entries(value)) {
      const { properties, additionalProperties } = schema;
      const known = properties?.[name] ?? (isSchema(additionalProperties) ? additionalProperties : {});
      found.push(...violationsOf(content, known, inside(field, name)));
    }
  }
  return found;
}

function boundsOf(value: unknown, schema: Schema, field: string): Required<StatusCause>[] {
  const found: Required<StatusCause>[] = [];
  const refuse = (refused: boolean, why: string): void => {
    if (refused) found.push(cause('FieldValueInvalid', field, value, why));
  };
  const { minimum = -Infinity, maximum = Infinity, pattern } = schema;
  if (typeof value === 'number') {
    refuse(value < minimum, `should be greater than or equal to ${minimum}`);
    refuse(value > maximum, `should be less than or equal to ${maximum}`);
  }
  if (typeof value === 'string') {
    const characters = Array.from(value).length;
    refuse(characters < (schema.minLength ?? 0), `should be at least ${schema.minLength} chars long`);
    refuse(characters > (schema.maxLength ?? Infinity), `should be at most ${schema.maxLength} chars long`);
    refuse(pattern !== undefined && !new RegExp(pattern, 'u').test(value), `should match '${pattern}'`);
  }
  if (Array.isArray(value)) {
    refuse(value.length < (schema.minItems ?? 0), `should have at least ${schema.minItems} items`);
    refuse(value.length > (schema.maxItems ?? Infinity), `must have at most ${schema.maxItems} items`);
  }
  const { enum: allowed } = schema;
  if (allowed !== undefined && !allowed.includes(value)) {
    const values = allowed.map((each) => JSON.stringify(each)).join(', ');
    found.push({
      reason: 'FieldValueNotSupported',
      field,
      message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${values}`,
    });
  }
  return found;
}

/** The type that it should have had. */
function wrongType(value: unknown, schema: Schema): string | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) {
    return Number.isInteger(value) || typeof value === 'string' ? undefined : 'integer,string';
  }
  const { type } = schema;
  const fits: Readonly<Record<string, boolean>> = {
    object: isJson(value),
    array: Array.isArray(value),
    string: typeof value === 'string',
    boolean: typeof value === 'boolean',
    number: typeof value === 'number',
    integer: Number.isInteger(value),
  };
  return type === undefined || fits[type] === true ? undefined : type;
}

function cause(reason: string, field: string, value: unknown, why: string): Required<StatusCause> {
  return { reason, field, message: `Invalid value: ${JSON.stringify(value)}: ${field} in body ${why}` };
}

function inside(field: string, name: string): string {
  return field === '' ? name : `${field}.${name}`;
}

function isSchema(value: Schema | boolean | undefined): value is Schema {
  return typeof value === 'object';
}

/** The schema below a field, for who walks along with a value. */
export function schemaOf(schema: Schema | undefined, field: string): Schema | undefined {
  const { properties, additionalProperties } = schema ?? {};
  return properties?.[field] ?? (isSchema(additionalProperties) ? additionalProperties : undefined);
}

/** An object of a custom kind as it is kept, and what is wrong with it. Its metadata is not the schema's business. */
export function admitted(
  object: Json,
  schema: Schema,
): { readonly object: Json; readonly causes: readonly Required<StatusCause>[] } {
  const { metadata, apiVersion, kind, ...content } = object;
  const kept = shaped(content, schema) as Json;
  return { object: { metadata, ...kept }, causes: violationsOf(kept, { ...schema, required: required(schema) }, '') };
}

function required({ required: fields = [] }: Schema): readonly string[] {
  return fields.filter((field) => !['apiVersion', 'kind', 'metadata'].includes(field));
}
