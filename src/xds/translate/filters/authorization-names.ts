import { ruleName, type AuthorizationPolicy } from '../../../model/authorization.ts';
import type * as envoy from '../../envoy.ts';

/** Names in authorization filters that tools read (policy P11, istio-compat I118). */

/** Before the statistics of what would have been decided (policy Z19). */
export function dryRunStatPrefix(action: envoy.RBAC_Action): string {
  return `istio_dry_run_${action.toLowerCase()}_`;
}

/** Before the metadata by which a provider is asked (policy Z18). */
export const consultationPrefix = 'istio_ext_authz_';

/** The beginning of the names of all rules by which a provider is asked, and of no others. */
export function consultedRulePrefix(provider: string): string {
  return `istio-ext-authz-${provider}-ns[`;
}

export function consultedRuleName(
  provider: string,
): (policy: Pick<AuthorizationPolicy, 'namespace' | 'name'>, index: number) => string {
  return (policy, index) => `istio-ext-authz-${provider}-${ruleName(policy, index)}`;
}

/** A rule that refuses, because the provider that it wants to ask is not there. */
export function unconsultedRuleName(policy: Pick<AuthorizationPolicy, 'namespace' | 'name'>, index: number): string {
  return `${ruleName(policy, index)}-deny-due-to-bad-CUSTOM-action`;
}
