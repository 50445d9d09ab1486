import type { Mirror } from '../../../model/routing.ts';
import { decodeDestination } from './destinations.ts';
import type { Reading } from './reading.ts';
import type { HttpRouteSpec } from './schemas/virtual-service.ts';
import { atMostOne, decodePercentage, itemsOf } from './values.ts';

/** Copies of requests (policy A17): all of them unless a percentage is given, none at zero per cent. */
export function decodeMirrors(spec: HttpRouteSpec, path: string, reading: Reading): readonly Mirror[] {
  atMostOne({ mirror: spec.mirror, mirrors: spec.mirrors }, path, reading);
  const single = decodeSingle(spec, path, reading);
  const several = itemsOf(spec.mirrors, `${path}.mirrors`).map(({ item, at }) => {
    const destination = decodeDestination(item.destination, `${at}.destination`, reading);
    const percentage = decodeShare(item.percentage?.value, `${at}.percentage.value`, at, reading);
    return destination && { destination, percentage };
  });
  return [single, ...several].filter((mirror) => mirror !== undefined && mirror.percentage > 0) as readonly Mirror[];
}

function decodeSingle(spec: HttpRouteSpec, path: string, reading: Reading): Mirror | undefined {
  const legacyName = spec.mirrorPercent === undefined ? 'mirror_percent' : 'mirrorPercent';
  const legacy = spec.mirrorPercent ?? spec.mirror_percent;
  if (legacy !== undefined) reading.deprecated(`${path}.${legacyName}`, 'mirrorPercentage.value');
  const [value, at] =
    spec.mirrorPercentage === undefined
      ? [legacy, `${path}.${legacyName}`]
      : [spec.mirrorPercentage.value ?? 0, `${path}.mirrorPercentage.value`];
  if (spec.mirror === undefined) {
    if (value === undefined) return undefined;
    reading.warn('WEIR1021', at, 'there is no mirror for the percentage', 'add mirror, or use mirrors[].percentage');
    return undefined;
  }
  const destination = decodeDestination(spec.mirror, `${path}.mirror`, reading);
  const percentage = decodeShare(value, at, `${path}.mirror`, reading);
  return destination && { destination, percentage };
}

/** @param mirror path of the mirror, to which a missing percentage is said (policy P410) */
function decodeShare(value: number | undefined, path: string, mirror: string, reading: Reading): number {
  if (value === undefined) {
    const message = 'the mirror has no percentage, so that every request is copied';
    reading.warn('WEIR1113', mirror, message, 'state the percentage, 100 if that is meant');
    return 100;
  }
  return decodePercentage(value, path, reading) ?? 0;
}
