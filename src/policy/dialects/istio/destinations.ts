import type { Destination, WeightedDestination } from '../../../model/routing.ts';
import { decodeHeaders } from './headers.ts';
import { checkHost, fullHost } from './hosts.ts';
import type { Reading } from './reading.ts';
import type { DestinationSpec, HeadersSpec, RouteDestinationSpec } from './schemas/virtual-service.ts';
import { checkName, decodePort, itemsOf } from './values.ts';

/** Where requests and connections go, and in which shares. */

export function decodeDestination(
  spec: DestinationSpec | undefined,
  path: string,
  reading: Reading,
): Destination | undefined {
  if (spec === undefined) {
    reading.error('WEIR1005', path, 'a destination is needed', 'add destination with a host');
    return undefined;
  }
  if (spec.subset !== undefined && spec.subset !== '') checkName(spec.subset, 'subset', `${path}.subset`, reading);
  const port = spec.port === undefined ? undefined : decodePort(spec.port.number, `${path}.port.number`, reading);
  if (spec.host === undefined || spec.host === '') {
    reading.error('WEIR1005', `${path}.host`, 'the host is missing', 'name the service that the requests go to');
    return undefined;
  }
  // Wildcards name service entries; everything at once is no destination.
  const everything = spec.host === '*';
  if (!checkHost(spec.host, `${path}.host`, reading, { wildcard: !everything, address: true })) return undefined;
  return { host: fullHost(spec.host, reading), subset: spec.subset ?? '', port, provenance: reading.provenance(path) };
}

/** A destination of HTTP routes has headers beside. */
type WeightedSpec = RouteDestinationSpec & { readonly headers?: HeadersSpec | undefined };

/**
 * The destinations of a route with their weights (policy A2, T2): relative to each other, a weight of zero among several takes
 * no traffic and is left out, a single destination takes everything whatever its weight.
 */
export function decodeDestinations(
  list: readonly (WeightedSpec | undefined)[] | undefined,
  path: string,
  reading: Reading,
): readonly WeightedDestination[] {
  const items = itemsOf(list, path);
  const single = items.length === 1;
  const weighted = items.flatMap(({ item, at }) => {
    const destination = decodeDestination(item.destination, `${at}.destination`, reading);
    const headers = decodeHeaders(item.headers, `${at}.headers`, reading);
    const weight = decodeWeight(item.weight, `${at}.weight`, reading, single);
    return destination === undefined || weight === 0 ? [] : [{ destination, weight, headers }];
  });
  if (!single)
    checkSum(
      items.map(({ item }) => item.weight ?? 0),
      path,
      reading,
    );
  return weighted;
}

function decodeWeight(weight: number | undefined, path: string, reading: Reading, single: boolean): number {
  if (weight !== undefined && weight < 0) {
    reading.error('WEIR1105', path, `the weight ${weight} is negative`, 'use a weight of zero or more');
  }
  return single ? 100 : (weight ?? 0);
}

function checkSum(weights: readonly number[], path: string, reading: Reading): void {
  if (weights.length === 0 || weights.some((weight) => weight < 0)) return;
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (sum === 0) {
    const advice = 'give at least one of the destinations a weight; their sum need not be 100';
    reading.error('WEIR1105', path, 'all weights are zero', advice);
  } else if (sum > 4_294_967_295) {
    reading.error(
      'WEIR1105',
      path,
      'the weights sum up to more than 4294967295',
      'use smaller weights; only their proportion counts',
    );
  }
}
