/**
 * Keys of rows and resources: branded strings, made here and nowhere else. They are readable on purpose, since logs, `explain`
 * and status show them.
 */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** `group/Kind namespace/name` of a configuration object. */
export type ConfigKey = Branded<'ConfigKey'>;
/** `namespace/hostname` of a service. */
export type ServiceKey = Branded<'ServiceKey'>;
/** `namespace/hostname source/shard`: the endpoints that one object of one source gives a service. */
export type EndpointShardKey = Branded<'EndpointShardKey'>;
/** `source/namespace/name` of a workload (a pod, a virtual machine). */
export type WorkloadKey = Branded<'WorkloadKey'>;
/** `source/name` of a machine that workloads run on: clusters may have machines of the same name. */
export type NodeKey = Branded<'NodeKey'>;
/** Identity of one proxy connection. */
export type ProxyKey = Branded<'ProxyKey'>;
/** A set of facts about proxies that a translation may depend on, written as text without blanks. */
export type ScopeKey = Branded<'ScopeKey'>;

export function configKey(kind: string, namespace: string, name: string): ConfigKey {
  return flatText(' ', kind, flatText('/', namespace, name)) as ConfigKey;
}

/** Takes the key of a configuration object apart again. */
export function partsOfConfigKey(key: ConfigKey): {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
} {
  const blank = key.indexOf(' ');
  const slash = key.indexOf('/', blank);
  return { kind: key.slice(0, blank), namespace: key.slice(blank + 1, slash), name: key.slice(slash + 1) };
}

export function serviceKey(namespace: string, hostname: string): ServiceKey {
  return flatText('/', namespace, hostname) as ServiceKey;
}

/** Takes a service key apart again. */
export function partsOfServiceKey(key: ServiceKey): { readonly namespace: string; readonly hostname: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), hostname: key.slice(slash + 1) };
}

export function endpointShardKey(service: ServiceKey, source: string, shard: string): EndpointShardKey {
  return flatText(' ', service, flatText('/', source, shard)) as EndpointShardKey;
}

/** The service that a shard gives endpoints to. */
export function serviceOfShardKey(key: EndpointShardKey): ServiceKey {
  return key.slice(0, key.indexOf(' ')) as ServiceKey;
}

/** Of a shard: the namespace of its service, and the source that gives it. */
export interface ShardHome {
  readonly namespace: string;
  readonly source: string;
}

export function homeOfShardKey(key: EndpointShardKey): ShardHome {
  const blank = key.indexOf(' ');
  return { namespace: key.slice(0, key.indexOf('/')), source: key.slice(blank + 1, key.indexOf('/', blank)) };
}

export function workloadKey(source: string, namespace: string, name: string): WorkloadKey {
  return flatText('/', source, namespace, name) as WorkloadKey;
}

/** Takes the key of a workload apart again. */
export function partsOfWorkloadKey(key: WorkloadKey): {
  readonly source: string;
  readonly namespace: string;
  readonly name: string;
} {
  const [source = '', namespace = '', name = ''] = key.split('/');
  return { source, namespace, name };
}

export function nodeKey(source: string, name: string): NodeKey {
  return flatText('/', source, name) as NodeKey;
}

export function proxyKey(text: string): ProxyKey {
  return text as ProxyKey;
}

/** @param text without blanks: a blank separates a scope from what follows it in a composite key */
export function scopeKey(text: string): ScopeKey {
  return text as ScopeKey;
}

/** Joins parts that hold no blanks into one key of a query. */
export function compositeKey(...parts: readonly (string | number)[]): string {
  return flatText(' ', ...parts);
}

/** Takes a composite key apart. */
export function partsOf(key: string): readonly string[] {
  return key.split(' ');
}

/**
 * Parts as one text. Joined and not written as a template: V8 keeps a text that was put together as a tree of its pieces, 32
 * bytes each, for as long as it lives, and keys and names of services live as long as the mesh.
 */
export function flatText(separator: string, ...parts: readonly (string | number)[]): string {
  return parts.join(separator);
}
