import type { z } from 'zod';
import { structuralSchema, type StructuralSchema } from './structural-schema.ts';

/** A kind of object that people write, as an API server is told of it. */
export interface CustomResource {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** All mean the same (policy G10); objects are stored in the first. */
  readonly versions: readonly string[];
  /** What the kind is for, in a sentence. */
  readonly description: string;
  readonly spec: z.ZodType;
  /** What `kubectl get` prints between the name and what Weir says of it. */
  readonly columns: readonly PrinterColumn[];
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'date';
  readonly description: string;
  readonly jsonPath: string;
}

/** Marks what Weir installed: a definition without it belongs to somebody else and is never written to. */
export const ownerLabel = { key: 'app.kubernetes.io/part-of', value: 'weir' } as const;

/** An object of `apiextensions.k8s.io/v1`, complete, so that what an API server holds of it compares equal. */
export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly group: string;
    readonly names: Readonly<Record<string, string | readonly string[]>>;
    readonly scope: 'Namespaced';
    readonly conversion: { readonly strategy: 'None' };
    readonly versions: readonly CustomResourceVersion[];
  };
}

interface CustomResourceVersion {
  readonly name: string;
  readonly served: true;
  readonly storage: boolean;
  readonly additionalPrinterColumns: readonly PrinterColumn[];
  readonly subresources: { readonly status: Readonly<Record<string, never>> };
  readonly schema: { readonly openAPIV3Schema: StructuralSchema };
}

export function customResourceDefinition(resource: CustomResource): CustomResourceDefinition {
  const { group, kind, plural, singular, shortNames, categories, versions } = resource;
  const openAPIV3Schema = objectSchema(resource);
  const additionalPrinterColumns = [...resource.columns, ...statusColumns];
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      labels: { [ownerLabel.key]: ownerLabel.value },
      // With the definition go all objects of the kind: a chart that has it must not take it along when it goes.
      annotations: { 'helm.sh/resource-policy': 'keep' },
    },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular, shortNames, categories },
      scope: 'Namespaced',
      conversion: { strategy: 'None' },
      versions: versions.map((name, index) => ({
        name,
        served: true,
        storage: index === 0,
        additionalPrinterColumns,
        subresources: { status: {} },
        schema: { openAPIV3Schema },
      })),
    },
  };
}

function objectSchema({ description, spec }: CustomResource): StructuralSchema {
  return {
    description,
    type: 'object',
    required: ['spec'],
    properties: { spec: structuralSchema(spec), status: statusSchema },
  };
}

/** Open: whoever else serves the kind may have more to say than Weir. */
const statusSchema: StructuralSchema = {
  description: 'What became of the object: written by the control plane, for people.',
  type: 'object',
  'x-kubernetes-preserve-unknown-fields': true,
  properties: {
    observedGeneration: {
      description: 'Generation of the object that this is about.',
      type: 'integer',
      format: 'int64',
    },
    conditions: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
      items: {
        type: 'object',
        required: ['type'],
        'x-kubernetes-preserve-unknown-fields': true,
        properties: {
          type: { description: 'Accepted, ResolvedRefs, Programmed, and others.', type: 'string' },
          status: { description: 'True, False or Unknown.', type: 'string' },
          reason: { description: 'Why, in one word for programs.', type: 'string' },
          message: { description: 'Why, for people, and what to do.', type: 'string' },
          lastTransitionTime: { type: 'string', format: 'date-time' },
          observedGeneration: { type: 'integer', format: 'int64' },
        },
      },
    },
  },
};

const statusColumns: readonly PrinterColumn[] = [
  conditionColumn('Accepted', 'Whether the object is in force as it is written.'),
  conditionColumn('Programmed', 'Whether all proxies that it concerns have confirmed it.'),
  {
    name: 'Age',
    type: 'date',
    description: 'Time since the object was created.',
    jsonPath: '.metadata.creationTimestamp',
  },
];

function conditionColumn(name: string, description: string): PrinterColumn {
  return { name, type: 'string', description, jsonPath: `.status.conditions[?(@.type=="${name}")].status` };
}
