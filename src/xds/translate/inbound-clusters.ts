import type { Read } from '../../incremental/definitions.ts';
import type { InboundPort } from '../../model/inbound.ts';
import type { ScopeKey } from '../../model/keys.ts';
import { inboundPorts } from '../../policy/inbound.ts';
import { scopeFactsOf } from '../../policy/scope.ts';
import type * as envoy from '../envoy.ts';
import { inboundClusterName, inboundPassthroughCluster, parseClusterName } from '../names.ts';
import { circuitBreakers, connectionSettings } from './circuit-breakers.ts';
import { clusterMetadata } from './cluster-metadata.ts';
import { loadAssignment } from './load-assignment.ts';
import { unknownLocality } from '../../model/workload.ts';
import { clusterSettings, type ClusterSettings } from './cluster-settings.ts';
import { passthrough } from './outbound-clusters.ts';
import type { Translated } from './translated.ts';
import { upstreamProtocolOptions } from './upstream-protocol.ts';

/** Clusters of the workload's own ports (policy P324, P361). */

/** Sorted. Under interception there is one for the ports that no service has. */
export function inboundClusterNames(read: Read, scope: ScopeKey): readonly string[] {
  const { interception } = scopeFactsOf(scope, 'inbound');
  const ofPorts = read(inboundPorts, scope).map(({ port }) => inboundClusterName(port));
  return [...ofPorts, ...(interception === 'redirect' ? [inboundPassthroughCluster] : [])].toSorted();
}

/** @returns undefined: nobody calls the workload there */
export function translateInboundCluster(
  read: Read,
  scope: ScopeKey,
  name: string,
): Translated<envoy.Cluster> | undefined {
  const { interception } = scopeFactsOf(scope, 'inbound');
  const settings = read(clusterSettings, 'mesh');
  if (name === inboundPassthroughCluster) {
    if (interception !== 'redirect') return undefined;
    return { message: { ...passthrough(name, settings), ...notCaptured }, provenance: [], children: [] };
  }
  const parts = parseClusterName(name);
  const port = read(inboundPorts, scope).find((each) => inboundClusterName(each.port) === name);
  if (parts === undefined || port === undefined) return undefined;
  const message = { ...portCluster(port, settings), ...application(name, port, interception) };
  return { message, provenance: [port.declaredBy], children: [] };
}

function portCluster(inbound: InboundPort, settings: ClusterSettings): envoy.Cluster {
  const { protocol, hostname, connectionPool, declaredBy } = inbound;
  const service = { host: hostname, name: declaredBy.name, namespace: declaredBy.namespace };
  return {
    ...connectionSettings(connectionPool, settings.connectTimeoutMs),
    circuitBreakers: circuitBreakers(connectionPool),
    ...upstreamProtocolOptions({
      protocol,
      pool: connectionPool,
      serverNameFromHost: false,
      certificateForHost: false,
    }),
    metadata: clusterMetadata(service, '', []),
  };
}

/** Where the application listens: the address that was dialled, or 127.0.0.1 where the proxy itself has the workload's address. */
function application(name: string, { port }: InboundPort, interception: 'redirect' | 'none'): envoy.Cluster {
  if (interception === 'redirect') return { name, type: 'ORIGINAL_DST', lbPolicy: 'CLUSTER_PROVIDED', ...notCaptured };
  const members = [{ address: '127.0.0.1', port, health: 'healthy', weight: 1, mutualTls: false }] as const;
  const groups = [{ locality: unknownLocality, priority: 0, weight: undefined, members }];
  return { name, type: 'STATIC', loadAssignment: loadAssignment(name, groups) };
}

/** The rules that capture connections let those from these addresses pass: without it they would come back for ever. */
const notCaptured: Pick<envoy.Cluster, 'upstreamBindConfig'> = {
  upstreamBindConfig: {
    sourceAddress: { address: '127.0.0.6', portValue: 0 },
    extraSourceAddresses: [{ address: { address: '::6', portValue: 0 } }],
  },
};
