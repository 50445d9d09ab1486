import type { Query, Read } from '../../incremental/definitions.ts';
import { compositeKey, partsOf, type NodeKey, type ScopeKey, type ServiceKey } from '../../model/keys.ts';
import type { Provenance } from '../../model/provenance.ts';
import type { LocalityPreference } from '../../model/traffic-policy.ts';
import { clientScope, scopeFactsOf } from '../../policy/scope.ts';
import { escaped, recordOf, recordText, unescaped } from '../../policy/scope-text.ts';
import { frameContent, type FramedResource } from '../fragment.ts';
import { encodeLoadAssignment } from './load-assignment-encoder.ts';
import { localityGroups, type Place } from './locality-groups.ts';
import { comparedLabels } from './locality-priority.ts';
import { discoveryOf, outboundTarget } from './outbound-target.ts';
import { packedService } from './packed-shards.ts';

/** A load assignment, ready to be sent. */
export interface AssignmentTranslation {
  readonly framed: FramedResource;
  readonly provenance: readonly Provenance[];
}

/**
 * The load assignment of a cluster, by the cluster's name: empty when the cluster has no endpoint (xds-protocol X63), undefined when
 * the client has no such cluster or its endpoints do not come from us.
 *
 * @param scope of load assignments
 */
export function translateAssignment(read: Read, scope: ScopeKey, name: string): AssignmentTranslation | undefined {
  const target = outboundTarget(read, clientScope(scope), name);
  if (target === undefined) return undefined;
  const { service, port, subset, effective } = target;
  if (discoveryOf(service, port, effective.policy) !== 'assignment') return undefined;
  const preference = effective.policy.loadBalancer?.locality;
  const key = compositeKey(
    name,
    service.key,
    port.name,
    recordText(subset?.labels ?? {}),
    biasText(preference, service.staysOnNode === true, scope),
  );
  return { framed: read(assignment, key), provenance: [service.declaredBy, ...effective.provenance] };
}

/**
 * The assignment of a cluster, for all clients for whom it is the same (hot-path H208). Key: name, service, name of the port, labels of
 * the subset, bias.
 */
const assignment: Query<string, FramedResource> = {
  name: 'assignment',
  compute(read, key) {
    const [name = '', service = '', portName = '', labels = '', bias = ''] = partsOf(key);
    const { preference, client, node } = biasOf(bias);
    const compared = preference === undefined ? [] : comparedLabels(preference);
    const selection = { portName, labels: recordOf(labels), compared, node };
    const blocks = packedService(read, service as ServiceKey, selection, bias !== '');
    const bytes = encodeLoadAssignment(name, localityGroups(blocks, preference, client));
    return frameContent('envoy.config.endpoint.v3.ClusterLoadAssignment', name, bytes);
  },
  equal: (a, b) => a.version === b.version,
};

/** What of a client makes its assignment another: where it is, if its policy prefers localities or the service stays on the node. */
interface Bias {
  readonly preference: LocalityPreference | undefined;
  readonly client: Place | undefined;
  /** Endpoints elsewhere are left out; undefined: none are. */
  readonly node: NodeKey | undefined;
}

/** Clients everywhere get the same where no place is better than another. Of a client whose node nobody knows, none is left out. */
function biasText(preference: LocalityPreference | undefined, staysOnNode: boolean, scope: ScopeKey): string {
  if (preference === undefined && !staysOnNode) return '';
  const { locality, labels, node: own } = scopeFactsOf(scope, 'endpoints');
  const node = staysOnNode ? own : undefined;
  if (preference === undefined && node === undefined) return '';
  const compared = (preference === undefined ? [] : comparedLabels(preference)).flatMap((name) =>
    labels[name] === undefined ? [] : [[name, labels[name]]],
  );
  const client = preference === undefined ? undefined : { locality, labels: Object.fromEntries(compared) };
  const bias: Bias = { preference, client, node };
  return escaped(JSON.stringify(bias));
}

const noBias: Bias = { preference: undefined, client: undefined, node: undefined };

function biasOf(text: string): Bias {
  return text === '' ? noBias : (JSON.parse(unescaped(text)) as Bias);
}
