import { resourceTypeByName, resourceTypes } from '../../src/xds/resource-types.ts';

/** Types of resources by their short names; other texts stand for themselves. */

export function typeUrlNamed(name: string): string {
  return resourceTypeByName(name)?.typeUrl ?? name;
}

export function shortName(typeUrl: string): string {
  return resourceTypes.find((type) => type.typeUrl === typeUrl)?.name ?? typeUrl;
}
