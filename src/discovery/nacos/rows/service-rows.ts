import { compareText } from '../../../model/config-object.ts';
import { sortedByAddress, type EndpointShard, type ShardEndpoint } from '../../../model/endpoint.ts';
import { endpointShardKey, serviceKey, type ServiceKey } from '../../../model/keys.ts';
import { isHttp, type Protocol } from '../../../model/protocol.ts';
import type { ObjectReference } from '../../../model/provenance.ts';
import type { ServicePort } from '../../../model/service.ts';
import type { SourceProblem } from '../../../model/source.ts';
import type { ViolationCodeName } from '../../../model/violation-codes.ts';
import type { SourceRow } from '../../source-row.ts';
import { nameText, type ServiceInfo, type ServiceName } from '../client/service-info.ts';
import { readInstance, type AddressRules, type Instance } from './instance.ts';

/** What is the same for all services of one namespace of a Nacos. */
export interface NamespaceContext extends AddressRules {
  /** Name of the source. */
  readonly source: string;
  /** Id of the namespace in Nacos. */
  readonly namespace: string;
  /** Namespace of the mesh that its services are in. */
  readonly meshNamespace: string;
  readonly hostOf: (name: ServiceName) => string;
}

export interface ServiceReading {
  readonly rows: readonly SourceRow[];
  readonly problems: readonly SourceProblem[];
}

/** `Service` of Nacos: the name of a kind, for people. */
const kind = 'nacos.io/Service';

/** By its names in Nacos, whatever host they gave. */
export function referenceTo({ source, namespace }: NamespaceContext, name: ServiceName): ObjectReference {
  return { kind, namespace, name: nameText(name), origin: { source } };
}

/**
 * The rows of a service: itself, and its endpoints by protocol and port, since each instance has a port of its own (registries T33, M8).
 *
 * @param before its ports, which a service without instances keeps: an empty list says that there are none now, not what it is
 */
export function readService(
  info: ServiceInfo,
  context: NamespaceContext,
  before: readonly ServicePort[] | undefined,
): ServiceReading {
  const { source, meshNamespace } = context;
  const hostname = context.hostOf(info.name);
  const key = serviceKey(meshNamespace, hostname);
  const declaredBy = referenceTo(context, info.name);
  const readings = info.instances.map((instance) => readInstance(instance, context));
  const instances = readings.flatMap((reading) => (reading.kind === 'usable' ? reading.instance : []));
  const invalid = readings.filter((reading) => reading.kind === 'invalid');
  const ports = portsOf(instances, before);
  const service: SourceRow = {
    kind: 'service',
    row: {
      ...{ key, hostname, namespace: meshNamespace, name: info.name.service, registry: 'nacos', ports },
      ...{ addresses: [], headless: false, resolution: 'endpoints', meshExternal: false, exportTo: undefined },
      ...{ labels: {}, selector: undefined, publishNotReady: false, createdAt: 0, declaredBy },
    },
  };
  const shards = shardsOf(key, instances, source, declaredBy);
  const problems: SourceProblem[] = [];
  const [first] = invalid;
  if (first !== undefined) {
    const others = invalid.length === 1 ? '' : `, and ${invalid.length - 1} more instances cannot be used`;
    problems.push(problemOf(declaredBy, 'WEIR2201', first.path, `${first.problem}${others}`, adviceForInvalid));
  }
  if (info.isProtected) problems.push(problemOf(declaredBy, 'WEIR2202', '', protectedMessage, protectedAdvice));
  return { rows: [service, ...shards.map((row) => ({ kind: 'shard', row }) as const)], problems };
}

const adviceForInvalid = 'correct what registers the instance; it gets no traffic';
const protectedMessage = 'so few instances are healthy that Nacos calls all of them healthy: who is, is not known';
const protectedAdvice = 'look after the instances, or lower the protect threshold of the service in Nacos';

/** A problem with a service of Nacos. */
export function problemOf(
  object: ObjectReference,
  code: ViolationCodeName,
  path: string,
  message: string,
  advice: string,
): SourceProblem {
  const { source } = object.origin;
  const key = `${source} ${code} ${object.namespace} ${object.name}`;
  return { key, source, place: { kind: 'object', object }, code, path, message, advice, keptLastGood: false };
}

const httpPort = 80;

/**
 * One port for each protocol that is spoken, named after it: 80 for HTTP, since callers dial a name and not one of the ports of its instances;
 * for all else the lowest port of an instance that is not taken yet.
 */
function portsOf(instances: readonly Instance[], before: readonly ServicePort[] | undefined): readonly ServicePort[] {
  if (instances.length === 0 && before !== undefined) return before;
  const lowest = new Map<Protocol, readonly number[]>();
  for (const { protocol, port } of instances) lowest.set(protocol, [...(lowest.get(protocol) ?? []).slice(-200), port]);
  const protocols = lowest.size === 0 ? (['http'] as const) : [...lowest.keys()].toSorted(compareProtocols);
  const taken = new Set<number>();
  return protocols.flatMap((protocol) => {
    const candidates = [...(protocol === 'http' ? [httpPort] : (lowest.get(protocol) ?? []))].toSorted((a, b) => a - b);
    const number = candidates.find((candidate) => !taken.has(candidate));
    if (number === undefined) return [];
    taken.add(number);
    return { name: protocol, number, protocol, targetPort: number };
  });
}

/** HTTP first: it has a port of its own. */
function compareProtocols(a: Protocol, b: Protocol): number {
  return Number(b === 'http') - Number(a === 'http') || Number(isHttp(b)) - Number(isHttp(a)) || compareText(a, b);
}

function shardsOf(
  service: ServiceKey,
  instances: readonly Instance[],
  source: string,
  declaredBy: ObjectReference,
): readonly EndpointShard[] {
  const scale = scaleOf(instances);
  const shards = new Map<string, { readonly first: Instance; readonly endpoints: ShardEndpoint[] }>();
  for (const instance of instances) {
    const { protocol, port } = instance;
    const name = `${protocol}-${port}`;
    const weight = Math.max(1, Math.round(instance.weight * scale));
    const endpoint = weight === 1 ? instance.endpoint : { ...instance.endpoint, weight };
    const shard = shards.get(name);
    if (shard === undefined) shards.set(name, { first: instance, endpoints: [endpoint] });
    else shard.endpoints.push(endpoint);
  }
  return [...shards].map(([name, { first, endpoints }]) => ({
    key: endpointShardKey(service, source, name),
    service,
    ports: { [first.protocol]: first.port },
    endpoints: sortedByAddress(oneOfEach(endpoints)),
    declaredBy,
  }));
}

/** An address and port registered twice, in two clusters of Nacos, is one machine: the first counts. */
function oneOfEach(endpoints: readonly ShardEndpoint[]): readonly ShardEndpoint[] {
  const seen = new Set<string>();
  return endpoints.filter(({ address }) => !seen.has(address) && seen.add(address));
}

/** Proxies take whole weights: where one is none, all of the service are in hundredths. */
function scaleOf(instances: readonly Instance[]): number {
  return instances.every(({ weight }) => Number.isInteger(weight)) ? 1 : 100;
}
