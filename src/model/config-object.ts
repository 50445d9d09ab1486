import { configKey, type ConfigKey } from './keys.ts';
import type { ObjectReference, Origin } from './provenance.ts';

/** Kinds of configuration that travel as raw objects; `group/Kind`, versions of a group being one. */
export type ConfigKind =
  | 'networking.istio.io/VirtualService'
  | 'networking.istio.io/DestinationRule'
  | 'networking.istio.io/ServiceEntry'
  | 'networking.istio.io/WorkloadEntry'
  | 'security.istio.io/AuthorizationPolicy'
  | 'security.istio.io/PeerAuthentication'
  | 'security.istio.io/RequestAuthentication'
  | 'mesh.istio.io/MeshConfig';

/**
 * A configuration object as its source holds it, undecoded: the one form in which every source (files, Kubernetes, MCP,
 * Nacos) hands policy over. Decoding is a query, so a bad object is a value with violations and disturbs nothing.
 */
export interface ConfigObject {
  readonly kind: ConfigKind;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** `metadata.generation`, or a counter of the source that rises with every change of the object. */
  readonly generation: number;
  /** `metadata.creationTimestamp` in milliseconds since 1970; 0 when the source gives none, so that equals tie by name. */
  readonly createdAt: number;
  /** Plain JSON data, frozen by convention. */
  readonly spec: unknown;
  readonly origin: Origin;
  /** Cluster domain behind `svc.`, by which short host names are completed. Default: `cluster.local`. */
  readonly domain?: string;
}

export function keyOfConfig(object: ConfigObject): ConfigKey {
  return configKey(object.kind, object.namespace, object.name);
}

export function referenceToConfig(object: ConfigObject): ObjectReference {
  const { kind, namespace, name, generation, origin } = object;
  return { kind, namespace, name, generation, origin };
}

/** Oldest first, then by name, then by namespace (policy G4). */
export function compareByAge(
  a: Pick<ConfigObject, 'createdAt' | 'name' | 'namespace'>,
  b: Pick<ConfigObject, 'createdAt' | 'name' | 'namespace'>,
): number {
  return a.createdAt - b.createdAt || compareText(a.name, b.name) || compareText(a.namespace, b.namespace);
}

/** By code units, the same on every machine whatever its language. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
