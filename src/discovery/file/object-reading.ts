import { configKey, type ConfigKey } from '../../model/keys.ts';
import type { Violation } from '../../model/provenance.ts';
import {
  holdsMeshConfig,
  meshConfigKind,
  meshField,
  readMeshConfigMap,
} from '../kubernetes/objects/mesh-config-map.ts';
import {
  isMapping,
  readRows,
  type Content,
  type ObjectContext,
  type ObjectRows,
  type ReadKind,
} from '../kubernetes/objects/object-rows.ts';
import type { Reading } from '../kubernetes/objects/violations.ts';
import type { SourceRow } from '../source-row.ts';

/** An object of a document: which one it is, and its rows or everything that is wrong with it. */
export interface ObjectReading {
  readonly id: ConfigKey;
  /** Where it stands in its document: empty, or for example `items[3]`. */
  readonly path: string;
  /** The field, below `path`, whose text is the YAML of the `spec`; undefined when `spec` is a field itself. */
  readonly embedded: string | undefined;
  readonly outcome: Reading<readonly SourceRow[]>;
}

/** An object, or what is wrong when it cannot be told which object it is. */
export type Identified = { readonly object: ObjectReading } | { readonly violations: readonly Violation[] };

/** Reads an object of a kind that is known. */
export function readObject(
  as: ReadKind,
  content: Content,
  namespaced: boolean,
  path: string,
  context: ObjectContext,
): Identified {
  const named = as === meshConfigKind ? withDefaultName(content) : content;
  return identified(as, readRows(as, named, namespaced, context), path, undefined);
}

/** Istio's users keep the mesh settings in a ConfigMap of this name. */
const meshConfigMap = 'istio';

/**
 * Reads the mesh settings out of a ConfigMap.
 *
 * @returns undefined for every other ConfigMap
 */
export function readConfigMap(content: Content, path: string, context: ObjectContext): Identified | undefined {
  const { metadata } = content;
  if (!isMapping(metadata) || metadata['name'] !== meshConfigMap || !holdsMeshConfig(content)) return undefined;
  return identified(meshConfigKind, readMeshConfigMap(content, context), path, meshField);
}

function identified(
  as: ReadKind,
  { identity, outcome }: ObjectRows,
  path: string,
  embedded: string | undefined,
): Identified {
  if (identity === undefined) return { violations: outcome.violations };
  return { object: { id: configKey(as, identity.namespace, identity.name), path, embedded, outcome } };
}

/** A mesh has one configuration, which therefore needs no name. */
function withDefaultName(content: Content): Content {
  const metadata = content['metadata'] ?? {};
  return isMapping(metadata) ? { ...content, metadata: { name: 'mesh', ...metadata } } : content;
}
