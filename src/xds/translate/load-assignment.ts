import { compareText } from '../../model/config-object.ts';
import type { Endpoint } from '../../model/endpoint.ts';
import type { Locality } from '../../model/workload.ts';
import { selects } from '../../policy/label-match.ts';
import type * as envoy from '../envoy.ts';
import { struct } from '../envoy.ts';
import { compareLocalities } from './locality-order.ts';
import { fittingWeight } from './locality-weights.ts';
import type { MemberSelection } from './member-groups.ts';
import type { Member } from './packed-endpoints.ts';

/** Members of one locality that are tried at the same time. */
export interface AssignedGroup {
  readonly locality: Locality;
  /** 0: tried first. */
  readonly priority: number;
  /** Share among the localities of its priority; undefined: endpoints are picked whatever their locality. */
  readonly weight: number | undefined;
  readonly members: readonly Member[];
}

/** An assignment as a message, for clusters that carry their endpoints in themselves. */
export function loadAssignment(clusterName: string, groups: readonly AssignedGroup[]): envoy.ClusterLoadAssignment {
  return {
    clusterName,
    endpoints: groups.map(({ locality, priority, weight, members }) => ({
      locality: isUnknown(locality) ? undefined : locality,
      priority,
      loadBalancingWeight: weight === undefined ? undefined : { value: weight },
      lbEndpoints: members.map(lbEndpoint),
    })),
  };
}

/** The endpoints of a cluster where no locality is better than another: localities in order, in each the endpoints by address and port, none twice. */
export function assignedGroups(endpoints: readonly Endpoint[], selection: MemberSelection): readonly AssignedGroup[] {
  const byLocality = new Map<string, { readonly locality: Locality; readonly members: Member[] }>();
  for (const { address, ports, labels, locality, health, weight } of endpoints) {
    const port = ports[selection.portName];
    if (port === undefined || !selects(selection.labels, labels)) continue;
    const key = `${locality.region}\n${locality.zone}\n${locality.subZone}`;
    let group = byLocality.get(key);
    if (group === undefined) byLocality.set(key, (group = { locality, members: [] }));
    // Clusters that carry their endpoints in themselves call names, behind which nobody is known.
    group.members.push({ address, port, health, weight, mutualTls: false });
  }
  return [...byLocality.values()]
    .toSorted((a, b) => compareLocalities(a.locality, b.locality))
    .map(({ locality, members }) => ({
      locality,
      priority: 0,
      weight: undefined,
      members: withinWeights(inOrder(members)),
    }));
}

function inOrder(members: readonly Member[]): readonly Member[] {
  const sorted = members.toSorted((a, b) => compareText(a.address, b.address) || a.port - b.port);
  return sorted.filter(({ address, port }, index) => {
    const previous = sorted[index - 1];
    return previous?.address !== address || previous.port !== port;
  });
}

function withinWeights(members: readonly Member[]): readonly Member[] {
  const sum = members.reduce((total, { weight }) => total + weight, 0);
  const fitting = fittingWeight(sum, members.length);
  return fitting === undefined ? members : members.map((member) => ({ ...member, weight: fitting(member.weight) }));
}

const unixPrefix = 'unix://';

export function isUnknown({ region, zone, subZone }: Locality): boolean {
  return region === '' && zone === '' && subZone === '';
}

/** Picks the way in which clusters call such an endpoint (policy P4, istio-compat I114). */
export const mutualTlsMetadata: envoy.Metadata = {
  filterMetadata: { 'envoy.transport_socket_match': struct({ tlsMode: 'istio' }) },
};

export function lbEndpoint({ address, port, health, weight, mutualTls }: Member): envoy.LbEndpoint {
  return {
    endpoint: { address: socketOrPipe(address, port) },
    healthStatus: healthStatus(health),
    metadata: mutualTls ? mutualTlsMetadata : undefined,
    loadBalancingWeight: weight === 1 ? undefined : { value: weight },
  };
}

function socketOrPipe(address: string, port: number): envoy.Address {
  const path = pipePath(address);
  return path === undefined ? { socketAddress: { address, portValue: port } } : { pipe: { path } };
}

/** The path of a `unix://` address; undefined for every other. */
export function pipePath(address: string): string | undefined {
  // One character tells nearly all addresses from paths, at a tenth of the time.
  if (address.charCodeAt(0) !== 0x75) return undefined;
  return address.startsWith(unixPrefix) ? address.slice(unixPrefix.length) : undefined;
}

/** Envoy takes an endpoint for healthy unless told. */
function healthStatus(health: Member['health']): envoy.HealthStatus | undefined {
  switch (health) {
    case 'healthy':
      return undefined;
    case 'degraded':
      return 'DEGRADED';
    case 'unhealthy':
      return 'UNHEALTHY';
    case 'draining':
      return 'DRAINING';
  }
}
