import {
  knowledgeFor,
  ruleName,
  type AuthorizationPolicy,
  type AuthorizationRule,
  type Condition,
} from '../../../model/authorization.ts';
import { isWide } from '../../../policy/authorization-knowledge.ts';
import type * as envoy from '../../envoy.ts';
import { nobody, permissionOf, principalOf, sideOf } from './rbac-conditions.ts';

/** How Envoy is told the rules of policies (policy P141, P143). */

/** @param nameOf name of a rule, in statistics and metadata */
export function rbacRules(
  action: envoy.RBAC_Action,
  policies: readonly AuthorizationPolicy[],
  nameOf: typeof ruleName = ruleName,
): envoy.RBAC {
  const rules = policies.flatMap((policy) =>
    policy.rules.map((rule, index) => [nameOf(policy, index), envoyPolicy(policy, rule)] as const),
  );
  const silent = policies.filter(({ rules: own }) => own.length === 0);
  // An empty list would say the same, but nobody would see which policy it is (policy P143).
  const never = silent.map((policy) => [nameOf(policy, 0), neverMatching] as const);
  return { action, policies: Object.fromEntries([...rules, ...(rules.length === 0 ? never : [])]) };
}

const neverMatching: envoy.Policy = {
  permissions: [{ notRule: { any: true } }],
  principals: [{ notId: { any: true } }],
};

function envoyPolicy(policy: AuthorizationPolicy, { from, to, when }: AuthorizationRule): envoy.Policy {
  return {
    permissions: alternatives(
      to,
      when.filter((condition) => sideOf(condition) === 'permission'),
    ).map((conditions) => allPermissions(conditions.map((condition) => onePermission(policy, condition)))),
    principals: alternatives(
      from,
      when.filter((condition) => sideOf(condition) === 'principal'),
    ).map((conditions) => allPrincipals(conditions.map((condition) => onePrincipal(policy, condition)))),
  };
}

/** Each set with what holds for all of them. */
function alternatives(
  sets: readonly (readonly Condition[])[],
  common: readonly Condition[],
): readonly (readonly Condition[])[] {
  return sets.length === 0 ? [common] : sets.map((conditions) => [...conditions, ...common]);
}

function allPermissions(rules: readonly envoy.Permission[]): envoy.Permission {
  const [only] = rules;
  if (only === undefined) return { any: true };
  return rules.length === 1 ? only : { andRules: { rules } };
}

function allPrincipals(ids: readonly envoy.Principal[]): envoy.Principal {
  const [only] = ids;
  if (only === undefined) return { any: true };
  return ids.length === 1 ? only : { andIds: { ids } };
}

function onePermission(policy: AuthorizationPolicy, condition: Condition): envoy.Permission {
  const rules = permissionOf(condition, isWide(policy, condition));
  const [only] = rules;
  const positive: envoy.Permission = rules.length === 1 && only !== undefined ? only : { orRules: { rules } };
  return condition.negated ? { notRule: positive } : positive;
}

/** Who calls in the clear may be anybody, so also whom a rule keeps out (reliability S13). */
function onePrincipal(policy: AuthorizationPolicy, condition: Condition): envoy.Principal {
  const isUnknownIn = knowledgeFor(condition) === 'identity' && isWide(policy, condition);
  const ids = [...principalOf(condition), ...(isUnknownIn ? [nobody] : [])];
  const [only] = ids;
  const positive: envoy.Principal = ids.length === 1 && only !== undefined ? only : { orIds: { ids } };
  return condition.negated ? { notId: positive } : positive;
}
