import type { AuthorizationPolicy } from '../../../model/authorization.ts';
import type { WorkloadAuthorization } from '../../../policy/authorization.ts';
import { unknownOfConnections, withoutKnowledge } from '../../../policy/authorization-knowledge.ts';
import type * as envoy from '../../envoy.ts';
import { pack } from '../../proto.ts';
import { dryRunStatPrefix } from './authorization-names.ts';
import type { HttpFilter } from './http-filter.ts';
import { rbacRules } from './rbac-rules.ts';

/** RBAC: one filter per action (policy P142). Policies that consult are in `external-authorization.ts`. */

const name = 'envoy.filters.http.rbac';
const nothingPerRoute = (): undefined => undefined;

/** Marks what policies want to be logged (policy Z17). */
export const audit: HttpFilter = {
  name,
  listener: (facts) =>
    facts.direction === 'inbound' ? httpFilter('LOG', facts.security.authorization.audit) : undefined,
  route: nothingPerRoute,
};

/** Refuses what a policy denies (policy Z16). */
export const deny: HttpFilter = {
  name,
  listener: (facts) =>
    facts.direction === 'inbound' ? httpFilter('DENY', facts.security.authorization.deny) : undefined,
  route: nothingPerRoute,
};

/** Refuses what no policy allows, if there is one that allows anything. */
export const allow: HttpFilter = {
  name,
  listener: (facts) =>
    facts.direction === 'inbound' ? httpFilter('ALLOW', facts.security.authorization.allow) : undefined,
  route: nothingPerRoute,
};

function httpFilter(action: envoy.RBAC_Action, policies: readonly AuthorizationPolicy[]): envoy.Any | undefined {
  const rules = rulesOf(action, policies);
  return rules && pack('envoy.extensions.filters.http.rbac.v3.RBAC', rules);
}

/** The same for connections that are not looked into (policy Z20). */
export function networkAuthorization({ audit: logged, deny: denied, allow: allowed }: WorkloadAuthorization) {
  return [networkFilter('LOG', logged), networkFilter('DENY', denied), networkFilter('ALLOW', allowed)].filter(
    (filter) => filter !== undefined,
  );
}

function networkFilter(action: envoy.RBAC_Action, policies: readonly AuthorizationPolicy[]): envoy.Filter | undefined {
  const left = policies.map((policy) => withoutKnowledge(policy, unknownOfConnections));
  const rules = rulesOf(action, left);
  if (rules === undefined) return undefined;
  const typedConfig = pack('envoy.extensions.filters.network.rbac.v3.RBAC', { ...rules, statPrefix: 'tcp.' });
  return { name: 'envoy.filters.network.rbac', typedConfig };
}

type Rules = Pick<envoy.HttpRBAC, 'rules' | 'shadowRules' | 'shadowRulesStatPrefix'>;

/** @returns undefined: no policy says anything */
function rulesOf(action: envoy.RBAC_Action, policies: readonly AuthorizationPolicy[]): Rules | undefined {
  const enforced = policies.filter(({ dryRun }) => !dryRun);
  const tried = policies.filter(({ dryRun }) => dryRun);
  if (policies.length === 0) return undefined;
  return {
    ...(enforced.length === 0 ? {} : { rules: rbacRules(action, enforced) }),
    ...(tried.length === 0
      ? {}
      : { shadowRules: rbacRules(action, tried), shadowRulesStatPrefix: dryRunStatPrefix(action) }),
  };
}
