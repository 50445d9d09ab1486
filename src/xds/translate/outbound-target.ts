import type { Read } from '../../incremental/definitions.ts';
import { compositeKey, type ScopeKey } from '../../model/keys.ts';
import { isHttp } from '../../model/protocol.ts';
import type { Service, ServicePort } from '../../model/service.ts';
import type { EffectiveTrafficPolicy, Subset, TrafficPolicy } from '../../model/traffic-policy.ts';
import { scopeFactsOf } from '../../policy/scope.ts';
import { serviceForHost, serviceForHostKey, serviceOf } from '../../policy/services.ts';
import { noSubset, subsetsOf, trafficPolicyOf } from '../../policy/traffic-policy.ts';
import { parseClusterName, type ClusterNameParts } from '../names.ts';

/** What an outbound cluster stands for, as one client sees it. */
export interface OutboundTarget {
  readonly cluster: ClusterNameParts;
  readonly service: Service;
  readonly port: ServicePort;
  /** undefined: the service as a whole. */
  readonly subset: Subset | undefined;
  readonly effective: EffectiveTrafficPolicy;
}

/**
 * What the name of a cluster means to a client; undefined: it sees no such service, port or subset.
 *
 * @param scope a client's
 */
export function outboundTarget(read: Read, scope: ScopeKey, name: string): OutboundTarget | undefined {
  const cluster = parseClusterName(name);
  if (cluster === undefined || cluster.direction !== 'outbound') return undefined;
  const { namespace } = scopeFactsOf(scope, 'client');
  const key = read(serviceForHost, serviceForHostKey(namespace, cluster.hostname));
  const service = key === undefined ? undefined : read(serviceOf, key);
  const port = service?.ports.find(({ number }) => number === cluster.port);
  if (service === undefined || port === undefined || port.protocol === 'udp') return undefined;
  const subset =
    cluster.subset === ''
      ? undefined
      : read(subsetsOf, compositeKey(scope, service.key)).find(({ name: each }) => each === cluster.subset);
  if (cluster.subset !== '' && subset === undefined) return undefined;
  const effective = read(trafficPolicyOf, compositeKey(scope, service.key, port.number, subset?.name ?? noSubset));
  return { cluster, service, port, subset, effective };
}

/**
 * Where a cluster's endpoints come from (policy D18, E2): load assignments of ours, DNS (every address of a name, or one at a time),
 * or the address that the caller dialled.
 */
export type Discovery = 'assignment' | 'dns' | 'dns-round-robin' | 'original-destination';

export function discoveryOf(service: Service, port: ServicePort, policy: TrafficPolicy): Discovery {
  if (policy.loadBalancer?.algorithm.kind === 'passthrough') return 'original-destination';
  switch (service.resolution) {
    case 'endpoints':
      // Callers of a headless service dial one of its members and mean that one; only HTTP says whom it means in the request.
      return service.headless && !isHttp(port.protocol) ? 'original-destination' : 'assignment';
    case 'dns':
    case 'external-name':
      return 'dns';
    case 'dns-round-robin':
      return 'dns-round-robin';
    case 'none':
      return 'original-destination';
  }
}
