import { isDeepStrictEqual } from 'node:util';
import type { Query } from '../incremental/definitions.ts';
import type { AuthorizationPolicy, Condition, TextMatch } from '../model/authorization.ts';
import { meshSettings } from './mesh.ts';

/** The trust domain of the mesh, then those that count as the same. The key is always `mesh`. */
export const trustDomains: Query<'mesh', readonly string[]> = {
  name: 'trustDomains',
  compute(read) {
    const { trustDomain, trustDomainAliases } = read(meshSettings, 'mesh');
    return [...new Set([trustDomain, ...trustDomainAliases])];
  },
  equal: isDeepStrictEqual,
};

/** In policies this name stands for the mesh's own trust domain, whatever that is called (policy Z1). */
const anyMesh = 'cluster.local';

/** A policy in which identities of one of the mesh's trust domains are identities of all of them (policy Z1). */
export function inAllDomains(policy: AuthorizationPolicy, domains: readonly string[]): AuthorizationPolicy {
  const expand = (conditions: readonly Condition[]): readonly Condition[] =>
    conditions.map((condition) => expanded(condition, domains));
  return {
    ...policy,
    rules: policy.rules.map((rule) => ({
      ...rule,
      from: rule.from.map(expand),
      when: expand(rule.when),
    })),
  };
}

function expanded(condition: Condition, domains: readonly string[]): Condition {
  if (condition.kind !== 'text') return condition;
  const { kind } = condition.subject;
  if (kind !== 'principal' && kind !== 'trust-domain') return condition;
  const matches = condition.matches.flatMap((match) => inDomains(match, kind, domains));
  return { ...condition, matches };
}

function inDomains(
  match: TextMatch,
  kind: 'principal' | 'trust-domain',
  domains: readonly string[],
): readonly TextMatch[] {
  if (match.kind === 'present' || match.kind === 'suffix') return [match];
  const slash = match.value.indexOf('/');
  // The beginning of a domain is no domain.
  if (kind === 'trust-domain' ? match.kind !== 'exact' : slash < 0) return [match];
  const domain = slash < 0 ? match.value : match.value.slice(0, slash);
  if (domain !== anyMesh && !domains.includes(domain)) return [match];
  return domains.map((each) => ({ ...match, value: each + match.value.slice(domain.length) }));
}
