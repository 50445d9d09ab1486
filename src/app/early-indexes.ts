import type { Read } from '../incremental/definitions.ts';
import { serviceKey } from '../model/keys.ts';
import { servicesByHostname, shardsByAddress, shardsByService, workloadsByAddress } from '../model/tables.ts';
import { servicesBySelector, servicesByVisibility, workloadsByName } from '../policy/registry-indexes.ts';

/**
 * Begins the indexes of the tables that have tens of thousands of rows, before there is a row: they grow with what sources read. Begun by the
 * first proxy, they would be made in one piece, and hold everything up for a third of a second (50,000 pods).
 */
export function beginIndexes(read: Read): void {
  const nothing = '';
  for (const index of [servicesByHostname, servicesBySelector, servicesByVisibility]) read(index, nothing);
  for (const index of [workloadsByAddress, workloadsByName]) read(index, nothing);
  read(shardsByAddress, nothing);
  read(shardsByService, serviceKey(nothing, nothing));
}
