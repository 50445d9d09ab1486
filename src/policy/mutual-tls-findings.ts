import { isDeepStrictEqual } from 'node:util';
import type { Index, Query, Read } from '../incremental/definitions.ts';
import { compareByAge } from '../model/config-object.ts';
import type { ConfigKey, ProxyKey, ServiceKey } from '../model/keys.ts';
import { titleOf, type Finding } from '../model/provenance.ts';
import type { Proxy } from '../model/proxy.ts';
import type { Service } from '../model/service.ts';
import { proxies } from '../model/tables.ts';
import type { TrafficPolicy } from '../model/traffic-policy.ts';
import { inNamespace } from './config-indexes.ts';
import { readPeerAuthentication } from './decoded-objects.ts';
import type { DecodedDestinationRule, DecodedPeerAuthentication } from './dialects/istio/decoded.ts';
import { equalLists } from './equality.ts';
import { aboutObject, listed } from './finding.ts';
import { labelPairs } from './label-match.ts';
import { endpointsWithout, strictPorts } from './mesh-peers.ts';
import { rootNamespace } from './mesh.ts';
import { modeOfPort, mutualTlsOfScope } from './mutual-tls.ts';
import { servicesBySelector } from './registry-indexes.ts';
import { scopesOf } from './scope.ts';
import { serviceOf } from './services.ts';
import { samePlace } from './workload-selectors.ts';

/** What modes of mutual TLS cannot mean as they stand beside the rest of the mesh (policy P415, P417). */

export function peerAuthenticationFindings(
  read: Read,
  key: ConfigKey,
  value: DecodedPeerAuthentication,
): readonly Finding[] {
  return [
    ...ignoredSelector(read, value),
    ...olderPolicy(read, key, value),
    ...portsOfServices(read, value),
    ...withoutCertificate(read, key, value),
  ];
}

/** Policy G7. */
function ignoredSelector(
  read: Read,
  { selector, namespace, reference }: DecodedPeerAuthentication,
): readonly Finding[] {
  if (selector === undefined || namespace !== read(rootNamespace, 'mesh')) return [];
  return [
    aboutObject(reference, {
      severity: 'error',
      code: 'WEIR1411',
      path: 'spec.selector',
      message: `in the root namespace ${namespace} a policy with a selector is in force for no workload`,
      advice: 'write it into the namespace of the workloads, or remove the selector',
    }),
  ];
}

/** Policy P1: of several policies in one place the oldest counts. */
function olderPolicy(read: Read, key: ConfigKey, value: DecodedPeerAuthentication): readonly Finding[] {
  const older = samePlace(read, key)
    .map((other) => readPeerAuthentication(read, other))
    .filter((other) => other !== undefined)
    .filter((other) => isDeepStrictEqual(other.selector, value.selector) && compareByAge(other, value) < 0)
    .toSorted(compareByAge)[0];
  if (older === undefined) return [];
  return [
    aboutObject(value.reference, {
      severity: 'error',
      code: 'WEIR1412',
      path: '',
      message: `${titleOf(older.reference)} is older and for the same workloads, so that nothing of this object is in force`,
      advice: 'keep one policy for each set of workloads',
    }),
  ];
}

/** Policy P417: the port of a service that leads to another one of the workload. */
function portsOfServices(read: Read, { ports, selector, namespace, reference }: DecodedPeerAuthentication): Finding[] {
  if (ports.size === 0 || selector === undefined) return [];
  const services = labelPairs(selector)
    .flatMap((pair) => read(servicesBySelector, inNamespace(namespace, pair)))
    .map((service) => read(serviceOf, service))
    .filter((service) => service !== undefined);
  const targets = new Set(services.flatMap((service) => service.ports.map(({ targetPort }) => targetPort)));
  return [...ports.keys()].flatMap((port) => {
    const meant = targets.has(port) ? undefined : portNumbered(services, port);
    if (meant === undefined) return [];
    return [
      aboutObject(reference, {
        severity: 'warning',
        code: 'WEIR1413',
        path: `spec.portLevelMtls["${port}"]`,
        message: `${port} is a port of a service; the workloads are called on ${meant}`,
        advice: `write the port of the workload, ${meant}`,
      }),
    ];
  });
}

function portNumbered(services: readonly Service[], port: number): string | undefined {
  const found = services.flatMap((service) => service.ports).find(({ number }) => number === port);
  return found === undefined ? undefined : String(found.targetPort);
}

