import type { Read } from '../incremental/definitions.ts';
import { keySetKey } from '../model/authentication.ts';
import { knowledgeFor, type AuthorizationRule, type Condition, type Knowledge } from '../model/authorization.ts';
import type { Finding, ObjectReference } from '../model/provenance.ts';
import { isHttp } from '../model/protocol.ts';
import { configs, configsByKind, workloads } from '../model/tables.ts';
import { fetchedKeySet } from './authentication.ts';
import { providerFor } from './authorization.ts';
import { authorizationPolicyIn, readWorkloadEntry, requestAuthenticationIn } from './decoded-objects.ts';
import type { DecodedAuthorizationPolicy, DecodedRequestAuthentication } from './dialects/istio/decoded.ts';
import { aboutObject, listed } from './finding.ts';
import { workloadEntriesByLabel, inNamespace } from './config-indexes.ts';
import { indexedPair, labelPairs, selects, type Labels } from './label-match.ts';
import { rootNamespace } from './mesh.ts';
import { mutualTlsKey, mutualTlsOf } from './mutual-tls.ts';
import { servicesInNamespace, workloadsByLabel } from './registry-indexes.ts';
import { serviceOf } from './services.ts';

/** What policies about callers cannot mean as they stand beside the others (policy P424 to P427). */

export function authorizationFindings(read: Read, value: DecodedAuthorizationPolicy): readonly Finding[] {
  return [
    ...selectsNobody(read, value),
    ...separateRules(value),
    ...allowsNothing(value),
    ...unknownProvider(read, value),
    ...withoutIdentities(read, value),
    ...withoutRequests(read, value),
    ...withoutTokens(read, value),
  ];
}

/** Policy P424: two rules are alternatives. */
function separateRules({ policy, reference }: DecodedAuthorizationPolicy): readonly Finding[] {
  const who = policy.rules.find(({ from, to, when }) => from.length > 0 && to.length + when.length === 0);
  const what = policy.rules.find(({ from, to }) => to.length > 0 && from.length === 0);
  if (who === undefined || what === undefined) return [];
  const [first, second] = [who, what].map((rule) => rule.provenance.path ?? '');
  return [
    aboutObject(reference, {
      severity: 'warning',
      code: 'WEIR1421',
      path: second ?? '',
      message: `${first} says only who and ${second} only what: a call that one of them matches is enough`,
      advice: 'put from and to into one rule if both shall hold',
    }),
  ];
}

/** Policy P425: an empty specification denies everything. */
function allowsNothing({ policy, reference }: DecodedAuthorizationPolicy): readonly Finding[] {
  if (policy.action.kind !== 'allow' || policy.rules.length > 0 || policy.dryRun) return [];
  return [
    aboutObject(reference, {
      severity: 'warning',
      code: 'WEIR1424',
      path: 'spec.rules',
      message: 'the policy allows nothing: what no other policy allows is denied to everybody',
      advice: 'add rules, or leave it if that is meant',
    }),
  ];
}

/** Policy P427. */
function unknownProvider(read: Read, { policy, namespace, reference }: DecodedAuthorizationPolicy): readonly Finding[] {
  if (policy.action.kind !== 'consult' || policy.dryRun) return [];
  const { provider } = policy.action;
  if (providerFor(read, namespace, provider) !== undefined) return [];
  return [
    aboutObject(reference, {
      severity: 'warning',
      code: 'WEIR1426',
      path: 'spec.provider.name',
      message: `the provider ${provider} is not there, or its service is not: every call that a rule matches is denied`,
      advice: 'correct the name, or add the provider to extensionProviders and its service to the mesh',
    }),
  ];
}

/** Policy P144. Of the modes of single ports nothing is said: which of them callers mean is not known. */
function withoutIdentities(read: Read, value: DecodedAuthorizationPolicy): readonly Finding[] {
  const { policy, namespace, selector, reference } = value;
  const field = fieldsThatNeed(policy.rules, ['identity'])[0];
  if (field === undefined) return [];
  const { mode } = read(mutualTlsOf, mutualTlsKey(namespace, selector ?? {}));
  if (mode === 'strict') return [];
  const consequence = policy.action.kind === 'allow' ? 'never lets such a caller in' : 'matches every such caller';
  return [
    aboutObject(reference, {
      severity: 'warning',
      code: 'WEIR1423',
      path: field,
      message: `its workloads take connections without certificate (${mode.toUpperCase()}): the rule ${consequence}`,
      advice: 'set the mode STRICT by a PeerAuthentication once all callers have a sidecar',
    }),
  ];
}

/** Policy P425, Z20. */
function withoutRequests(read: Read, value: DecodedAuthorizationPolicy): readonly Finding[] {
  const { policy, reference } = value;
  const field = fieldsThatNeed(policy.rules, ['request', 'token'])[0];
  if (field === undefined) return [];
  const ports = plainPorts(read, value);
  if (ports.length === 0) return [];
  const consequence =
    policy.action.kind === 'allow' ? 'its rule allows nothing there' : 'there it holds whatever the field says';
  return [
    aboutObject(reference, {
      severity: 'warning',
      code: 'WEIR1422',
      path: field,
      message: `${listed(ports)} carry connections that are not looked into: ${consequence}`,
      advice: 'declare the protocol of the port, or write a rule for it that looks at ports and callers only',
    }),
  ];
}

/** More are not named. */
const mostPorts = 5;

