import { z } from 'zod';
import type { Violation } from '../../../model/provenance.ts';
import { readBy, says } from './violations.ts';

/** What Weir reads of `metadata`. */
export interface ObjectMetadata {
  readonly name: string;
  /** Empty for kinds that belong to no namespace. */
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly generation: number | undefined;
  /** Milliseconds since 1970; 0 when unknown. */
  readonly createdAt: number;
  /** Deletion has been asked for; the object is finishing. */
  readonly terminating: boolean;
}

export interface MetadataReading {
  /** Which object it is; undefined when even that cannot be read. */
  readonly identity: { readonly namespace: string; readonly name: string } | undefined;
  /** undefined when there are violations. */
  readonly metadata: ObjectMetadata | undefined;
  readonly violations: readonly Violation[];
}

const nameSyntax = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const namespaceSyntax = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const labelNameSyntax = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const labelValueSyntax = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;

const name = z
  .string()
  .max(253, says('WEIR1019', 'the name is longer than 253 characters', 'shorten it'))
  .regex(nameSyntax, says('WEIR1019', 'the name is not a DNS name', 'use lower-case letters, digits, dashes and dots'));
const namespace = z
  .string()
  .max(63, says('WEIR1019', 'the namespace is longer than 63 characters', 'shorten it'))
  .regex(
    namespaceSyntax,
    says('WEIR1019', 'the namespace is not a DNS label', 'use lower-case letters, digits and dashes'),
  );

/** Labels of an object, or of a selector. */
export const labelsSchema = z.record(
  z
    .string()
    .regex(
      labelNameSyntax,
      says('WEIR1018', 'this is not a label name', 'write `name` or `domain/name`, without blanks'),
    ),
  z
    .string()
    .max(63, says('WEIR1018', 'the label value is longer than 63 characters', 'shorten it'))
    .regex(
      labelValueSyntax,
      says('WEIR1018', 'this is not a label value', 'use letters, digits, dashes, underscores and dots'),
    ),
);

const timestamp = z.string().refine((text) => !Number.isNaN(Date.parse(text)), {
  error: says('WEIR2011', 'this is not a time', 'write it like 2026-01-31T12:00:00Z, or leave it out'),
});

const metadataSchema = z.object({
  name,
  namespace: namespace.nullish(),
  labels: labelsSchema.nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
  generation: z.int().nullish(),
  creationTimestamp: timestamp.nullish(),
  deletionTimestamp: timestamp.nullish(),
});
const identitySchema = z.object({ name, namespace: namespace.nullish() });

/** Shared, so that objects without labels or annotations hold nothing of their own. */
const none: Readonly<Record<string, string>> = {};

/**
 * Reads `metadata` of an object.
 *
 * @param namespaced whether the kind lives in namespaces; a missing namespace then is `default`
 */
export function readMetadata(object: Readonly<Record<string, unknown>>, namespaced: boolean): MetadataReading {
  const raw = object['metadata'];
  const reading = readBy(metadataSchema, raw, 'metadata');
  if (reading.kind === 'invalid') {
    const identity = identitySchema.safeParse(raw);
    return {
      identity: identity.success
        ? { namespace: namespaceOf(identity.data.namespace, namespaced), name: identity.data.name }
        : undefined,
      metadata: undefined,
      violations: reading.violations,
    };
  }
  const { value } = reading;
  const metadata: ObjectMetadata = {
    name: value.name,
    namespace: namespaceOf(value.namespace, namespaced),
    labels: value.labels ?? none,
    annotations: value.annotations ?? none,
    generation: value.generation ?? undefined,
    createdAt: typeof value.creationTimestamp === 'string' ? Date.parse(value.creationTimestamp) : 0,
    terminating: typeof value.deletionTimestamp === 'string',
  };
  return { identity: metadata, metadata, violations: [] };
}

function namespaceOf(written: string | null | undefined, namespaced: boolean): string {
  if (!namespaced) return '';
  return written ?? 'default';
}
