import { compareText } from '../../model/config-object.ts';
import type { Locality } from '../../model/workload.ts';

/** By region, zone and sub-zone (hot-path H304). */
export function compareLocalities(a: Locality, b: Locality): number {
  return compareText(a.region, b.region) || compareText(a.zone, b.zone) || compareText(a.subZone, b.subZone);
}

export function isSameLocality(a: Locality, b: Locality): boolean {
  return a === b || (a.zone === b.zone && a.subZone === b.subZone && a.region === b.region);
}
