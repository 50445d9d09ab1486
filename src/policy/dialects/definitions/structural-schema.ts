import { z } from 'zod';
import { invariant } from '../../../incremental/invariant.ts';

/** From the schema by which an object is read to the one by which an API server admits it. */

/** What a CustomResourceDefinition may say of a value; a part of OpenAPI 3.0 with Kubernetes' additions. */
export interface StructuralSchema {
  readonly description?: string;
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema;
  readonly items?: StructuralSchema;
  readonly 'x-kubernetes-preserve-unknown-fields'?: true;
  readonly 'x-kubernetes-list-type'?: 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}

/**
 * The schema of a custom resource's field.
 *
 * It admits all that a decoder reads. Fields that the schema does not have are kept: an API server would cut them off without a word,
 * and the decoder reports each, with the name that was probably meant. A field that is `null` counts as absent here and there.
 */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  return structural(z.toJSONSchema(schema, { io: 'input' }));
}

/** Keywords that mean the same in both, and those that are taken care of here. */
const sameKeywords = ['enum', 'minimum', 'maximum', 'maxItems', 'required'] as const;
const knownKeywords: ReadonlySet<string> = new Set([
  '$schema',
  'description',
  'type',
  'properties',
  'additionalProperties',
  'propertyNames',
  'items',
  ...sameKeywords,
]);

function structural(schema: z.core.JSONSchema._JSONSchema): StructuralSchema {
  invariant(typeof schema === 'object', 'a schema without keywords has no structure');
  const unknown = Object.keys(schema).filter((keyword) => !knownKeywords.has(keyword));
  invariant(unknown.length === 0, `no structural schema says ${unknown.join(', ')}`);
  const { description, type, properties, additionalProperties, items } = schema;
  invariant(isStructuralType(type), 'a structural schema has one type');
  invariant(!Array.isArray(items), 'a structural schema has no tuples');
  const same = Object.fromEntries(
    sameKeywords.flatMap((keyword) => (schema[keyword] === undefined ? [] : [[keyword, schema[keyword]]])),
  );
  return {
    ...(description === undefined ? {} : { description }),
    type,
    ...same,
    ...(properties === undefined ? {} : message(properties)),
    ...(typeof additionalProperties === 'object' ? { additionalProperties: structural(additionalProperties) } : {}),
    ...(items === undefined ? {} : { items: structural(items) }),
  };
}

function message(properties: Readonly<Record<string, z.core.JSONSchema._JSONSchema>>): Partial<StructuralSchema> {
  const fields = Object.entries(properties).map(([name, property]) => [name, structural(property)] as const);
  return { properties: Object.fromEntries(fields), 'x-kubernetes-preserve-unknown-fields': true };
}

function isStructuralType(type: unknown): type is StructuralSchema['type'] {
  return ['object', 'array', 'string', 'integer', 'number', 'boolean'].includes(String(type));
}
