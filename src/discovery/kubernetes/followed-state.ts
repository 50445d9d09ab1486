import type { Freshness, SourceKind, SourceProblem } from '../../model/source.ts';
import type { ApiResource, ReflectorHealth } from './reflector/reflected.ts';
import { resourceName } from './followed-kinds.ts';

/** How it goes with one kind of objects, in one namespace or in all. */
export interface FollowedState {
  /** As in `SourceKind`. */
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly resource: ApiResource;
  readonly health: ReflectorHealth;
  /** A complete set of its objects has been read once. */
  readonly synced: boolean;
}

/** How fresh a source is, and why it is not fresher. */
export interface SourceFreshness {
  readonly state: Freshness;
  readonly reason?: string;
}

/**
 * How fresh a source is, by what it follows. It is unknown until each kind has been read once; what comes later, such as a kind that is
 * defined only now, leaves it what it is, unless something has gone wrong.
 *
 * @param wasLoaded whether it has been fresher than unknown before
 * @param lost why nothing can be followed at all
 * @param doubt why the server is not to be believed, although nothing else may be wrong
 */
export function freshnessOf(
  states: readonly FollowedState[],
  wasLoaded: boolean,
  lost: string | undefined,
  doubt: string | undefined,
): SourceFreshness {
  if (lost !== undefined) return { state: wasLoaded ? 'stale' : 'unknown', reason: lost };
  const trouble = [...states.flatMap(troubleOf), ...(doubt === undefined ? [] : [doubt])];
  const missing = states.filter(({ synced }) => !synced);
  if (!wasLoaded && missing.length > 0) {
    const waiting = `waiting for ${missing.map(titleOf).join(', ')}`;
    return { state: 'unknown', reason: trouble.length > 0 ? reasonOf(trouble) : waiting };
  }
  return trouble.length === 0 ? { state: 'synced' } : { state: 'stale', reason: reasonOf(trouble) };
}

/** Whether there is nothing to wait for: the objects are there, or something keeps them away. */
export function isSettled({ synced, health }: FollowedState): boolean {
  return synced || health.kind !== 'unknown';
}

/** What the status shows of it. */
export function sourceKindOf({ kind, namespace, health }: FollowedState, objects: number): SourceKind {
  const { kind: state } = health;
  const reason = 'reason' in health && health.reason !== undefined ? { reason: health.reason } : {};
  return { kind, ...(namespace === undefined ? {} : { namespace }), state, ...reason, objects };
}

/** What whoever grants access to the API server has to hear. */
export function accessProblems(source: string, state: FollowedState): readonly SourceProblem[] {
  const { health, resource, namespace, synced } = state;
  if (health.kind !== 'forbidden') return [];
  const name = resourceName(resource);
  const scope = namespace === undefined ? '' : ` in the namespace ${namespace}`;
  return [
    {
      key: `${source} ${titleOf(state)}`,
      source,
      place: { kind: 'resource', resource: name },
      code: 'WEIR2103',
      path: '',
      message: `${name} may not be read${scope}: ${health.reason}`,
      advice: `grant the account that Weir runs as the verbs list and watch on ${name}${scope}`,
      keptLastGood: synced,
    },
  ];
}

/** `pods`, or `pods in shop`. */
export function titleOf({ resource, namespace }: Pick<FollowedState, 'resource' | 'namespace'>): string {
  const name = resourceName(resource);
  return namespace === undefined ? name : `${name} in ${namespace}`;
}

/** Mostly all have the same reason, and each is shown beside its kind. */
function reasonOf([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first}, and ${others.length} more`;
}

function troubleOf(state: FollowedState): readonly string[] {
  const { health, synced } = state;
  switch (health.kind) {
    case 'following':
      return [];
    case 'unknown':
      return health.reason === undefined || synced ? [] : [`${titleOf(state)}: ${health.reason}`];
    case 'absent':
    case 'forbidden':
    case 'stale':
      return [`${titleOf(state)}: ${health.reason}`];
  }
}
