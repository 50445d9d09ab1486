import type { Held } from './flight.ts';
import type { Resource } from './resources.ts';
import { stampOf, ViewSum } from './view-version.ts';

/** The version of what the client holds, where a rejected response leaves that open. No resource has it. */
export const unsure = '';

/** The content of a response. */
export interface Selection {
  /** Version of the view; of a full state, that of just these resources. */
  readonly version: string;
  readonly resources: readonly Resource[];
  readonly removed: readonly string[];
  /** Those resources that are news to the client: what they refer to has to follow (xds-protocol X60). */
  readonly changed: readonly Resource[];
  /** Full state: what the client held of those. */
  readonly replaces: ReadonlyMap<string, Held>;
  /** The names that the client may not have had. */
  readonly introduces: readonly string[];
  readonly isHeartbeat: boolean;
}

/** A selection while it is made. */
export interface GrowingSelection {
  /** Empty until all is in it. */
  version: string;
  readonly resources: Resource[];
  readonly removed: string[];
  readonly changed: Resource[];
  readonly replaces: Map<string, Held>;
  readonly introduces: string[];
  readonly isHeartbeat: false;
}

export function emptySelection(): GrowingSelection {
  return {
    version: '',
    resources: [],
    removed: [],
    changed: [],
    replaces: new Map(),
    introduces: [],
    isHeartbeat: false,
  };
}

/** Says of resources that they are still what they were (X72). */
export function heartbeatOf(resources: readonly Resource[], version: string): Selection {
  return { version, resources, removed: [], changed: [], replaces: new Map(), introduces: [], isHeartbeat: true };
}

/**
 * Takes in a resource.
 *
 * @param held version that the client holds; undefined: it was not told of the name
 * @param before full state: what the client held, to be kept
 */
export function add(
  selection: GrowingSelection,
  resource: Resource,
  held: string | undefined,
  before: Held | undefined,
): void {
  selection.resources.push(resource);
  if (held === undefined || held === unsure) selection.introduces.push(resource.name);
  if (resource.version === held) return;
  selection.changed.push(resource);
  if (before !== undefined) selection.replaces.set(resource.name, before);
}

/** The version that a view of just these resources has. */
export function versionOfAll(resources: readonly Resource[]): string {
  const sum = new ViewSum();
  for (const { name, version } of resources) sum.add(stampOf(name, version));
  return sum.toString();
}
