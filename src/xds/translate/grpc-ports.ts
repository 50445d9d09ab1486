import type { Query, Read } from '../../incremental/definitions.ts';
import type { ScopeKey, ServiceKey } from '../../model/keys.ts';
import { mayCarryGrpc } from '../../model/protocol.ts';
import { equalLists } from '../../policy/equality.ts';
import { scopeFactsOf } from '../../policy/scope.ts';
import { serviceForHost, serviceForHostKey, serviceOf } from '../../policy/services.ts';
import type { Target } from './destination.ts';
import { targetPolicy } from './target-policy.ts';

/** Numbers of the ports of a service to which calls of gRPC can come, as far as their protocols tell. */
export const grpcPorts: Query<ServiceKey, readonly number[]> = {
  name: 'grpcPorts',
  compute(read, key) {
    const ports = read(serviceOf, key)?.ports ?? [];
    return ports.filter(({ protocol }) => mayCarryGrpc(protocol)).map(({ number }) => number);
  },
  equal: equalLists,
};

/**
 * Whether calls of gRPC can come to a target: by its protocol, or because a client speaks HTTP/2 to it all the same.
 *
 * @param scope a client's
 */
export function targetMayCarryGrpc(read: Read, scope: ScopeKey, target: Target, listenerPort: number): boolean {
  const { namespace } = scopeFactsOf(scope, 'client');
  const service = read(serviceForHost, serviceForHostKey(namespace, target.host));
  if (service === undefined) return false;
  if (read(grpcPorts, service).includes(target.port ?? listenerPort)) return true;
  const pool = targetPolicy(read, scope, target, listenerPort)?.policy.connectionPool;
  return pool !== undefined && (pool.useClientProtocol || pool.h2Upgrade === 'always');
}
