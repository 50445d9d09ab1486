import { describe, expect, it } from 'vitest';
import { SubscriptionRig } from '../../test/support/subscription-rig.ts';
import { warmingRules } from './order.ts';
import { resourceTypeByName, resourceTypeByUrl, resourceTypes } from './resource-types.ts';

it('is the table of the protocol (xds-protocol/X107)', () => {
  const table = resourceTypes.map(({ name, typeUrl, rank, fullState, wildcardWhenEmpty, removalIsSent }) => [
    rank,
    name,
    typeUrl.replace('type.googleapis.com/', ''),
    fullState ? 'full set' : 'may be partial',
    wildcardWhenEmpty ? 'wildcard' : 'nothing',
    removalIsSent ? 'removal sent' : 'only "does not exist"',
    warmingRules.filter(({ child }) => child === name).map(({ parent }) => parent),
  ]);
  const whole = ['full set', 'wildcard', 'removal sent'];
  const named = ['may be partial', 'nothing', 'only "does not exist"'];
  expect(table).toEqual([
    [1, 'cluster', 'envoy.config.cluster.v3.Cluster', ...whole, []],
    [2, 'endpoints', 'envoy.config.endpoint.v3.ClusterLoadAssignment', ...named, ['cluster']],
    [2.5, 'secret', 'envoy.extensions.transport_sockets.tls.v3.Secret', ...named, ['cluster', 'listener']],
    [3, 'listener', 'envoy.config.listener.v3.Listener', ...whole, []],
    [3.5, 'extension', 'envoy.config.core.v3.TypedExtensionConfig', ...named, []],
    [4, 'routes', 'envoy.config.route.v3.RouteConfiguration', ...named, ['listener']],
    [5, 'virtualHosts', 'envoy.config.route.v3.VirtualHost', 'may be partial', 'wildcard', 'removal sent', ['routes']],
    [6, 'runtime', 'envoy.service.runtime.v3.Runtime', ...named, []],
  ]);
});

it('sends additions in the order clusters, endpoints, secrets, listeners, routes, virtual hosts (xds-protocol/X121)', () => {
  const ranks = resourceTypes.map(({ rank }) => rank);
  expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
  expect(new Set(ranks).size).toBe(ranks.length);
});

describe('deltas of every type', () => {
  it.each(resourceTypes)(
    'tell of a deletion where the table says so (xds-protocol/X78, xds-protocol/X127): $name',
    (type) => {
      const rig = new SubscriptionRig(type.name, 'delta');
      rig.change({ a: '1' });
      rig.delta({ subscribe: ['a'] });
      rig.exchange();
      rig.change({ a: undefined });
      expect(rig.exchange().flatMap(({ removed }) => removed)).toEqual(type.removalIsSent ? ['a'] : []);
      rig.change({ a: '2' });
      expect(rig.exchange()).toMatchObject([{ resources: ['a@2'] }]);
    },
  );

  it.each(resourceTypes)(
    'tell that an asked name does not exist (xds-protocol/X78, xds-protocol/X32): $name',
    (type) => {
      const rig = new SubscriptionRig(type.name, 'delta');
      rig.delta({ subscribe: ['a'], held: { b: '1' } });
      const answer =
        type.absence === undefined ? { resources: [], removed: ['a', 'b'] } : { resources: ['a@'], removed: ['b'] };
      expect(rig.exchange()).toMatchObject([answer]);
    },
  );

  const named = resourceTypes.filter(({ wildcardWhenEmpty }) => !wildcardWhenEmpty);
  it.each(named)('take an empty first request for nothing (xds-protocol/X40, xds-protocol/X105): $name', ({ name }) => {
    const rig = new SubscriptionRig(name, 'delta');
    rig.change({ a: '1' });
    rig.delta({});
    expect(rig.flush()).toBeUndefined();
    rig.delta({ subscribe: ['a'] });
    expect(rig.flush()?.resources).toEqual(['a@1']);
  });

  it.each(named)('and full states, too (xds-protocol/X40, xds-protocol/X105): $name', ({ name }) => {
    const rig = new SubscriptionRig(name, 'sotw');
    rig.change({ a: '1' });
    rig.sotw([]);
    expect(rig.flush()).toBeUndefined();
    rig.sotw(['a']);
    expect(rig.flush()?.resources).toEqual(['a@1']);
  });
});

it.each(['delta', 'sotw'] as const)(
  'a layer of runtime values is one resource by its name (xds-protocol/X80): %s',
  (wire) => {
    const rig = new SubscriptionRig('runtime', wire);
    rig.change({ mine: '1', foreign: '1' });
    if (wire === 'delta') rig.delta({});
    else rig.sotw([]);
    expect(rig.flush()).toBeUndefined();
    if (wire === 'delta') rig.delta({ subscribe: ['mine'] });
    else rig.sotw(['mine']);
    expect(rig.exchange(['mine'])).toMatchObject([{ resources: ['mine@1'] }]);
    rig.change({ foreign: '2' });
    expect(rig.flush()).toBeUndefined();
  },
);

it('finds types by their names and knows no others', () => {
  for (const type of resourceTypes) {
    expect(resourceTypeByUrl(type.typeUrl)).toBe(type);
    expect(resourceTypeByName(type.name)).toBe(type);
  }
  expect(resourceTypeByUrl('type.googleapis.com/envoy.config.core.v3.Address')).toBeUndefined();
});
