import { expect, it } from 'vitest';
import { resourceTypeByName, resourceTypeByUrl, resourceTypes } from './resource-types.ts';

it('xds-protocol/X107 the table of types', () => {
  const table = resourceTypes.map(({ name, typeUrl, fullState, wildcardWhenEmpty, removalIsSent }) => [
    name,
    typeUrl.replace('type.googleapis.com/', ''),
    fullState,
    wildcardWhenEmpty,
    removalIsSent,
  ]);
  expect(table).toEqual([
    ['cluster', 'envoy.config.cluster.v3.Cluster', true, true, true],
    ['endpoints', 'envoy.config.endpoint.v3.ClusterLoadAssignment', false, false, false],
    ['secret', 'envoy.extensions.transport_sockets.tls.v3.Secret', false, false, false],
    ['listener', 'envoy.config.listener.v3.Listener', true, true, true],
    ['routes', 'envoy.config.route.v3.RouteConfiguration', false, false, false],
  ]);
});

it('xds-protocol/X121 additions go out in the order clusters, endpoints, secrets, listeners, routes', () => {
  const ranks = resourceTypes.map(({ rank }) => rank);
  expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
  expect(new Set(ranks).size).toBe(ranks.length);
});

it('finds types by their names and knows no others', () => {
  for (const type of resourceTypes) {
    expect(resourceTypeByUrl(type.typeUrl)).toBe(type);
    expect(resourceTypeByName(type.name)).toBe(type);
  }
  expect(resourceTypeByUrl('type.googleapis.com/envoy.config.core.v3.Address')).toBeUndefined();
});
