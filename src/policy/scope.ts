import { isDeepStrictEqual } from 'node:util';
import type { Query, Read } from '../incremental/definitions.ts';
import { invariant } from '../incremental/invariant.ts';
import type { SecretOrigin } from '../model/identity.ts';
import { scopeKey, type NodeKey, type ProxyKey, type ScopeKey, type ServiceKey } from '../model/keys.ts';
import type { Interception, Proxy } from '../model/proxy.ts';
import type { ProxyScopes } from '../model/scope.ts';
import type { Service } from '../model/service.ts';
import { proxies } from '../model/tables.ts';
import type { Locality } from '../model/workload.ts';
import { comparedClientLabels, selectedClientLabels } from './client-labels.ts';
import type { Labels } from './label-match.ts';
import { membershipsOf } from './memberships.ts';
import { routeDelivery } from './mesh.ts';
import { servicesOnNodes } from './registry-indexes.ts';
import { escaped, listOf, listText, mapped, recordOf, recordText, unescaped } from './scope-text.ts';
import { targetPorts } from './selected-endpoints.ts';
import { serviceOf } from './services.ts';
import { selectedWorkloadLabels } from './workload-selectors.ts';
import { workloadOfProxy, type WorkloadOfProxy } from './workload-of-proxy.ts';

/**
 * The facts about a proxy that a translation may depend on, and their text. Proxies with equal facts share every resource, so each
 * fact here costs sharing: what may be added is listed in istio-compat I175.
 */
export type ScopeFacts = ClientFacts | EndpointFacts | OutboundFacts | InboundFacts;

/** How a workload calls others: the scope of outbound clusters and of routes that are delivered as whole tables. */
export interface ClientFacts {
  readonly kind: 'client';
  readonly namespace: string;
  /** Cluster domain. */
  readonly domain: string;
  /** Those labels of the workload by which policies in sight select clients. */
  readonly labels: Labels;
  /** Where the proxy's certificate comes from: without one it calls nobody with mutual TLS. */
  readonly secrets: SecretOrigin;
}

/** The scope of load assignments. */
export interface EndpointFacts {
  readonly kind: 'endpoints';
  readonly namespace: string;
  readonly domain: string;
  /** Those of the client, and those that locality settings in sight compare with labels of endpoints. */
  readonly labels: Labels;
  readonly secrets: SecretOrigin;
  readonly locality: Locality;
  /** Only where there is a service whose clients stay on their node, since there are as many scopes as nodes then. */
  readonly node?: NodeKey;
}

/** The scope of outbound listeners, and of routes whose virtual hosts are delivered one by one. */
export interface OutboundFacts {
  readonly kind: 'outbound';
  readonly namespace: string;
  readonly domain: string;
  readonly labels: Labels;
  readonly secrets: SecretOrigin;
  readonly interception: Interception;
  /** Port on 127.0.0.1 that takes HTTP proxy requests (policy P351). */
  readonly httpProxyPort: number | undefined;
  /** CIDR of the virtual addresses that the proxy binds (policy P353). */
  readonly boundAddresses: string | undefined;
}

/** What a workload accepts: the scope of inbound clusters and listeners. */
export interface InboundFacts {
  readonly kind: 'inbound';
  readonly namespace: string;
  readonly domain: string;
  /** Those labels of the workload by which policies select workloads. */
  readonly labels: Labels;
  /** The services that the workload stands behind, sorted. */
  readonly services: readonly ServiceKey[];
  /** Named ports of the workload that target ports of these services refer to. */
  readonly namedPorts: Readonly<Record<string, number>>;
  /** Service -> service port name -> port on the workload, where a source lists another port than the service's target port. */
  readonly listedPorts: Readonly<Record<ServiceKey, Readonly<Record<string, number>>>>;
  readonly interception: Interception;
  /** Where the proxy's certificate comes from: without one nobody can call with mutual TLS. */
  readonly secrets: SecretOrigin;
  /** Addresses to bind inbound ports on; empty under interception, so that replicas share. */
  readonly bindAddresses: readonly string[];
}

/**
 * The text of facts: equal for equal facts, without blanks, readable since logs and status show it. Fields are separated by `;`,
 * in the order of the interfaces above.
 */
export function scopeOf(facts: ScopeFacts): ScopeKey {
  const text = fieldsOf(facts).join(';');
  const key = scopeKey(text);
  if (!decoded.has(key)) remember(key, facts);
  return key;
}

/** The facts of a scope. */
export function scopeFacts(scope: ScopeKey): ScopeFacts {
  const known = decoded.get(scope);
  if (known !== undefined) return known;
  const facts = parse(scope);
  remember(scope, facts);
  return facts;
}

