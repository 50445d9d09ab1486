import type { Read } from '../incremental/definitions.ts';
import type { Condition } from '../model/condition.ts';
import { compareText, type ConfigKind } from '../model/config-object.ts';
import { configKey, partsOfConfigKey, type ConfigKey } from '../model/keys.ts';
import { titleOf, type ObjectReference, type Provenance } from '../model/provenance.ts';
import { configs } from '../model/tables.ts';
import { objectConditions } from '../policy/status.ts';
import type { Programming } from '../xds/programming.ts';
import type { XdsServer } from '../xds/server.ts';

export interface ObjectStatusSources {
  readonly read: Read;
  readonly xds: Pick<XdsServer, 'programming'>;
  /** Milliseconds of the monotonic clock -> milliseconds since 1970. */
  readonly wallTimeAt: (at: number) => number;
}

/** An object, and what became of it. */
export interface ObjectStatus {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly conditions: readonly Condition[];
}

/** Objects that are shown: of more than these nobody reads each. */
const mostObjects = 200;

/** Those objects of which something is said: refused by their source, found to be in each other's way, or refused by a proxy. */
export function statusesOfNamed(
  named: Iterable<Pick<ObjectReference, 'kind' | 'namespace' | 'name'>>,
  sources: ObjectStatusSources,
): readonly ObjectStatus[] {
  const statuses = new Map<ConfigKey, ObjectStatus>();
  for (const { kind, namespace, name } of named) {
    if (statuses.size === mostObjects) break;
    const key = configKey(kind, namespace, name);
    if (statuses.has(key)) continue;
    const conditions = conditionsOf(key, sources);
    if (conditions.length > 0) statuses.set(key, { kind, namespace, name, conditions });
  }
  return [...statuses.values()].toSorted((a, b) => compareText(titleOf(a), titleOf(b)));
}

/** What became of an object, down to the proxies; empty: there is no such object. */
export function conditionsOf(key: ConfigKey, sources: ObjectStatusSources): readonly Condition[] {
  const conditions = sources.read(objectConditions, key);
  const accepted = conditions.find(({ type }) => type === 'Accepted');
  if (accepted === undefined) return [];
  const object = sources.read(configs, key);
  if (object === undefined) {
    const { observedGeneration } = accepted;
    const message = 'nothing of it is in force';
    return [...conditions, { type: 'Programmed', status: 'False', reason: 'Invalid', message, observedGeneration }];
  }
  if (untraced.has(object.kind)) return conditions;
  const programming = sources.xds.programming(configs, key, isObject(key));
  return [...conditions, programmed(programming, object.generation, sources)];
}

/** Kinds whose part in a resource is not written down: of them nothing can be said that would be true. */
const untraced: ReadonlySet<ConfigKind> = new Set<ConfigKind>([
  'networking.istio.io/WorkloadEntry',
  'mesh.istio.io/MeshConfig',
]);

function isObject(key: ConfigKey): (object: Provenance) => boolean {
  const { kind, namespace, name } = partsOfConfigKey(key);
  return (object) => object.name === name && object.namespace === namespace && object.kind === kind;
}

function programmed(
  { proxies, confirmed, rejected, rejections }: Programming,
  observedGeneration: number,
  { wallTimeAt }: ObjectStatusSources,
): Condition {
  const type = 'Programmed';
  const counts = `confirmed by ${confirmed} of ${proxies} ${proxies === 1 ? 'proxy' : 'proxies'}`;
  if (proxies === 0) {
    const message = 'no connected proxy gets anything that follows from it';
    return { type, status: 'Unknown', reason: 'NoProxies', message, observedGeneration };
  }
  if (rejected > 0) {
    const words = rejections.map(
      ({ nodeId, message, at }) => `${nodeId}, since ${new Date(wallTimeAt(at)).toISOString()}: ${message}`,
    );
    const message = [`${counts}, refused by ${rejected}:`, ...words].join('\n');
    return { type, status: 'False', reason: 'Rejected', message, observedGeneration };
  }
  if (confirmed < proxies) return { type, status: 'False', reason: 'Pending', message: counts, observedGeneration };
  return { type, status: 'True', reason: 'Programmed', message: counts, observedGeneration };
}
