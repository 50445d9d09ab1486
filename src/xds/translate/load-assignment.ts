import type { Locality } from '../../model/workload.ts';
import type * as envoy from '../envoy.ts';
import type { LocalityGroup, Member } from './locality-groups.ts';

const unixPrefix = 'unix://';

/** An assignment as a message, for clusters that carry their endpoints in themselves. */
export function loadAssignment(clusterName: string, groups: readonly LocalityGroup[]): envoy.ClusterLoadAssignment {
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

export function isUnknown({ region, zone, subZone }: Locality): boolean {
  return region === '' && zone === '' && subZone === '';
}

export function lbEndpoint({ address, port, health, weight }: Member): envoy.LbEndpoint {
  return {
    endpoint: { address: socketOrPipe(address, port) },
    healthStatus: healthStatus(health),
    loadBalancingWeight: weight === 1 ? undefined : { value: weight },
  };
}

function socketOrPipe(address: string, port: number): envoy.Address {
  const path = pipePath(address);
  return path === undefined ? { socketAddress: { address, portValue: port } } : { pipe: { path } };
}

/** The path of a `unix://` address; undefined for every other. */
export function pipePath(address: string): string | undefined {
  return address.startsWith(unixPrefix) ? address.slice(unixPrefix.length) : undefined;
}

/** Envoy takes an endpoint for healthy unless told. */
function healthStatus(health: Member['health']): envoy.HealthStatus | undefined {
  switch (health) {
    case 'healthy':
      return undefined;
    case 'unhealthy':
      return 'UNHEALTHY';
    case 'draining':
      return 'DRAINING';
  }
}
