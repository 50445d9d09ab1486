import type { SourceKind, SourceProblem } from '../../model/source.ts';
import { resourceName, type FollowedKind } from './followed-kinds.ts';
import { identityOf } from './kept-object.ts';
import { isMapping } from './objects/object-rows.ts';
import type { RawObject, Reflected } from './reflector/reflected.ts';

/** What is kept of a CustomResourceDefinition: whether its kind can be asked for, and in which versions. */
export interface KeptDefinition extends Reflected {
  /** The server has accepted it, and answers for its kind. */
  readonly established: boolean;
  readonly servedVersions: readonly string[];
}

/** How a kind that needs a definition can be followed. */
export type Availability =
  | { readonly kind: 'served'; readonly version: string }
  /** There is a definition, and the server does not answer for it yet. */
  | { readonly kind: 'not-established' }
  /** Its versions are none that can be read. */
  | { readonly kind: 'unreadable'; readonly versions: readonly string[] }
  | { readonly kind: 'undefined' };

/** Reads a definition as the server sent it. */
export function keepDefinition(object: RawObject): KeptDefinition {
  const spec = isMapping(object['spec']) ? object['spec'] : {};
  const status = isMapping(object['status']) ? object['status'] : {};
  const versions = mappings(spec['versions']).filter(({ served }) => served === true);
  return {
    ...identityOf(object),
    established: mappings(status['conditions']).some(
      (condition) => condition['type'] === 'Established' && condition['status'] === 'True',
    ),
    servedVersions: versions.flatMap(({ name }) => (typeof name === 'string' ? [name] : [])),
  };
}

/** The best way in which a kind is served. */
export function availabilityOf(kind: FollowedKind, definition: KeptDefinition | undefined): Availability {
  if (definition === undefined) return { kind: 'undefined' };
  const { established, servedVersions } = definition;
  const version = kind.versions.find((candidate) => servedVersions.includes(candidate));
  if (version === undefined) return { kind: 'unreadable', versions: servedVersions };
  return established ? { kind: 'served', version } : { kind: 'not-established' };
}

/** What the status shows of a kind that is not followed; undefined for one that is. */
export function absentKind({ name }: FollowedKind, availability: Availability): SourceKind | undefined {
  const absent = (reason: string): SourceKind => ({ kind: name, state: 'absent', reason, objects: 0 });
  switch (availability.kind) {
    case 'served':
      return undefined;
    case 'undefined':
      return absent('the cluster has no such kind');
    case 'not-established':
      return absent('the API server does not serve it yet');
    case 'unreadable':
      return absent(`the API server serves it as ${availability.versions.join(', ') || 'nothing'}`);
  }
}

/** What is wrong with a definition whose kind would be read in other versions. */
export function definitionProblems(
  source: string,
  kind: FollowedKind,
  availability: Availability,
): readonly SourceProblem[] {
  if (availability.kind !== 'unreadable') return [];
  const resource = resourceName(kind);
  return [
    {
      key: `${source} ${resource} versions`,
      source,
      place: { kind: 'resource', resource },
      code: 'WEIR2009',
      path: 'spec.versions',
      message: `none of the versions that are served can be read: ${availability.versions.join(', ') || 'there is none'}`,
      advice: `serve one of ${kind.versions.join(', ')}`,
      keptLastGood: true,
    },
  ];
}

function mappings(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isMapping) : [];
}
