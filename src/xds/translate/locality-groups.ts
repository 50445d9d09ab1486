import type { LocalityPreference } from '../../model/traffic-policy.ts';
import type { Locality } from '../../model/workload.ts';
import type { Labels } from '../../policy/label-match.ts';
import { compareLocalities, isSameLocality } from './locality-order.ts';
import { compacted, priorityOf } from './locality-priority.ts';
import { distributedWeights, fittingWeight } from './locality-weights.ts';
import type { PackedBlock, PackedGroup } from './packed-endpoints.ts';
import { withWeights } from './packed-entries.ts';
import { withoutRepeats } from './packed-repeats.ts';

/** Endpoints of one locality that are tried at the same time. */
export interface LocalityGroup {
  readonly locality: Locality;
  /** 0: tried first. The priorities of an assignment have no gaps (hot-path H305). */
  readonly priority: number;
  /** Share among the localities of its priority; undefined: endpoints are picked whatever their locality. */
  readonly weight: number | undefined;
  /** Sum of the weights of its endpoints. */
  readonly endpointWeight: number;
  /** Its endpoints, none twice. */
  readonly pieces: readonly PackedGroup[];
}

/** Where a client or an endpoint is, for preferences among localities. */
export interface Place {
  readonly locality: Locality;
  readonly labels: Labels;
}

/**
 * The endpoints of a cluster in the order of hot-path H304: localities by priority and name; in each the endpoints in the order of the
 * blocks, which is that of shards by key, and of the shard, which is sorted by address. So no endpoint is moved by a change of
 * another.
 *
 * @param preference undefined: no locality is better than another, and the client's place does not matter
 */
export function localityGroups(
  blocks: readonly PackedBlock[],
  preference: LocalityPreference | undefined,
  client: Place | undefined,
): readonly LocalityGroup[] {
  const collected: Collected[] = [];
  for (const block of withoutRepeats(blocks)) {
    for (const piece of block.groups) {
      const { locality, labels } = piece;
      const priority =
        preference === undefined || client === undefined ? 0 : priorityOf({ locality, labels }, preference, client);
      const group = groupIn(collected, priority, locality);
      group.endpointWeight += piece.weight;
      group.pieces.push(piece);
    }
  }
  collected.sort((a, b) => a.priority - b.priority || compareLocalities(a.locality, b.locality));
  const groups = collected.map(withinWeights);
  if (preference === undefined || client === undefined) return groups;
  if (preference.distribute.length > 0) return distributedWeights(groups, preference.distribute, client.locality);
  return compacted(groups);
}

interface Collected extends LocalityGroup {
  endpointWeight: number;
  readonly pieces: PackedGroup[];
}

function groupIn(collected: Collected[], priority: number, locality: Locality): Collected {
  for (const group of collected) {
    if (group.priority === priority && isSameLocality(group.locality, locality)) return group;
  }
  const group: Collected = { locality, priority, weight: undefined, endpointWeight: 0, pieces: [] };
  collected.push(group);
  return group;
}

function withinWeights(group: LocalityGroup): LocalityGroup {
  const count = group.pieces.reduce((sum, piece) => sum + piece.count, 0);
  const fitting = fittingWeight(group.endpointWeight, count);
  if (fitting === undefined) return group;
  const pieces = group.pieces.map((piece) => withWeights(piece, fitting));
  return { ...group, pieces, endpointWeight: pieces.reduce((sum, { weight }) => sum + weight, 0) };
}