/** Proxies that nobody has named, by namespace. */
const proxiesWithoutIdentity: Index<string, ProxyKey, Proxy> = {
  name: 'proxiesWithoutIdentity',
  table: proxies,
  valuesOf: (row) => (row.secrets === 'none' ? [row.namespace] : []),
};

/** Workloads that a policy of their own namespace closes, since their proxies have no certificate. */
function withoutCertificate(read: Read, key: ConfigKey, value: DecodedPeerAuthentication): readonly Finding[] {
  if (value.mode !== 'strict' && ![...value.ports.values()].includes('strict')) return [];
  const closed = read(closedWorkloads, key);
  if (closed.length === 0) return [];
  const some = closed.length > 3 ? [...closed.slice(0, 3), `${closed.length - 3} more`] : closed;
  return [
    aboutObject(value.reference, {
      severity: 'warning',
      code: 'WEIR1414',
      path: 'spec',
      message: `ports of ${listed(some)} are closed: STRICT needs a certificate, and nobody has said who their proxies are`,
      advice: 'let the proxies show who they are (docs/how-to/mutual-tls.md), or use PERMISSIVE',
    }),
  ];
}

/** Names of workloads, sorted. The key is that of the policy. */
const closedWorkloads: Query<ConfigKey, readonly string[]> = {
  name: 'workloadsClosedFor',
  compute(read, key) {
    const policy = readPeerAuthentication(read, key);
    if (policy === undefined) return [];
    const { namespace, name } = policy;
    const closed = read(proxiesWithoutIdentity, namespace).filter((proxy) => {
      const [, inbound] = read(scopesOf, proxy).listener;
      if (inbound === undefined) return false;
      const effective = mutualTlsOfScope(read, inbound);
      const modes = [effective.mode, ...[...effective.ports.keys()].map((port) => modeOfPort(effective, port))];
      return (
        modes.includes('strict') && effective.provenance.some((by) => by.name === name && by.namespace === namespace)
      );
    });
    return [...new Set(closed.map((proxy) => read(proxies, proxy)?.workloadName ?? ''))].toSorted();
  },
  equal: equalLists,
};

/** Policy P415: a rule for clients that their servers turn away. */
export function clientTlsFindings(read: Read, rule: DecodedDestinationRule, service: ServiceKey): readonly Finding[] {
  const { policy, ports } = rule.trafficPolicy;
  const numbers = new Map(read(serviceOf, service)?.ports.map(({ number, name }) => [number, name]));
  const general = [...numbers].filter(([number]) => !ports.has(number)).map(([, name]) => name);
  return [
    ...contradictions(read, rule, service, { policy, names: general, path: 'spec.trafficPolicy.tls' }),
    ...[...ports].flatMap(([number, ofPort]) => {
      const name = numbers.get(number);
      const path = 'spec.trafficPolicy.portLevelSettings';
      return name === undefined ? [] : contradictions(read, rule, service, { policy: ofPort, names: [name], path });
    }),
  ];
}

interface Asked {
  readonly policy: TrafficPolicy | undefined;
  /** Of the ports for which it is asked. */
  readonly names: readonly string[];
  readonly path: string;
}

function contradictions(
  read: Read,
  { host, reference }: DecodedDestinationRule,
  service: ServiceKey,
  { policy, names, path }: Asked,
): readonly Finding[] {
  const mode = policy?.tls?.mode;
  if (mode === 'disable') {
    const strict = read(strictPorts, service).filter((name) => names.includes(name));
    if (strict.length === 0) return [];
    const message = `workloads of ${host} take mutual TLS alone on ${listed(strict)}, and turn away what comes without`;
    const advice = 'remove tls: without it clients do as each workload wants';
    return [aboutObject(reference, { severity: 'warning', code: 'WEIR1415', path, message, advice })];
  }
  if (mode !== 'istio-mutual') return [];
  const count = read(endpointsWithout, service);
  if (count === 0) return [];
  const message = `${count} ${count === 1 ? 'endpoint' : 'endpoints'} of ${host} ${count === 1 ? 'has' : 'have'} no sidecar, and no call reaches ${count === 1 ? 'it' : 'them'} with ISTIO_MUTUAL`;
  const advice = 'remove tls: without it clients do as each workload wants';
  return [aboutObject(reference, { severity: 'warning', code: 'WEIR1416', path, message, advice })];
}
