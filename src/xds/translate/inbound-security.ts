import type { Read } from '../../incremental/definitions.ts';
import type { ScopeKey } from '../../model/keys.ts';
import type { Provenance } from '../../model/provenance.ts';
import { fetchedKeySet, workloadAuthentication } from '../../policy/authentication.ts';
import { workloadAuthorization } from '../../policy/authorization.ts';
import type * as envoy from '../envoy.ts';
import { networkAuthorization } from './filters/authorization.ts';
import { externalNetworkAuthorization } from './filters/external-authorization.ts';
import type { InboundSecurity } from './filters/http-filter.ts';
import { tokenCheck } from './filters/token-authentication.ts';

/** Who may call the workload of a scope, and which objects say so. */
export function inboundSecurity(
  read: Read,
  scope: ScopeKey,
): { readonly security: InboundSecurity; readonly provenance: readonly Provenance[] } {
  const authorization = read(workloadAuthorization, scope);
  const authentication = read(workloadAuthentication, scope);
  const tokens = authentication.rules.map((rule) => tokenCheck(rule, (key) => read(fetchedKeySet, key)));
  return {
    security: { authorization, tokens },
    provenance: [...authorization.sources, ...authentication.sources],
  };
}

/** What connections that are not looked into pass before they are forwarded (policy Z20). */
export function connectionFilters({ authorization }: InboundSecurity): readonly envoy.Filter[] {
  return [...externalNetworkAuthorization(authorization.consultations), ...networkAuthorization(authorization)];
}
