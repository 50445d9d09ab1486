import type { ConfigObject } from '../../model/config-object.ts';
import { configKey, type ConfigKey } from '../../model/keys.ts';
import type { Violation } from '../../model/provenance.ts';
import type { ConversionContext, KubernetesObject } from '../kubernetes/objects/conversion.ts';
import { convertEndpointSlice } from '../kubernetes/objects/endpoint-slice.ts';
import { convertEndpoints } from '../kubernetes/objects/endpoints.ts';
import { readMetadata, type ObjectMetadata } from '../kubernetes/objects/metadata.ts';
import { convertNamespace } from '../kubernetes/objects/namespace.ts';
import { convertNode } from '../kubernetes/objects/node.ts';
import { convertPod } from '../kubernetes/objects/pod.ts';
import { convertService } from '../kubernetes/objects/service.ts';
import { describeValue, errorAt, type Reading } from '../kubernetes/objects/violations.ts';
import type { Admit } from '../registry.ts';
import type { ReadKind } from './kinds.ts';
import type { SourceRow } from './source-row.ts';

/** What reading objects needs to know beside them. */
export interface ObjectContext extends ConversionContext {
  readonly admit: Admit;
}

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

type Content = Readonly<Record<string, unknown>>;

/** Reads an object of a kind that is known. */
export function readObject(
  as: ReadKind,
  content: Content,
  namespaced: boolean,
  path: string,
  context: ObjectContext,
): Identified {
  const named = as === 'mesh.istio.io/MeshConfig' ? withDefaultName(content) : content;
  const { identity, metadata, violations } = readMetadata(named, namespaced);
  if (identity === undefined) return { violations };
  const id = configKey(as, identity.namespace, identity.name);
  // With broken metadata the rest is read all the same, so that its author hears of everything at once.
  const readable = metadata ?? { ...noMetadata, ...identity };
  const outcome = rowsOf(as, { metadata: readable, content }, context);
  if (violations.length === 0) return { object: { id, path, embedded: undefined, outcome } };
  const all = outcome.kind === 'invalid' ? [...violations, ...outcome.violations] : violations;
  return { object: { id, path, embedded: undefined, outcome: { kind: 'invalid', violations: all } } };
}

/** A mesh has one configuration, which therefore needs no name. */
function withDefaultName(content: Content): Content {
  const metadata = content['metadata'] ?? {};
  return isMapping(metadata) ? { ...content, metadata: { name: 'mesh', ...metadata } } : content;
}

const noMetadata: ObjectMetadata = {
  name: '',
  namespace: '',
  labels: {},
  annotations: {},
  generation: undefined,
  createdAt: 0,
  terminating: false,
};

function rowsOf(as: ReadKind, object: KubernetesObject, context: ObjectContext): Reading<readonly SourceRow[]> {
  switch (as) {
    case 'Service':
      return mapRows(convertService(object, context), (row) => ({ kind: 'service', row }));
    case 'Endpoints':
      return mapRows(convertEndpoints(object, context), (row) => ({ kind: 'shard', row }));
    case 'discovery.k8s.io/EndpointSlice':
      return mapRows(convertEndpointSlice(object, context), (row) => ({ kind: 'shard', row }));
    case 'Pod':
      return mapRows(convertPod(object, context), (row) => ({ kind: 'workload', row }));
    case 'Node':
      return mapRows(convertNode(object, context), (row) => ({ kind: 'node', row }));
    case 'Namespace':
      return mapRows(convertNamespace(object), (row) => ({ kind: 'namespace', row }));
    case 'networking.istio.io/VirtualService':
    case 'networking.istio.io/DestinationRule':
    case 'networking.istio.io/ServiceEntry':
    case 'networking.istio.io/WorkloadEntry':
    case 'mesh.istio.io/MeshConfig':
      return configRow(as, object.metadata, object.content['spec'], context);
  }
}

function mapRows<Row>(reading: Reading<readonly Row[]>, wrap: (row: Row) => SourceRow): Reading<readonly SourceRow[]> {
  return reading.kind === 'valid' ? { kind: 'valid', value: reading.value.map(wrap) } : reading;
}

/** A configuration object as it stands, if the dialects have nothing against it. */
export function configRow(
  kind: ConfigObject['kind'],
  metadata: ObjectMetadata,
  spec: unknown,
  context: ObjectContext,
): Reading<readonly SourceRow[]> {
  if (spec !== undefined && spec !== null && !isMapping(spec)) {
    const message = `a mapping is expected, not ${describeValue(spec)}`;
    return { kind: 'invalid', violations: [errorAt('WEIR1002', 'spec', message, 'write `name: value` lines')] };
  }
  const { namespace, name, labels, annotations, createdAt, generation } = metadata;
  const row: ConfigObject = {
    kind,
    namespace,
    name,
    labels,
    annotations,
    generation: generation ?? 1,
    createdAt,
    spec: spec ?? {},
    origin: context.origin,
    domain: context.domain,
  };
  const violations = context.admit(row).filter(({ severity }) => severity === 'error');
  if (violations.length > 0) return { kind: 'invalid', violations };
  return { kind: 'valid', value: [{ kind: 'config', row }] };
}

export function isMapping(value: unknown): value is Content {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
