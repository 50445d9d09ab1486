import { ruleName, type AuthorizationPolicy, type AuthorizationRule, type Condition } from '../model/authorization.ts';
import type { Provenance } from '../model/provenance.ts';
import type { WorkloadAuthorization } from './authorization.ts';
import { isWide, unknownOfConnections, withoutKnowledge } from './authorization-knowledge.ts';
import { holds, type Call } from './authorization-match.ts';

/** Whether a call is let in, by which rule, and what would have to be otherwise (policy P140). */
export interface Judgement {
  readonly allowed: boolean;
  readonly because:
    /** No policy allows anything, so that everything is allowed. */
    | { readonly kind: 'nothing-said' }
    | { readonly kind: 'allowed'; readonly rule: NamedRule }
    | { readonly kind: 'denied'; readonly rule: NamedRule }
    /** A provider is to be asked that is not there. */
    | { readonly kind: 'provider-missing'; readonly provider: string; readonly rule: NamedRule }
    /** Of each rule that could allow it, the fields that do not fit. */
    | { readonly kind: 'not-allowed'; readonly misses: readonly Miss[] };
  /** Those who are asked before, and can refuse. */
  readonly consulted: readonly { readonly provider: string; readonly rule: NamedRule }[];
  /** What policies under trial would have said. */
  readonly tried: readonly { readonly action: 'allow' | 'deny'; readonly rule: NamedRule }[];
}

export interface NamedRule {
  /** As proxies have it in their statistics and logs. */
  readonly name: string;
  readonly provenance: Provenance;
  /** Fields that the call fits. */
  readonly fields: readonly string[];
}

export interface Miss {
  readonly name: string;
  readonly provenance: Provenance | undefined;
  /** Fields that the call does not fit; of alternatives those of the nearest one. */
  readonly fields: readonly string[];
}

export function judge(authorization: WorkloadAuthorization, call: Call): Judgement {
  const asKnown = (policies: readonly AuthorizationPolicy[]): readonly AuthorizationPolicy[] =>
    call.request === undefined ? policies.map((policy) => withoutKnowledge(policy, unknownOfConnections)) : policies;
  const consultations = authorization.consultations.flatMap(({ name, provider, policies }) => {
    const rule = firstMatch(asKnown(policies), call);
    const canBeAsked = provider !== undefined && (call.request !== undefined || provider.protocol.kind === 'grpc');
    return rule === undefined ? [] : [{ provider: name, canBeAsked, rule }];
  });
  const deny = asKnown(authorization.deny);
  const allow = asKnown(authorization.allow);
  const consulted = consultations
    .filter(({ canBeAsked }) => canBeAsked)
    .map(({ provider, rule }) => ({ provider, rule }));
  const missing = consultations.find(({ canBeAsked }) => !canBeAsked);
  const tried = (['deny', 'allow'] as const).flatMap((action) => {
    const rule = firstMatch((action === 'deny' ? deny : allow).filter(isTrial), call);
    return rule === undefined ? [] : [{ action, rule }];
  });
  const because: Judgement['because'] =
    missing === undefined
      ? decided(deny.filter(isEnforced), allow.filter(isEnforced), call)
      : { kind: 'provider-missing', provider: missing.provider, rule: missing.rule };
  const allowed = because.kind === 'nothing-said' || because.kind === 'allowed';
  return { allowed, because, consulted, tried };
}

function isTrial({ dryRun }: AuthorizationPolicy): boolean {
  return dryRun;
}

function isEnforced({ dryRun }: AuthorizationPolicy): boolean {
  return !dryRun;
}

function decided(
  deny: readonly AuthorizationPolicy[],
  allow: readonly AuthorizationPolicy[],
  call: Call,
): Judgement['because'] {
  const denying = firstMatch(deny, call);
  if (denying !== undefined) return { kind: 'denied', rule: denying };
  if (allow.length === 0) return { kind: 'nothing-said' };
  const allowing = firstMatch(allow, call);
  if (allowing !== undefined) return { kind: 'allowed', rule: allowing };
  return { kind: 'not-allowed', misses: allow.flatMap((policy) => missesOf(policy, call)) };
}

function firstMatch(policies: readonly AuthorizationPolicy[], call: Call): NamedRule | undefined {
  for (const policy of policies) {
    for (const [index, rule] of policy.rules.entries()) {
      const sets = setsOf(rule);
      const fitting = sets.find((set) => set.every((condition) => holds(condition, call, isWide(policy, condition))));
      if (fitting === undefined) continue;
      const fields = fitting.map(({ field }) => field);
      return { name: ruleName(policy, index), provenance: rule.provenance, fields };
    }
  }
  return undefined;
}

function missesOf(policy: AuthorizationPolicy, call: Call): readonly Miss[] {
  if (policy.rules.length === 0) return [{ name: ruleName(policy, 0), provenance: undefined, fields: [] }];
  return policy.rules.map((rule, index) => {
    const unmet = setsOf(rule).map((set) =>
      set.filter((condition) => !holds(condition, call, isWide(policy, condition))),
    );
    const nearest = unmet.toSorted((a, b) => a.length - b.length)[0] ?? [];
    return { name: ruleName(policy, index), provenance: rule.provenance, fields: nearest.map(({ field }) => field) };
  });
}

/** The conditions of a rule, any set of which is enough. */
function setsOf({ from, to, when }: AuthorizationRule): readonly (readonly Condition[])[] {
  const callers = from.length === 0 ? [[]] : from;
  const calls = to.length === 0 ? [[]] : to;
  return callers.flatMap((caller) => calls.map((called) => [...caller, ...called, ...when]));
}
