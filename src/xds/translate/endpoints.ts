import type { Query, Read } from '../../incremental/definitions.ts';
import { compositeKey, partsOf, type ScopeKey, type ServiceKey } from '../../model/keys.ts';
import type { Provenance } from '../../model/provenance.ts';
import { serviceEndpoints } from '../../policy/endpoints.ts';
import { clientScope, scopeFactsOf } from '../../policy/scope.ts';
import { recordOf, recordText } from '../../policy/scope-text.ts';
import { frameContent, type FramedResource } from '../fragment.ts';
import { encodeLoadAssignment } from './load-assignment-encoder.ts';
import { localityGroups } from './locality-groups.ts';
import { discoveryOf, outboundTarget } from './outbound-target.ts';

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
  const labels = subset?.labels ?? {};
  const provenance = [service.declaredBy, ...effective.provenance];
  if (preference === undefined) {
    // Clients everywhere get the same, so that it is made once.
    const key = compositeKey(name, service.key, port.name, recordText(labels));
    return { framed: read(commonAssignment, key), provenance };
  }
  const { locality, labels: ofClient } = scopeFactsOf(scope, 'endpoints');
  const selection = { portName: port.name, labels };
  const groups = localityGroups(read(serviceEndpoints, service.key), selection, preference, {
    locality,
    labels: ofClient,
  });
  return { framed: frameAssignment(name, encodeLoadAssignment(name, groups)), provenance };
}

/** The assignment of a cluster without locality preference. The key is `cluster service portName labels`. */
const commonAssignment: Query<string, FramedResource> = {
  name: 'commonAssignment',
  compute(read, key) {
    const [name = '', service = '', portName = '', labels = ''] = partsOf(key);
    const selection = { portName, labels: recordOf(labels) };
    const groups = localityGroups(read(serviceEndpoints, service as ServiceKey), selection, undefined, undefined);
    return frameAssignment(name, encodeLoadAssignment(name, groups));
  },
  equal: (a, b) => a.version === b.version,
};

function frameAssignment(name: string, value: Uint8Array): FramedResource {
  return frameContent('envoy.config.endpoint.v3.ClusterLoadAssignment', name, value);
}
