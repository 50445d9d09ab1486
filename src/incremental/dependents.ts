import type { Dependent } from './node.ts';

/**
 * Who read a node. Most nodes have one reader, some a handful, a few thousands: one slot, an array, or a set costs 0, 50 or
 * 200 bytes, and there is one per node.
 */
export type Dependents = undefined | Dependent | Dependent[] | Set<Dependent>;

/** Up to this many, scanning an array is as fast as hashing. */
const longestArray = 8;

/** @param dependent not yet among them: reads are recorded once per run, so nobody needs to look */
export function withDependent(dependents: Dependents, dependent: Dependent): Dependents {
  if (dependents === undefined) return dependent;
  if (dependents instanceof Set) return dependents.add(dependent);
  if (!Array.isArray(dependents)) return [dependents, dependent];
  if (dependents.length === longestArray) return new Set(dependents).add(dependent);
  // Not pushed: an array that grows by pushing keeps up to sixteen spare slots.
  return [...dependents, dependent];
}

/** Gives undefined when nobody is left, which is how a node learns that it may go. */
export function withoutDependent(dependents: Dependents, dependent: Dependent): Dependents {
  if (dependents === dependent) return undefined;
  if (dependents instanceof Set) {
    dependents.delete(dependent);
    return dependents.size === 0 ? undefined : dependents;
  }
  if (!Array.isArray(dependents)) return dependents;
  const at = dependents.indexOf(dependent);
  if (at < 0) return dependents;
  const last = dependents.pop();
  // Order among dependents means nothing, so the last takes the place of the one that leaves.
  if (at < dependents.length && last !== undefined) dependents[at] = last;
  return dependents.length === 1 ? dependents[0] : dependents;
}

/** Calls back for each; a loop over three shapes, written once. */
export function eachDependent(dependents: Dependents, visit: (dependent: Dependent) => void): void {
  if (dependents === undefined) return;
  if (dependents instanceof Set || Array.isArray(dependents)) for (const dependent of dependents) visit(dependent);
  else visit(dependents);
}
