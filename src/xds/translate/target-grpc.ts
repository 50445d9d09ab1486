import type { Read } from '../../incremental/definitions.ts';
import type { ScopeKey } from '../../model/keys.ts';
import { scopeFactsOf } from '../../policy/scope.ts';
import { serviceForHost, serviceForHostKey } from '../../policy/services.ts';
import type { Target } from './destination.ts';
import { hasGrpcPort, servedPorts } from './route-hosts.ts';
import { targetPolicy } from './target-policy.ts';

/**
 * Whether calls of gRPC can come to a target: by its protocol, or because a client speaks HTTP/2 to it all the same.
 *
 * @param scope a client's
 */
export function targetMayCarryGrpc(read: Read, scope: ScopeKey, target: Target, listenerPort: number): boolean {
  const { namespace } = scopeFactsOf(scope, 'client');
  const service = read(serviceForHost, serviceForHostKey(namespace, target.host));
  if (service === undefined) return false;
  const number = target.port ?? listenerPort;
  if (hasGrpcPort(read(servedPorts, service), number)) return true;
  const pool = targetPolicy(read, scope, target, listenerPort)?.policy.connectionPool;
  return pool !== undefined && (pool.useClientProtocol || pool.h2Upgrade === 'always');
}
