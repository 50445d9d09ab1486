import { isDeepStrictEqual } from 'node:util';
import type { Query, Read } from '../incremental/definitions.ts';
import type { AuthorizationPolicy } from '../model/authorization.ts';
import type { AuthorizationProvider } from '../model/authorization-provider.ts';
import { compareText } from '../model/config-object.ts';
import type { ScopeKey } from '../model/keys.ts';
import type { ObjectReference } from '../model/provenance.ts';
import { unknownToProviders, withoutKnowledge } from './authorization-knowledge.ts';
import { authorizationProviders } from './mesh.ts';
import { readAuthorizationPolicy, readRequestAuthentication } from './decoded-objects.ts';
import type { DecodedRequestAuthentication } from './dialects/istio/decoded.ts';
import type { Labels } from './label-match.ts';
import { scopeFactsOf } from './scope.ts';
import { serviceForHost, serviceForHostKey, serviceOf } from './services.ts';
import { inAllDomains, trustDomains } from './trust-domains.ts';
import { objectsForWorkload } from './workload-selectors.ts';

/** Which policies decide about calls to a workload, in the order in which they do (policy P140). */

export interface WorkloadAuthorization {
  /** First these are asked, by name of the provider; each may refuse. */
  readonly consultations: readonly ProviderConsultation[];
  readonly deny: readonly AuthorizationPolicy[];
  /** One must match, if there is one that is no dry run. */
  readonly allow: readonly AuthorizationPolicy[];
  readonly audit: readonly AuthorizationPolicy[];
  /** The objects that say so. */
  readonly sources: readonly ObjectReference[];
}

export interface ProviderConsultation {
  readonly name: string;
  /** undefined: there is none of that name, or it is no service; calls that match are refused (policy P427). */
  readonly provider: AuthorizationProvider | undefined;
  readonly policies: readonly AuthorizationPolicy[];
}

/** The key is an inbound scope. */
export const workloadAuthorization: Query<ScopeKey, WorkloadAuthorization> = {
  name: 'workloadAuthorization',
  compute(read, scope) {
    const { namespace, labels } = scopeFactsOf(scope, 'inbound');
    return authorizationFor(read, namespace, labels);
  },
  equal: isDeepStrictEqual,
};

/** @param labels of the workload, or those of them that its inbound scope keeps */
export function authorizationFor(read: Read, namespace: string, labels: Labels): WorkloadAuthorization {
  const domains = read(trustDomains, 'mesh');
  const objects = objectsForWorkload(read, 'security.istio.io/AuthorizationPolicy', namespace, labels)
    .map((key) => readAuthorizationPolicy(read, key))
    .filter((object) => object !== undefined)
    .toSorted(byName);
  const unreadable = objectsForWorkload(read, 'security.istio.io/RequestAuthentication', namespace, labels)
    .map((key) => readRequestAuthentication(read, key))
    .filter((object) => object !== undefined && !object.isReadable)
    .filter((object) => object !== undefined)
    .toSorted(byName);
  const policies = objects.map(({ policy }) => inAllDomains(policy, domains));
  const of = (kind: AuthorizationPolicy['action']['kind']): readonly AuthorizationPolicy[] =>
    policies.filter(({ action }) => action.kind === kind);
  return {
    consultations: consultationsOf(read, namespace, policies),
    deny: [...of('deny'), ...unreadable.map(denial)],
    allow: of('allow'),
    audit: of('audit').filter(({ dryRun }) => !dryRun),
    sources: [...objects, ...unreadable].map(({ reference }) => reference),
  };
}

/** Who has which rights by a token is not known: nobody has any. */
function denial({ namespace, name, reference }: DecodedRequestAuthentication): AuthorizationPolicy {
  const everything = { from: [], to: [], when: [], provenance: { ...reference, path: 'spec' } };
  return { namespace, name, action: { kind: 'deny' }, dryRun: false, rules: [everything] };
}

function consultationsOf(
  read: Read,
  namespace: string,
  policies: readonly AuthorizationPolicy[],
): readonly ProviderConsultation[] {
  const byProvider = new Map<string, AuthorizationPolicy[]>();
  for (const policy of policies) {
    if (policy.action.kind !== 'consult' || policy.dryRun) continue;
    const asked = byProvider.get(policy.action.provider) ?? [];
    asked.push(withoutKnowledge(policy, unknownToProviders));
    byProvider.set(policy.action.provider, asked);
  }
  return [...byProvider]
    .toSorted(([a], [b]) => compareText(a, b))
    .map(([name, asked]) => ({ name, provider: providerFor(read, namespace, name), policies: asked }));
}

/** A provider that a workload of a namespace can call; undefined: there is no such one. */
export function providerFor(read: Read, namespace: string, name: string): AuthorizationProvider | undefined {
  const provider = read(authorizationProviders, 'mesh').find((each) => each.name === name);
  if (provider === undefined) return undefined;
  const key = read(serviceForHost, serviceForHostKey(namespace, provider.host));
  const service = key === undefined ? undefined : read(serviceOf, key);
  return service?.ports.some(({ number }) => number === provider.port) ? provider : undefined;
}

function byName(
  a: { readonly namespace: string; readonly name: string },
  b: { readonly namespace: string; readonly name: string },
): number {
  return compareText(a.namespace, b.namespace) || compareText(a.name, b.name);
}
