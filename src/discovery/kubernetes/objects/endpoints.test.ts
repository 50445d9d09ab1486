import { describe, expect, it } from 'vitest';
import type { EndpointShard } from '../../../model/endpoint.ts';
import { convertEndpointSlice } from './endpoint-slice.ts';
import { convertEndpoints } from './endpoints.ts';
import {
  anObject,
  inTestContext,
  pathsAndCodes,
  theRow,
  theRows,
} from '../../../../test/support/kubernetes-objects.ts';

type Content = Readonly<Record<string, unknown>>;

const ofReviews = { 'kubernetes.io/service-name': 'reviews' };

function aSlice(content: Content): EndpointShard {
  const object = anObject(
    'EndpointSlice',
    { addressType: 'IPv4', ...content },
    { name: 'reviews-x', labels: ofReviews },
  );
  return theRow(convertEndpointSlice(object, inTestContext));
}

describe('convertEndpointSlice', () => {
  it('kubernetes/K75: makes a shard of the service that the label names', () => {
    const shard = aSlice({
      ports: [{ name: 'http', port: 8080, protocol: 'TCP', appProtocol: 'http' }],
      endpoints: [
        {
          addresses: ['10.0.0.1'],
          conditions: { ready: true, serving: true, terminating: false },
          hostname: 'reviews-0',
          nodeName: 'node-1',
          zone: 'zone-a',
          targetRef: { kind: 'Pod', name: 'reviews-0', namespace: 'shop', uid: 'x' },
        },
      ],
    });
    expect(shard).toEqual({
      key: 'shop/reviews.shop.svc.cluster.local test/slices/reviews-x',
      service: 'shop/reviews.shop.svc.cluster.local',
      ports: { http: 8080 },
      endpoints: [
        {
          address: '10.0.0.1',
          health: 'healthy',
          workload: 'test/shop/reviews-0',
          hostname: 'reviews-0',
          node: 'test/node-1',
          zone: 'zone-a',
        },
      ],
      declaredBy: {
        kind: 'discovery.k8s.io/EndpointSlice',
        namespace: 'shop',
        name: 'reviews-x',
        origin: { source: 'test' },
      },
    });
  });

  it('kubernetes/K75: ignores a slice without the label', () => {
    const object = anObject('EndpointSlice', { addressType: 'IPv4', endpoints: [] }, { labels: {} });
    expect(theRows(convertEndpointSlice(object, inTestContext))).toEqual([]);
  });

  it.each([
    [{}, 'healthy'],
    [{ ready: true }, 'healthy'],
    [{ ready: true, terminating: true }, 'healthy'],
    [{ ready: false }, 'unhealthy'],
    [{ ready: false, serving: false, terminating: true }, 'unhealthy'],
    [{ ready: false, serving: true, terminating: true }, 'draining'],
    [{ ready: false, terminating: true }, 'draining'],
    [{ ready: null, serving: null, terminating: null }, 'healthy'],
    [undefined, 'healthy'],
  ])('kubernetes/K76: the conditions %j mean %s', (conditions, health) => {
    const { endpoints } = aSlice({ endpoints: [{ addresses: ['10.0.0.1'], conditions }] });
    expect(endpoints[0]).toMatchObject({ health });
  });

  it('kubernetes/K77: names no workload where the address is not known to be a pod', () => {
    const { endpoints } = aSlice({
      endpoints: [{ addresses: ['10.0.0.1'], targetRef: { kind: 'Node', name: 'n' } }, { addresses: ['10.0.0.2'] }],
    });
    expect(endpoints).toEqual([
      { address: '10.0.0.1', health: 'healthy' },
      { address: '10.0.0.2', health: 'healthy' },
    ]);
  });

  it('kubernetes/K78: knows ports by name, and leaves out what has no number or is not TCP', () => {
    const ports = [
      { port: 80 },
      { name: 'any', port: null },
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'grpc', port: 90 },
    ];
    expect(aSlice({ ports }).ports).toEqual({ '': 80, grpc: 90 });
  });

  it('lists every address of an endpoint', () => {
    const { endpoints } = aSlice({ addressType: 'IPv6', endpoints: [{ addresses: ['fd00::1', 'fd00::2'] }] });
    expect(endpoints.map(({ address }) => address)).toEqual(['fd00::1', 'fd00::2']);
  });

  it.each([
    ['endpoints by name', { addressType: 'FQDN' }, ['addressType WEIR2012']],
    ['no address type', { addressType: undefined }, ['addressType WEIR1003']],
    [
      'an address of the other family',
      { endpoints: [{ addresses: ['10.0.0.1', 'fd00::1'] }] },
      ['endpoints[0].addresses[1] WEIR1011'],
    ],
    ['no addresses', { endpoints: [{ conditions: {} }] }, ['endpoints[0].addresses WEIR1005']],
    [
      'several wrong types',
      { ports: [{ port: 'http' }], endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: 'yes' }, zone: 1 }] },
      ['ports[0].port WEIR1002', 'endpoints[0].conditions.ready WEIR1002', 'endpoints[0].zone WEIR1002'],
    ],
  ])('refuses %s', (_name, content, expected) => {
    const object = anObject('EndpointSlice', { addressType: 'IPv4', ...content }, { labels: ofReviews });
    expect(pathsAndCodes(convertEndpointSlice(object, inTestContext))).toEqual(expected);
  });
});

describe('convertEndpoints', () => {
  it('makes a shard of each subset, of the service of the same name', () => {
    const object = anObject('Endpoints', {
      subsets: [
        {
          addresses: [{ ip: '10.0.0.1', nodeName: 'node-1', targetRef: { kind: 'Pod', name: 'reviews-0' } }],
          notReadyAddresses: [{ ip: '10.0.0.2', hostname: 'second' }],
          ports: [{ name: 'http', port: 8080 }],
        },
        { addresses: [{ ip: '10.0.0.3' }], ports: [{ name: 'http', port: 9090 }] },
      ],
    });
    expect(theRows(convertEndpoints(object, inTestContext))).toMatchObject([
      {
        key: 'shop/reviews.shop.svc.cluster.local test/endpoints/reviews/0',
        service: 'shop/reviews.shop.svc.cluster.local',
        ports: { http: 8080 },
        endpoints: [
          { address: '10.0.0.1', health: 'healthy', node: 'test/node-1', workload: 'test/shop/reviews-0' },
          { address: '10.0.0.2', health: 'unhealthy', hostname: 'second' },
        ],
      },
      {
        key: 'shop/reviews.shop.svc.cluster.local test/endpoints/reviews/1',
        ports: { http: 9090 },
        endpoints: [{ address: '10.0.0.3', health: 'healthy' }],
      },
    ]);
  });

  it('refuses what is no address', () => {
    const object = anObject('Endpoints', { subsets: [{ addresses: [{ ip: 'localhost' }, {}] }] });
    expect(pathsAndCodes(convertEndpoints(object, inTestContext))).toEqual([
      'subsets[0].addresses[0].ip WEIR1011',
      'subsets[0].addresses[1].ip WEIR1005',
    ]);
  });
});
