import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../../model/endpoint.ts';
import type { LocalityPreference } from '../../model/traffic-policy.ts';
import { unknownLocality, type Locality } from '../../model/workload.ts';
import { decode } from '../proto.ts';
import { encodeLoadAssignment } from './load-assignment-encoder.ts';
import { localityGroups, type Place } from './locality-groups.ts';
import { comparedLabels } from './locality-priority.ts';
import { addUnlisted, MemberGroups, type MemberSelection } from './member-groups.ts';

function aLocality(text: string): Locality {
  const [region = '', zone = '', subZone = ''] = text.split('/');
  return { region, zone, subZone };
}

function anEndpoint(address: string, locality = '', options: Partial<Endpoint> = {}): Endpoint {
  return {
    address,
    ports: { http: 8080 },
    health: 'healthy',
    weight: 1,
    labels: {},
    locality: locality === '' ? unknownLocality : aLocality(locality),
    serviceAccount: '',
    workloadName: '',
    namespace: 'shop',
    ...options,
  };
}

function aPreference(preference: Partial<LocalityPreference>): LocalityPreference {
  return { enabled: true, distribute: [], failover: [], failoverPriority: [], ...preference };
}

function aClient(locality: string, labels: Readonly<Record<string, string>> = {}): Place {
  return { locality: aLocality(locality), labels };
}

const everything = { portName: 'http', labels: {} };

interface Group {
  readonly locality: Locality;
  readonly priority: number;
  readonly weight: number | undefined;
  readonly members: readonly { readonly address: string; readonly port: number; readonly weight: number }[];
}

/** The groups of an assignment as a client reads them. */
function groupsOf(
  endpoints: readonly Endpoint[],
  selection: MemberSelection,
  preference?: LocalityPreference,
  client?: Place,
): readonly Group[] {
  const compared = preference === undefined ? [] : comparedLabels(preference);
  const collected = new MemberGroups();
  addUnlisted(collected, endpoints, { ...selection, compared, node: undefined }, () => false);
  const groups = localityGroups(collected.packed(), preference, client);
  const bytes = encodeLoadAssignment('a', groups);
  const { endpoints: decoded = [] } = decode('envoy.config.endpoint.v3.ClusterLoadAssignment', bytes);
  return decoded.map(({ locality, priority = 0, loadBalancingWeight, lbEndpoints = [] }) => ({
    locality: aLocality([locality?.region, locality?.zone, locality?.subZone].join('/')),
    priority,
    weight: loadBalancingWeight?.value,
    members: lbEndpoints.map(({ endpoint, loadBalancingWeight: weight }) => ({
      address: endpoint?.address?.socketAddress?.address ?? '',
      port: endpoint?.address?.socketAddress?.portValue ?? 0,
      weight: weight?.value ?? 1,
    })),
  }));
}

/** `region/zone/sub-zone priority weight: addresses`. */
function textOf(groups: readonly Group[]): readonly string[] {
  return groups.map(({ locality: { region, zone, subZone }, priority, weight, members }) => {
    const place = [region, zone, subZone].join('/');
    return `${place} p${priority}${weight === undefined ? '' : ` w${weight}`}: ${members.map(({ address }) => address).join(' ')}`;
  });
}

const spread = [
  anEndpoint('1.1.1.1', 'eu/a/1'),
  anEndpoint('1.1.1.2', 'eu/a/2'),
  anEndpoint('1.1.1.3', 'eu/b/1'),
  anEndpoint('1.1.1.4', 'us/a/1'),
  anEndpoint('1.1.1.5', 'ap/a/1'),
];

