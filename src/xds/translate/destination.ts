import type { Destination } from '../../model/routing.ts';
import { clusterName } from '../names.ts';

/** Where a share of the traffic goes. */
export type Target = Pick<Destination, 'host' | 'subset' | 'port'>;

/** The cluster of a target, and the host and port that it stands for. */
export interface TargetCluster {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** @param listenerPort port of a target that names none (policy P601) */
export function clusterOfTarget(target: Target, listenerPort: number): TargetCluster {
  const { host, subset, port = listenerPort } = target;
  return { name: clusterName('outbound', port, subset, host), host, port };
}