/** Facts of a scope whose kind the caller knows from the type of resource. */
export function scopeFactsOf<Kind extends ScopeFacts['kind']>(
  scope: ScopeKey,
  kind: Kind,
): Extract<ScopeFacts, { kind: Kind }> {
  const facts = scopeFacts(scope);
  invariant(isOfKind(facts, kind), `the scope ${scope} is not of kind ${kind}`);
  return facts;
}

function isOfKind<Kind extends ScopeFacts['kind']>(
  facts: ScopeFacts,
  kind: Kind,
): facts is Extract<ScopeFacts, { kind: Kind }> {
  return facts.kind === kind;
}

/**
 * The client scope inside a scope: how the same workload calls others.
 *
 * @param scope of any kind but `inbound`
 */
export function clientScope(scope: ScopeKey): ScopeKey {
  const facts = scopeFacts(scope);
  if (facts.kind === 'client') return scope;
  invariant(facts.kind !== 'inbound', `the scope ${scope} is not a client's`);
  const { namespace, domain, labels, secrets } = facts;
  return scopeOf({ kind: 'client', namespace, domain, labels, secrets });
}

/** Decoding is asked for by every query of a scope. Far more scopes than a mesh has; the oldest go first. */
const decodedLimit = 20_000;
const decoded = new Map<ScopeKey, ScopeFacts>();

function remember(scope: ScopeKey, facts: ScopeFacts): void {
  if (decoded.size >= decodedLimit) {
    for (const oldest of decoded.keys()) {
      decoded.delete(oldest);
      break;
    }
  }
  decoded.set(scope, facts);
}

function fieldsOf(facts: ScopeFacts): readonly string[] {
  const common = [facts.kind, escaped(facts.namespace), escaped(facts.domain)];
  switch (facts.kind) {
    case 'client':
      return [...common, recordText(facts.labels), facts.secrets];
    case 'endpoints': {
      const { region, zone, subZone } = facts.locality;
      const node = facts.node === undefined ? [] : [escaped(facts.node)];
      return [...common, recordText(facts.labels), facts.secrets, listText([region, zone, subZone]), ...node];
    }
    case 'outbound': {
      const { secrets, interception, httpProxyPort, boundAddresses } = facts;
      const proxyPort = httpProxyPort === undefined ? '' : String(httpProxyPort);
      const labels = recordText(facts.labels);
      return [...common, labels, secrets, interception, proxyPort, escaped(boundAddresses ?? '')];
    }
    case 'inbound':
      return [
        ...common,
        recordText(facts.labels),
        listText(facts.services),
        recordText(facts.namedPorts),
        recordText(mapped(facts.listedPorts, recordText)),
        facts.interception,
        facts.secrets,
        listText(facts.bindAddresses),
      ];
  }
}

function parse(scope: ScopeKey): ScopeFacts {
  const [kind, rawNamespace = '', rawDomain = '', ...rest] = scope.split(';');
  const namespace = unescaped(rawNamespace);
  const domain = unescaped(rawDomain);
  const [first = '', second = '', third = '', fourth = '', fifth = '', sixth = '', seventh = ''] = rest;
  switch (kind) {
    case 'client':
      return { kind, namespace, domain, labels: recordOf(first), secrets: secretOriginOf(second) };
    case 'endpoints': {
      const [region = '', zone = '', subZone = ''] = listOf(third);
      const locality = { region, zone, subZone };
      const node = fourth === '' ? {} : { node: unescaped(fourth) as NodeKey };
      return { kind, namespace, domain, labels: recordOf(first), secrets: secretOriginOf(second), locality, ...node };
    }
    case 'outbound':
      return {
        kind,
        namespace,
        domain,
        labels: recordOf(first),
        secrets: secretOriginOf(second),
        interception: interceptionOf(third),
        httpProxyPort: fourth === '' ? undefined : Number(fourth),
        boundAddresses: fifth === '' ? undefined : unescaped(fifth),
      };
    case 'inbound':
      return {
        kind,
        namespace,
        domain,
        labels: recordOf(first),
        services: listOf(second) as ServiceKey[],
        namedPorts: mapped(recordOf(third), Number),
        listedPorts: mapped(recordOf(fourth), (ports) => mapped(recordOf(ports), Number)),
        interception: interceptionOf(fifth),
        secrets: secretOriginOf(sixth),
        bindAddresses: listOf(seventh),
      };
    default:
      invariant(false, `not a scope: ${scope}`);
  }
}

function secretOriginOf(text: string): SecretOrigin {
  invariant(text === 'stream' || text === 'agent' || text === 'none', `not an origin of secrets: ${text}`);
  return text;
}

