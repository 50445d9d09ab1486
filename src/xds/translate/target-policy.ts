import type { Read } from '../../incremental/definitions.ts';
import { compositeKey, type ScopeKey } from '../../model/keys.ts';
import type { EffectiveTrafficPolicy } from '../../model/traffic-policy.ts';
import { scopeFactsOf } from '../../policy/scope.ts';
import { serviceForHost, serviceForHostKey } from '../../policy/services.ts';
import { noSubset, trafficPolicyOf } from '../../policy/traffic-policy.ts';
import type { Target } from './destination.ts';

/**
 * How a client treats a target (policy P120, P121); undefined: no such service is in sight.
 *
 * @param scope a client's
 */
export function targetPolicy(
  read: Read,
  scope: ScopeKey,
  target: Target,
  listenerPort: number,
): EffectiveTrafficPolicy | undefined {
  const { namespace } = scopeFactsOf(scope, 'client');
  const service = read(serviceForHost, serviceForHostKey(namespace, target.host));
  if (service === undefined) return undefined;
  const subset = target.subset === '' ? noSubset : target.subset;
  return read(trafficPolicyOf, compositeKey(scope, service, target.port ?? listenerPort, subset));
}