describe('which endpoints belong to a cluster', () => {
  it('policy/D1 those that carry the labels of its subset and have its port', () => {
    const endpoints = [
      anEndpoint('1.1.1.1', '', { labels: { version: 'v1', app: 'x' } }),
      anEndpoint('1.1.1.2', '', { labels: { version: 'v2' } }),
      anEndpoint('1.1.1.3', '', { labels: { version: 'v1' }, ports: { grpc: 9090 } }),
    ];
    const groups = groupsOf(endpoints, { portName: 'http', labels: { version: 'v1' } });
    expect(textOf(groups)).toEqual(['// p0: 1.1.1.1']);
    expect(groups[0]?.members[0]?.port).toBe(8080);
  });

  it('hot-path/H304 come in the order of locality, address and port, each once', () => {
    const endpoints = [
      anEndpoint('1.1.1.1', 'eu/b', { ports: { http: 9090 } }),
      anEndpoint('1.1.1.1', 'eu/b', { ports: { http: 8080, x: 1 } }),
      anEndpoint('1.1.1.1', 'eu/b', { ports: { http: 8080, x: 2 } }),
      anEndpoint('1.1.1.2', 'eu/a'),
    ];
    const groups = groupsOf(endpoints, everything);
    expect(textOf(groups)).toEqual(['eu/a/ p0: 1.1.1.2', 'eu/b/ p0: 1.1.1.1 1.1.1.1']);
    expect(groups[1]?.members.map(({ port }) => port)).toEqual([8080, 9090]);
  });

  it('hot-path/H305 weights fit into 32 bits together and stay at least 1', () => {
    const heavy = [4_294_967_295, 4_294_967_295, 1].map((weight, index) =>
      anEndpoint(`1.1.1.${index}`, '', { weight }),
    );
    const [group] = groupsOf(heavy, everything);
    const weights = group?.members.map(({ weight }) => weight) ?? [];
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeLessThanOrEqual(4_294_967_295);
    expect(Math.min(...weights)).toBe(1);
    expect(weights[0]).toBe(weights[1]);
  });

  it('hot-path/H305 weights of localities fit into 32 bits together', () => {
    const heavy = ['eu/a', 'eu/b', 'us/a'].map((place, index) => anEndpoint(`1.1.1.${index}`, place, { weight: 4e9 }));
    const preference = aPreference({ distribute: [{ from: 'ap', to: { ap: 100 } }] });
    const weights = groupsOf(heavy, everything, preference, aClient('eu/a')).map(({ weight }) => weight ?? 0);
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeLessThanOrEqual(4_294_967_295);
    expect(new Set(weights).size).toBe(1);
  });

  it('without a preference the place of the client does not matter', () => {
    expect(textOf(groupsOf(spread, everything, undefined, aClient('eu/a/1')))).toEqual(
      textOf(groupsOf(spread, everything, undefined, aClient('us/a/1'))),
    );
  });
});

describe('which endpoints are tried first', () => {
  it('policy/D6 same sub-zone, then zone, then region, then the rest', () => {
    expect(textOf(groupsOf(spread, everything, aPreference({}), aClient('eu/a/1')))).toEqual([
      'eu/a/1 p0: 1.1.1.1',
      'eu/a/2 p1: 1.1.1.2',
      'eu/b/1 p2: 1.1.1.3',
      'ap/a/1 p3: 1.1.1.5',
      'us/a/1 p3: 1.1.1.4',
    ]);
  });

  it('policy/D6 priorities have no gaps', () => {
    expect(textOf(groupsOf(spread, everything, aPreference({}), aClient('us/b/1')))).toEqual([
      'us/a/1 p0: 1.1.1.4',
      'ap/a/1 p1: 1.1.1.5',
      'eu/a/1 p1: 1.1.1.1',
      'eu/a/2 p1: 1.1.1.2',
      'eu/b/1 p1: 1.1.1.3',
    ]);
  });

  it('policy/D7 of other regions the one to fail over to comes first', () => {
    const preference = aPreference({ failover: [{ from: 'eu', to: 'us' }] });
    const others = textOf(groupsOf(spread, everything, preference, aClient('eu/a/1'))).slice(3);
    expect(others).toEqual(['us/a/1 p3: 1.1.1.4', 'ap/a/1 p4: 1.1.1.5']);
  });

  it('policy/D7 endpoints that share more of the leading labels come first', () => {
    const preference = aPreference({ failoverPriority: ['network', 'version'] });
    const endpoints = [
      anEndpoint('1.1.1.1', '', { labels: { network: 'n1', version: 'v1' } }),
      anEndpoint('1.1.1.2', '', { labels: { network: 'n1', version: 'v2' } }),
      anEndpoint('1.1.1.3', '', { labels: { network: 'n2', version: 'v1' } }),
    ];
    const groups = groupsOf(endpoints, everything, preference, aClient('', { network: 'n1', version: 'v1' }));
    expect(textOf(groups)).toEqual(['// p0: 1.1.1.1', '// p1: 1.1.1.2', '// p2: 1.1.1.3']);
  });

  it('policy/D7 a label with a value means that value, and topology labels come from the locality', () => {
    const preference = aPreference({ failoverPriority: ['topology.kubernetes.io/region', 'tier=gold'] });
    const endpoints = [
      anEndpoint('1.1.1.1', 'eu/a', { labels: { tier: 'tin' } }),
      anEndpoint('1.1.1.2', 'eu/b', { labels: { tier: 'gold' } }),
      anEndpoint('1.1.1.3', 'us/a', { labels: { tier: 'gold' } }),
    ];
    expect(textOf(groupsOf(endpoints, everything, preference, aClient('eu/a')))).toEqual([
      'eu/b/ p0: 1.1.1.2',
      'eu/a/ p1: 1.1.1.1',
      'us/a/ p2: 1.1.1.3',
    ]);
  });
});

