import type { ConfigKind, ConfigObject } from '../../../model/config-object.ts';
import type { Admit } from '../../registry.ts';
import type { SourceRow } from '../../source-row.ts';
import type { ConversionContext, KubernetesObject } from './conversion.ts';
import { convertEndpointSlice } from './endpoint-slice.ts';
import { convertEndpoints } from './endpoints.ts';
import { readMetadata, type MetadataReading, type ObjectMetadata } from './metadata.ts';
import { convertNamespace } from './namespace.ts';
import { convertNode } from './node.ts';
import { convertPod } from './pod.ts';
import { convertService } from './service.ts';
import { describeValue, errorAt, type Reading } from './violations.ts';

/** What becomes rows: objects of Kubernetes, whoever brings them, and configuration in the form of such objects. */
export type ReadKind =
  'Service' | 'Endpoints' | 'discovery.k8s.io/EndpointSlice' | 'Pod' | 'Node' | 'Namespace' | ConfigKind;

/** What reading objects needs to know beside them. */
export interface ObjectContext extends ConversionContext {
  readonly admit: Admit;
}

/** An object's rows, or everything that is wrong with it; without an identity it cannot even be told which object it is. */
export type ObjectRows =
  | { readonly identity: ObjectIdentity; readonly outcome: Reading<readonly SourceRow[]> }
  | { readonly identity: undefined; readonly outcome: Extract<Reading<never>, { kind: 'invalid' }> };

type ObjectIdentity = NonNullable<MetadataReading['identity']>;

export type Content = Readonly<Record<string, unknown>>;

/**
 * Reads an object of a kind that is known.
 *
 * @param namespaced whether the kind lives in namespaces
 */
export function readRows(as: ReadKind, content: Content, namespaced: boolean, context: ObjectContext): ObjectRows {
  const { identity, metadata, violations } = readMetadata(content, namespaced);
  if (identity === undefined) return { identity, outcome: { kind: 'invalid', violations } };
  // With broken metadata the rest is read all the same, so that its author hears of everything at once.
  const readable = metadata ?? { ...noMetadata, ...identity };
  const outcome = rowsOf(as, { metadata: readable, content }, context);
  if (violations.length === 0) return { identity, outcome };
  const all = outcome.kind === 'invalid' ? [...violations, ...outcome.violations] : violations;
  return { identity, outcome: { kind: 'invalid', violations: all } };
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
    case 'security.istio.io/AuthorizationPolicy':
    case 'security.istio.io/PeerAuthentication':
    case 'security.istio.io/RequestAuthentication':
    case 'mesh.istio.io/MeshConfig':
      return configRow(as, object.metadata, object.content['spec'], context);
  }
}

function mapRows<Row>(reading: Reading<readonly Row[]>, wrap: (row: Row) => SourceRow): Reading<readonly SourceRow[]> {
  return reading.kind === 'valid' ? { kind: 'valid', value: reading.value.map(wrap) } : reading;
}

/** A configuration object as it stands, if the dialects have nothing against it. */
export function configRow(
  kind: ConfigKind,
  metadata: ObjectMetadata,
  spec: unknown,
  context: ObjectContext,
): Reading<readonly SourceRow[]> {
  if (spec !== undefined && spec !== null && !isMapping(spec)) {
    const message = `a mapping is expected, not ${describeValue(spec)}`;
    return { kind: 'invalid', violations: [errorAt('WEIR1002', 'spec', message, 'write `name: value` lines')] };
  }
  const { namespace, name, labels, createdAt, generation } = metadata;
  const { [lastApplied]: _, ...annotations } = metadata.annotations;
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

/** kubectl's copy of the whole object. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

export function isMapping(value: unknown): value is Content {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
