import type { Query, Read } from '../../incremental/definitions.ts';
import { compositeKey, partsOf, type ScopeKey, type ServiceKey } from '../../model/keys.ts';
import { serviceEndpoints } from '../../policy/endpoints.ts';
import { equalLists } from '../../policy/equality.ts';
import { scopeFactsOf } from '../../policy/scope.ts';
import { serviceOf, visibleServices } from '../../policy/services.ts';
import { subsetsOf } from '../../policy/traffic-policy.ts';
import type * as envoy from '../envoy.ts';
import { milliseconds } from '../envoy.ts';
import { blackHoleCluster, clusterName, passthroughCluster } from '../names.ts';
import { circuitBreakers, connectionSettings } from './circuit-breakers.ts';
import { clusterMetadata } from './cluster-metadata.ts';
import { clusterSettings, type ClusterSettings } from './cluster-settings.ts';
import { assignedGroups, loadAssignment, type AssignedGroup } from './load-assignment.ts';
import { loadBalancing } from './load-balancing.ts';
import { outlierDetection, panicThreshold } from './outlier-detection.ts';
import { discoveryOf, outboundTarget, type OutboundTarget } from './outbound-target.ts';
import type { Translated } from './translated.ts';
import { sameAsCaller, upstreamProtocolOptions } from './upstream-protocol.ts';
import { upstreamSecurity, type UpstreamSecurity } from './upstream-security.ts';
import { namesFromRequest } from './upstream-tls.ts';

/**
 * Names of the clusters that a client may call, sorted: one per port of a service it sees, one more per subset, and the two for
 * connections that are for no service (policy P316).
 *
 * @param scope a client's
 */
export function outboundClusterNames(read: Read, scope: ScopeKey): readonly string[] {
  const { namespace } = scopeFactsOf(scope, 'client');
  const ofServices = read(visibleServices, namespace).flatMap((key) => read(namesOfService, compositeKey(scope, key)));
  return [...ofServices, passthroughCluster, blackHoleCluster].toSorted();
}

/** The key is `scope service`, the scope a client's. */
const namesOfService: Query<string, readonly string[]> = {
  name: 'clusterNamesOfService',
  compute(read, key) {
    const [, service = ''] = partsOf(key);
    const found = read(serviceOf, service as ServiceKey);
    if (found === undefined) return [];
    const subsets = ['', ...read(subsetsOf, key).map(({ name }) => name)];
    return found.ports
      .filter(({ protocol }) => protocol !== 'udp')
      .flatMap(({ number }) => subsets.map((subset) => clusterName('outbound', number, subset, found.hostname)));
  },
  equal: equalLists,
};

/**
 * A cluster by its name; undefined: the client sees no such service, port or subset.
 *
 * @param scope a client's
 */
export function translateOutboundCluster(
  read: Read,
  scope: ScopeKey,
  name: string,
): Translated<envoy.Cluster> | undefined {
  const settings = read(clusterSettings, 'mesh');
  if (name === passthroughCluster) return fixed(passthrough(name, settings));
  if (name === blackHoleCluster) return fixed(blackHole(settings));
  const target = outboundTarget(read, scope, name);
  if (target === undefined) return undefined;
  const discovery = discoveryFields(read, name, target, settings);
  const { service, effective } = target;
  const { secrets, ...sockets } = upstreamSecurity(read, scope, target, discovery.type, settings);
  return {
    message: { name, ...discovery, ...policyFields(target, discovery, sockets, settings) },
    secrets,
    provenance: [service.declaredBy, ...effective.provenance],
    children: discovery.type === 'EDS' ? [name] : [],
  };
}

function fixed(message: envoy.Cluster): Translated<envoy.Cluster> {
  return { message, provenance: [], children: [] };
}

/** Connections go on to the address that the caller dialled. */
export function passthrough(name: string, settings: ClusterSettings): envoy.Cluster {
  return {
    name,
    type: 'ORIGINAL_DST',
    lbPolicy: 'CLUSTER_PROVIDED',
    connectTimeout: milliseconds(settings.connectTimeoutMs),
    circuitBreakers: circuitBreakers(undefined),
    ...sameAsCaller,
  };
}

/** Without endpoints: connections end here. */
function blackHole(settings: ClusterSettings): envoy.Cluster {
  return { name: blackHoleCluster, type: 'STATIC', connectTimeout: milliseconds(settings.connectTimeoutMs) };
}