describe('policy/D8 shares of traffic', () => {
  const distribute = [
    { from: 'us/*', to: { 'us/*': 100 } },
    { from: 'eu/a/*', to: { 'eu/a/*': 70, 'eu/*': 20, 'us/*': 10 } },
  ];

  it('go by the entry for the client, the most specific target first; the others are left out', () => {
    expect(textOf(groupsOf(spread, everything, aPreference({ distribute }), aClient('eu/a/9')))).toEqual([
      'eu/a/1 p0 w35: 1.1.1.1',
      'eu/a/2 p0 w35: 1.1.1.2',
      'eu/b/1 p0 w20: 1.1.1.3',
      'us/a/1 p0 w10: 1.1.1.4',
    ]);
  });

  it('are split by the weight of the endpoints in localities that share one', () => {
    const endpoints = [anEndpoint('1.1.1.1', 'us/a', { weight: 3 }), anEndpoint('1.1.1.2', 'us/b')];
    expect(textOf(groupsOf(endpoints, everything, aPreference({ distribute }), aClient('us/a')))).toEqual([
      'us/a/ p0 w75: 1.1.1.1',
      'us/b/ p0 w25: 1.1.1.2',
    ]);
  });

  it('do not matter to a client that no entry is for, whose localities weigh what their endpoints do', () => {
    expect(textOf(groupsOf(spread, everything, aPreference({ distribute }), aClient('ap/a')))).toEqual(
      spread
        .toSorted((a, b) =>
          a.locality.region < b.locality.region ? -1 : a.locality.region > b.locality.region ? 1 : 0,
        )
        .map(({ address, locality: { region, zone, subZone } }) => `${region}/${zone}/${subZone} p0 w1: ${address}`),
    );
  });
});

it('hot-path/H305 priorities never have a gap and no endpoint is lost or doubled, whatever the preference', () => {
  const place = fc.constantFrom('', 'eu/a/1', 'eu/a/2', 'eu/b/1', 'us/a/1', 'ap/z/9');
  const labels = fc.record({ network: fc.constantFrom('n1', 'n2') });
  const endpoints = fc
    .array(fc.record({ place, labels, number: fc.nat(250) }), { maxLength: 30 })
    .map((list) =>
      [...new Map(list.map((each) => [each.number, each])).values()].toSorted((a, b) => a.number - b.number),
    );
  const preference = fc.record({
    enabled: fc.constant(true),
    distribute: fc.constant([]),
    failover: fc.subarray([{ from: 'eu', to: 'us' }]),
    failoverPriority: fc.subarray(['network', 'topology.kubernetes.io/region']),
  });
  fc.assert(
    fc.property(endpoints, preference, place, labels, (list, preferred, where, own) => {
      const all = list.map((each) => anEndpoint(`10.0.0.${each.number}`, each.place, { labels: each.labels }));
      const groups = groupsOf(all, everything, preferred, aClient(where, own));
      const priorities = [...new Set(groups.map(({ priority }) => priority))];
      expect(priorities).toEqual(priorities.map((_, index) => index));
      const addresses = groups.flatMap(({ members }) => members.map(({ address }) => address));
      expect(addresses.toSorted()).toEqual(all.map(({ address }) => address).toSorted());
    }),
  );
});