function interceptionOf(text: string): Interception {
  invariant(text === 'redirect' || text === 'none', `not an interception: ${text}`);
  return text;
}

/**
 * The scopes of a proxy: the only place where a proxy becomes facts. When an edit makes another label of its workload matter, or
 * puts the workload behind another service, the scopes change, and its stream follows them.
 */
export const scopesOf: Query<ProxyKey, ProxyScopes> = {
  name: 'scopesOf',
  compute(read, key) {
    const proxy = read(proxies, key);
    const workload = read(workloadOfProxy, key);
    if (proxy === undefined || workload === undefined) return noScopes;
    const client = scopeOf(clientFacts(read, proxy, workload));
    const outbound = scopeOf(outboundFacts(read, proxy, workload));
    const inbound = scopeOf(inboundFacts(read, proxy, workload));
    // Which virtual hosts are sent follows from the listeners, and so from their scope; tables that are whole need less.
    const oneByOne = proxy.takesVirtualHosts && read(routeDelivery, 'mesh') === 'virtual-hosts';
    return {
      cluster: [client, inbound],
      endpoints: [scopeOf(endpointFacts(read, proxy, workload))],
      listener: [outbound, inbound],
      routes: [oneByOne ? outbound : client],
      virtualHosts: oneByOne ? [outbound] : [],
    };
  },
  equal: isDeepStrictEqual,
};

const noScopes: ProxyScopes = { cluster: [], endpoints: [], listener: [], routes: [], virtualHosts: [] };

function clientFacts(read: Read, proxy: Proxy, workload: WorkloadOfProxy): ClientFacts {
  const { namespace, domain, secrets } = proxy;
  return { kind: 'client', namespace, domain, labels: selectedClientLabels(read, namespace, workload.labels), secrets };
}

function endpointFacts(read: Read, proxy: Proxy, workload: WorkloadOfProxy): EndpointFacts {
  const { namespace, domain, secrets } = proxy;
  const labels = comparedClientLabels(read, namespace, workload.labels);
  const { locality, node } = workload;
  const staying = node !== undefined && read(servicesOnNodes, 'all').length > 0 ? { node } : {};
  return { kind: 'endpoints', namespace, domain, labels, secrets, locality, ...staying };
}

function outboundFacts(read: Read, proxy: Proxy, workload: WorkloadOfProxy): OutboundFacts {
  const { interception, httpProxyPort, boundAddresses } = proxy;
  return { ...clientFacts(read, proxy, workload), kind: 'outbound', interception, httpProxyPort, boundAddresses };
}

function inboundFacts(read: Read, proxy: Proxy, workload: WorkloadOfProxy): InboundFacts {
  const { namespace, domain, interception, secrets } = proxy;
  const services: ServiceKey[] = [];
  const namedPorts: Record<string, number> = {};
  const listedPorts: Record<ServiceKey, Readonly<Record<string, number>>> = {};
  for (const membership of read(membershipsOf, proxy.key)) {
    const service = read(serviceOf, membership.service);
    if (service === undefined) continue;
    services.push(service.key);
    Object.assign(namedPorts, namedTargets(service, workload.namedPorts));
    const differing = differingPorts(service, membership.ports ?? {}, workload.namedPorts);
    if (Object.keys(differing).length > 0) listedPorts[service.key] = differing;
  }
  const bindAddresses = interception === 'none' ? proxy.addresses : [];
  const labels = selectedWorkloadLabels(read, namespace, workload.labels);
  return {
    kind: 'inbound',
    namespace,
    domain,
    labels,
    services,
    namedPorts,
    listedPorts,
    interception,
    secrets,
    bindAddresses,
  };
}

/**
 * Ports of a service that are listed otherwise than its target ports say. A list that lacks a port says nothing: after an edit of the service it only
 * follows a moment later, and the scopes of all its workloads must not flap meanwhile.
 */
function differingPorts(
  service: Service,
  listed: Readonly<Record<string, number>>,
  namedPorts: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const targets = targetPorts(service, (name) => namedPorts[name]);
  return Object.fromEntries(
    service.ports.flatMap(({ name }) => {
      const port = listed[name];
      return port === undefined || port === targets[name] ? [] : [[name, port]];
    }),
  );
}

/** Those named ports of a workload that a service's target ports refer to. */
function namedTargets(service: Service, namedPorts: Readonly<Record<string, number>>): Record<string, number> {
  const targets: Record<string, number> = {};
  for (const { targetPort } of service.ports) {
    const port = namedPorts[targetPort];
    if (typeof targetPort === 'string' && port !== undefined) targets[targetPort] = port;
  }
  return targets;
}
