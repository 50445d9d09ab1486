import { knowledgeFor, type AuthorizationPolicy, type Condition, type Knowledge } from '../model/authorization.ts';

/**
 * What is left of a policy where something of a call cannot be known (policy Z20): a rule that allows is left out with such a condition in it,
 * and of other rules the condition goes, so that less is allowed, never more.
 */
export function withoutKnowledge(policy: AuthorizationPolicy, missing: ReadonlySet<Knowledge>): AuthorizationPolicy {
  const isAnswerable = (condition: Condition): boolean => !missing.has(knowledgeFor(condition));
  const rules =
    policy.action.kind === 'allow'
      ? policy.rules.filter((rule) => [...rule.from.flat(), ...rule.to.flat(), ...rule.when].every(isAnswerable))
      : policy.rules.map((rule) => ({
          ...rule,
          from: rule.from.map((conditions) => conditions.filter(isAnswerable)),
          to: rule.to.map((conditions) => conditions.filter(isAnswerable)),
          when: rule.when.filter(isAnswerable),
        }));
  return { ...policy, rules };
}

/** What is not known of connections that are not looked into. */
export const unknownOfConnections: ReadonlySet<Knowledge> = new Set(['request', 'token']);

/** What is not known yet when providers are consulted: tokens are looked at behind that (policy P151). */
export const unknownToProviders: ReadonlySet<Knowledge> = new Set(['token']);

/**
 * Whether a comparison has to hold for everything that may be meant by its values: where its holding keeps a caller out. Where it lets a
 * caller in, only what is meant for certain counts.
 */
export function isWide(policy: Pick<AuthorizationPolicy, 'action'>, condition: Condition): boolean {
  switch (policy.action.kind) {
    case 'allow':
      return condition.negated;
    case 'deny':
    case 'consult':
      return !condition.negated;
    case 'audit':
      return false;
  }
}