function plainPorts(read: Read, { namespace, selector }: DecodedAuthorizationPolicy): readonly string[] {
  const ports: string[] = [];
  for (const key of read(servicesInNamespace, namespace)) {
    const service = read(serviceOf, key);
    if (service?.selector === undefined || !mayShareWorkloads(service.selector, selector ?? {})) continue;
    for (const { number, protocol } of service.ports) {
      if (!isHttp(protocol) && protocol !== 'auto' && protocol !== 'udp') ports.push(`${service.name}:${number}`);
    }
    if (ports.length >= mostPorts) break;
  }
  return ports.slice(0, mostPorts);
}

/** Whether nothing in two selectors keeps a workload from being selected by both. */
function mayShareWorkloads(one: Labels, other: Labels): boolean {
  return Object.entries(one).every(([name, value]) => other[name] === undefined || other[name] === value);
}

function withoutTokens(read: Read, value: DecodedAuthorizationPolicy): readonly Finding[] {
  const field = fieldsThatNeed(value.policy.rules, ['token'])[0];
  if (field === undefined) return [];
  const isKnown = read(configsByKind, 'security.istio.io/RequestAuthentication')
    .map((key) => requestAuthenticationIn(read(configs, key)))
    .some((other) => other !== undefined && other.rules.length > 0 && mayConcernSame(read, value, other));
  if (isKnown) return [];
  return [
    aboutObject(value.reference, {
      severity: 'warning',
      code: 'WEIR1427',
      path: field,
      message: 'no RequestAuthentication of these workloads says which tokens are taken, so that no call has one',
      advice: 'add a RequestAuthentication for the same workloads',
    }),
  ];
}

/** Policy P426. */
export function authenticationFindings(read: Read, value: DecodedRequestAuthentication): readonly Finding[] {
  return [...selectsNobody(read, value), ...tokensNotAskedFor(read, value), ...keysNotKnown(read, value)];
}

/** Policy P428. Workloads of which only addresses are known have no labels, so that nothing is said in their namespaces. */
function selectsNobody(
  read: Read,
  { namespace, selector, reference }: Selecting & { readonly reference: ObjectReference },
): readonly Finding[] {
  const pair = selector === undefined ? undefined : indexedPair(selector);
  if (selector === undefined || pair === undefined || namespace === read(rootNamespace, 'mesh')) return [];
  const at = inNamespace(namespace, pair);
  const isSelected =
    read(workloadsByLabel, at).some((key) => selects(selector, read(workloads, key)?.labels ?? {})) ||
    read(workloadEntriesByLabel, at).some((key) => selects(selector, readWorkloadEntry(read, key)?.labels ?? {}));
  if (isSelected) return [];
  return [
    aboutObject(reference, {
      severity: 'warning',
      code: 'IST0127',
      path: 'spec.selector.matchLabels',
      message: `no workload of ${namespace} carries ${listed(labelPairs(selector))}`,
      advice: 'correct the labels; nothing is wrong if the workloads are still to come',
    }),
  ];
}

function keysNotKnown(read: Read, { rules, reference }: DecodedRequestAuthentication): readonly Finding[] {
  return rules.flatMap(({ keys, issuer, provenance }) => {
    if (keys.kind === 'inline' || read(fetchedKeySet, keySetKey(keys)) !== undefined) return [];
    return [
      aboutObject(reference, {
        severity: 'warning',
        code: 'WEIR1428',
        path: provenance.path ?? '',
        message: `the public keys of ${issuer} are not known (yet): all its tokens are refused`,
        advice: 'if this stays, see the log of Weir for why; a host of the inside is allowed with --jwks-hosts',
      }),
    ];
  });
}

function tokensNotAskedFor(read: Read, value: DecodedRequestAuthentication): readonly Finding[] {
  if (value.rules.length === 0) return [];
  const isAskedFor = read(configsByKind, 'security.istio.io/AuthorizationPolicy')
    .map((key) => authorizationPolicyIn(read(configs, key)))
    .some(
      (other) =>
        other !== undefined &&
        fieldsThatNeed(other.policy.rules, ['token']).length > 0 &&
        mayConcernSame(read, value, other),
    );
  if (isAskedFor) return [];
  return [
    aboutObject(value.reference, {
      severity: 'warning',
      code: 'WEIR1425',
      path: 'spec.jwtRules',
      message: 'wrong tokens are refused, but no AuthorizationPolicy asks for one: a call without token comes in',
      advice:
        'add an AuthorizationPolicy that denies notRequestPrincipals: ["*"], or one that allows requestPrincipals',
    }),
  ];
}

type Selecting = Pick<DecodedAuthorizationPolicy, 'namespace' | 'selector'>;

function mayConcernSame(read: Read, one: Selecting, other: Selecting): boolean {
  const root = read(rootNamespace, 'mesh');
  const isInReach = one.namespace === other.namespace || one.namespace === root || other.namespace === root;
  return isInReach && mayShareWorkloads(one.selector ?? {}, other.selector ?? {});
}

function fieldsThatNeed(rules: readonly AuthorizationRule[], knowledge: readonly Knowledge[]): readonly string[] {
  return rules
    .flatMap(({ from, to, when }): readonly Condition[] => [...from.flat(), ...to.flat(), ...when])
    .filter((condition) => knowledge.includes(knowledgeFor(condition)))
    .map(({ field }) => field);
}
