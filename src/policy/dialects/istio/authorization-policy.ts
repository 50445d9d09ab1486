import type { AuthorizationAction, AuthorizationRule, Condition } from '../../../model/authorization.ts';
import { decodeOperation, decodeSource, decodeWhen } from './authorization-conditions.ts';
import type { DecodedAuthorizationPolicy, DecodedObject } from './decoded.ts';
import type { Reading } from './reading.ts';
import type { AuthorizationPolicySpec } from './schemas/authorization-policy.ts';
import { checkLength, itemsOf } from './values.ts';
import { largestObject } from './limits.ts';
import { decodeWorkloadSelector } from './workload-selector.ts';

/** What an AuthorizationPolicy says, apart from who wrote it. */
type AuthorizationPolicyParts = Omit<DecodedAuthorizationPolicy, keyof DecodedObject>;

/** With this annotation a policy is only counted and logged (policy Z19). */
const dryRunAnnotation = 'istio.io/dry-run';

export function decodeAuthorizationPolicySpec(
  spec: AuthorizationPolicySpec,
  reading: Reading,
): AuthorizationPolicyParts {
  const action = decodeAction(spec, reading);
  const dryRun = reading.annotations[dryRunAnnotation] === 'true';
  const rules = decodeRules(spec.rules, reading);
  reportIdle(action, dryRun, rules, reading);
  return {
    kind: 'authorization-policy',
    selector: decodeWorkloadSelector(spec.selector, reading),
    isForSidecars: decodeTargets(spec, reading),
    policy: { namespace: reading.namespace, name: reading.reference.name, action, dryRun, rules },
  };
}

/**
 * What is in force in place of a policy that cannot be read (design section 5 point 10): one that allows allows nothing; what another one
 * keeps out nobody knows, so it keeps out everything.
 *
 * @param parts what could be read, undefined when nothing could
 */
export function closedAuthorizationPolicy(
  parts: AuthorizationPolicyParts | undefined,
  reading: Reading,
): AuthorizationPolicyParts {
  const author = { namespace: reading.namespace, name: reading.reference.name };
  const everything: AuthorizationRule = { from: [], to: [], when: [], provenance: reading.provenance('spec') };
  const denial = { ...author, action: { kind: 'deny' }, dryRun: false, rules: [everything] } as const;
  if (parts === undefined) {
    return { kind: 'authorization-policy', selector: undefined, isForSidecars: true, policy: denial };
  }
  const { action, dryRun } = parts.policy;
  const isHarmless = dryRun || action.kind === 'audit' || (action.kind === 'allow' && isKnown(reading.spec));
  // A selector of which nothing is left selects nothing.
  const selector =
    parts.selector === undefined || Object.keys(parts.selector).length === 0 ? undefined : parts.selector;
  return { ...parts, selector, policy: isHarmless ? { ...author, action, dryRun, rules: [] } : denial };
}

/** Whether the action is the one that is written, and not the default in place of a word that nobody knows. */
function isKnown(spec: unknown): boolean {
  const action: unknown = typeof spec === 'object' && spec !== null && 'action' in spec ? spec.action : undefined;
  return action === undefined || action === null || action === 'ALLOW';
}

function decodeAction({ action, provider }: AuthorizationPolicySpec, reading: Reading): AuthorizationAction {
  if (provider !== undefined && action !== 'CUSTOM') {
    const message = 'only a policy with the action CUSTOM has a provider';
    reading.error('WEIR1505', 'spec.provider', message, 'set action: CUSTOM, or remove provider');
  }
  switch (action) {
    case 'DENY':
      return { kind: 'deny' };
    case 'AUDIT':
      return { kind: 'audit' };
    case 'CUSTOM': {
      const name = provider?.name ?? '';
      if (name === '') {
        const advice = 'name one of the extensionProviders of the mesh configuration';
        reading.error('WEIR1505', 'spec.provider.name', 'it is not said who is asked', advice);
      }
      return { kind: 'consult', provider: name };
    }
    default:
      return { kind: 'allow' };
  }
}

/** @returns whether it is for sidecars: what is attached to a gateway, a service or a waypoint is enforced there (policy Z21) */
export function decodeTargets({ selector, targetRef, targetRefs }: TargetsSpec, reading: Reading): boolean {
  const refs = [...(targetRef === undefined ? [] : [targetRef]), ...(targetRefs ?? [])];
  if (refs.length === 0) return true;
  if (selector !== undefined) {
    const message = 'selector and targetRefs exclude each other';
    reading.error('WEIR1006', 'spec.selector', message, 'keep the one that says what is meant');
  }
  const path = targetRefs === undefined ? 'spec.targetRef' : 'spec.targetRefs';
  reading.notInForce(path, 'no sidecar enforces the object');
  return false;
}

type TargetsSpec = Pick<AuthorizationPolicySpec, 'selector' | 'targetRef' | 'targetRefs'>;

function decodeRules(list: AuthorizationPolicySpec['rules'], reading: Reading): readonly AuthorizationRule[] {
  if (!checkLength(list?.length ?? 0, largestObject.rules, 'spec.rules', reading)) return [];
  return itemsOf(list, 'spec.rules').map(({ item, at }) => ({
    from: itemsIn(item.from, `${at}.from`, reading, ({ source }, path) =>
      source === undefined ? undefined : decodeSource(source, `${path}.source`, reading),
    ),
    to: itemsIn(item.to, `${at}.to`, reading, ({ operation }, path) =>
      operation === undefined ? undefined : decodeOperation(operation, `${path}.operation`, reading),
    ),
    when: itemsIn(item.when, `${at}.when`, reading, (condition, path) => decodeWhen(condition, path, reading)).flat(),
    provenance: reading.provenance(at),
  }));
}

/** An empty list, or an item without content, says nothing where a restriction was meant. */
function itemsIn<Item>(
  list: readonly (Item | undefined)[] | undefined,
  path: string,
  reading: Reading,
  decode: (item: Item, path: string) => readonly Condition[] | undefined,
): readonly (readonly Condition[])[] {
  if (list?.length === 0) reading.error('WEIR1005', path, 'the list is empty', 'add items, or remove the field');
  return itemsOf(list, path).map(({ item, at }) => {
    const conditions = decode(item, at);
    if (conditions === undefined) {
      reading.error('WEIR1005', at, 'the item has neither source nor operation', 'add it, or remove the item');
    }
    return conditions ?? [];
  });
}

function reportIdle(
  action: AuthorizationAction,
  dryRun: boolean,
  rules: readonly AuthorizationRule[],
  reading: Reading,
): void {
  if (rules.length === 0 && action.kind !== 'allow') {
    const message = 'a policy without rules matches no call, and so does nothing with this action';
    reading.warn('WEIR1021', 'spec.rules', message, 'write rules: [{}] if every call is meant');
  }
  if (dryRun && (action.kind === 'audit' || action.kind === 'consult')) {
    const message = `the policy is not in force at all: ${dryRunAnnotation} counts only for ALLOW and DENY`;
    reading.warn('WEIR1021', 'metadata.annotations', message, 'remove the annotation, or use ALLOW or DENY');
  }
}