/**
 * Assignments come on the stream that the cluster came on. Envoy waits for one for this long and then makes do with the one it has:
 * a net under the server's duty to send it, since a changed cluster makes Envoy ask for nothing (xds-protocol X302).
 */
const assignmentSource: envoy.ConfigSource = {
  ads: {},
  initialFetchTimeout: milliseconds(1_000),
  resourceApiVersion: 'V3',
};

type DiscoveryFields = Pick<
  envoy.Cluster,
  'type' | 'edsClusterConfig' | 'loadAssignment' | 'dnsRefreshRate' | 'respectDnsTtl' | 'dnsLookupFamily'
>;

function discoveryFields(read: Read, name: string, target: OutboundTarget, settings: ClusterSettings): DiscoveryFields {
  const discovery = discoveryOf(target.service, target.port, target.effective.policy);
  switch (discovery) {
    case 'assignment':
      return { type: 'EDS', edsClusterConfig: { edsConfig: assignmentSource, serviceName: name } };
    case 'original-destination':
      return { type: 'ORIGINAL_DST' };
    case 'dns':
      return { type: 'STRICT_DNS', ...resolvedNames(name, namesOfTarget(read, target), settings) };
    case 'dns-round-robin':
      return { type: 'LOGICAL_DNS', ...resolvedNames(name, firstOf(namesOfTarget(read, target)), settings) };
  }
}

function resolvedNames(name: string, groups: readonly AssignedGroup[], settings: ClusterSettings): DiscoveryFields {
  return {
    loadAssignment: loadAssignment(name, groups),
    dnsRefreshRate: milliseconds(settings.dnsRefreshRateMs),
    respectDnsTtl: true,
    dnsLookupFamily: 'V4_PREFERRED',
  };
}

/** Clusters are shared by clients everywhere: those that carry their endpoints in themselves know no locality of a client. */
function namesOfTarget(read: Read, { service, port, subset }: OutboundTarget): readonly AssignedGroup[] {
  const selection = { portName: port.name, labels: subset?.labels ?? {} };
  return assignedGroups(read(serviceEndpoints, service.key), selection);
}

/** Envoy resolves one name for such a cluster, and refuses more. */
function firstOf(groups: readonly AssignedGroup[]): readonly AssignedGroup[] {
  return groups.slice(0, 1).map((group) => ({ ...group, members: group.members.slice(0, 1) }));
}

function policyFields(
  { service, port, subset, effective }: OutboundTarget,
  { type }: DiscoveryFields,
  sockets: Omit<UpstreamSecurity, 'secrets'>,
  settings: ClusterSettings,
): envoy.Cluster {
  const { loadBalancer, connectionPool, outlierDetection: ejection, tls, retryBudget } = effective.policy;
  const named = { host: service.hostname, name: service.name, namespace: service.namespace };
  return {
    ...connectionSettings(connectionPool, settings.connectTimeoutMs),
    // Where the caller's address is the endpoint there is nothing to choose.
    ...(type === 'ORIGINAL_DST'
      ? { lbPolicy: 'CLUSTER_PROVIDED' }
      : loadBalancing(loadBalancer, service.headless ? 'round-robin' : 'least-request')),
    circuitBreakers: circuitBreakers(connectionPool, retryBudget),
    outlierDetection: ejection === undefined ? undefined : outlierDetection(ejection),
    commonLbConfig: commonLbConfig(effective.policy, type),
    ...upstreamProtocolOptions({ protocol: port.protocol, pool: connectionPool, ...namesFromRequest(tls) }),
    ...sockets,
    metadata: clusterMetadata(named, subset?.name ?? '', effective.provenance),
  };
}

function commonLbConfig(
  { loadBalancer, outlierDetection: ejection }: OutboundTarget['effective']['policy'],
  type: DiscoveryFields['type'],
): envoy.Cluster_CommonLbConfig | undefined {
  // Shares of traffic need weights of localities, which assignments carry.
  const weighted = type === 'EDS' && (loadBalancer?.locality?.distribute ?? []).length > 0;
  if (ejection === undefined && !weighted) return undefined;
  return {
    healthyPanicThreshold: ejection === undefined ? undefined : panicThreshold(ejection),
    localityWeightedLbConfig: weighted ? {} : undefined,
  };
}
