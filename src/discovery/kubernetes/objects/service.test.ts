import { describe, expect, it } from 'vitest';
import type { Service } from '../../../model/service.ts';
import { anObject, inTestContext, pathsAndCodes, theRow } from '../../../../test/support/kubernetes-objects.ts';
import { convertService } from './service.ts';

type Spec = Readonly<Record<string, unknown>>;

function aService(spec: Spec, annotations: Readonly<Record<string, string>> = {}): Service {
  return theRow(convertService(anObject('Service', { spec }, { annotations }), inTestContext));
}

function violationsOf(spec: unknown): readonly string[] {
  return pathsAndCodes(convertService(anObject('Service', { spec }), inTestContext));
}

describe('convertService', () => {
  it.each([
    ['PreferClose', 'prefer-same-zone'],
    ['PreferSameZone', 'prefer-same-zone'],
    ['PreferSameNode', 'prefer-same-node'],
    ['PreferSomething', undefined],
  ])('takes the traffic distribution %s for %s (kubernetes/K81)', (trafficDistribution, expected) => {
    expect(aService({ trafficDistribution }).trafficDistribution).toBe(expected);
  });

  it.each([
    ['ClientIP', 'client-ip'],
    ['None', undefined],
  ])('takes the session affinity %s for %s (kubernetes/K79)', (sessionAffinity, expected) => {
    expect(aService({ sessionAffinity }).sessionAffinity).toBe(expected);
  });

  it.each([
    [{ internalTrafficPolicy: 'Local' }, true],
    [{ internalTrafficPolicy: 'Cluster' }, undefined],
    [{ internalTrafficPolicy: 'Local', clusterIP: 'None' }, undefined],
    [{ internalTrafficPolicy: 'Local', type: 'ExternalName', externalName: 'a.example' }, undefined],
  ])('%j keeps clients on their node: %s (kubernetes/K79)', (spec, expected) => {
    expect(aService(spec).staysOnNode).toBe(expected);
  });

  it('makes a row of an ordinary service', () => {
    const service = aService({
      type: 'ClusterIP',
      clusterIP: '10.96.0.1',
      clusterIPs: ['10.96.0.1', 'fd00::1'],
      selector: { app: 'reviews' },
      ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP', nodePort: 30080 }],
      sessionAffinity: 'None',
    });
    expect(service).toEqual({
      key: 'shop/reviews.shop.svc.cluster.local',
      hostname: 'reviews.shop.svc.cluster.local',
      namespace: 'shop',
      name: 'reviews',
      registry: 'kubernetes',
      ports: [{ name: 'http', number: 80, protocol: 'http', targetPort: 8080 }],
      addresses: ['10.96.0.1', 'fd00::1'],
      headless: false,
      resolution: 'endpoints',
      meshExternal: false,
      exportTo: undefined,
      labels: { app: 'reviews' },
      selector: { app: 'reviews' },
      publishNotReady: false,
      createdAt: 0,
      declaredBy: { kind: 'Service', namespace: 'shop', name: 'reviews', origin: { source: 'test' } },
    });
  });

  it.each<[string, Spec, Partial<Service>]>([
    ['headless', { clusterIP: 'None' }, { headless: true, addresses: [] }],
    ['headless by clusterIPs', { clusterIPs: ['None'] }, { headless: true, addresses: [] }],
    ['without an assigned address', { ports: [] }, { headless: false, addresses: [] }],
    ['with an address in one field only', { clusterIP: '10.0.0.1' }, { addresses: ['10.0.0.1'] }],
    ['without selector', {}, { selector: undefined }],
    ['with an empty selector', { selector: {} }, { selector: undefined }],
    ['that publishes what is not ready', { publishNotReadyAddresses: true }, { publishNotReady: true }],
    ['with null for absent fields', { clusterIP: null, ports: null, selector: null }, { ports: [], addresses: [] }],
  ])('kubernetes/K79: reads a service %s', (_name, spec, expected) => {
    expect(aService(spec)).toMatchObject(expected);
  });

  it.each(['NodePort', 'LoadBalancer'])('kubernetes/K79: a %s is an ordinary service inside the mesh', (type) => {
    const spec = { clusterIP: '10.0.0.1', ports: [{ port: 80, nodePort: 30080 }] };
    expect(aService({ ...spec, type, loadBalancerIP: '1.2.3.4' })).toEqual(aService({ ...spec, type: 'ClusterIP' }));
  });

  it('kubernetes/K79: an ExternalName is an alias without endpoints of its own', () => {
    const service = aService({
      type: 'ExternalName',
      externalName: 'DB.Example.com.',
      clusterIP: '',
      selector: { app: 'ignored' },
      ports: [{ port: 5432 }],
    });
    expect(service).toMatchObject({
      resolution: 'external-name',
      externalName: 'db.example.com',
      meshExternal: true,
      addresses: [],
      headless: false,
    });
    expect(service.selector).toBeUndefined();
  });

  it.each([
    [{ name: 'web', port: 8080, appProtocol: 'http' }, 'http'],
    [{ name: 'http', port: 8080, appProtocol: 'kubernetes.io/h2c' }, 'http2'],
    [{ name: 'http', port: 8080, appProtocol: 'kubernetes.io/ws' }, 'http'],
    [{ name: 'http', port: 8080, appProtocol: 'kubernetes.io/wss' }, 'https'],
    [{ name: 'grpc-api', port: 8080 }, 'grpc'],
    [{ name: 'grpc-web-api', port: 8080 }, 'grpc-web'],
    [{ name: 'tcp-raw', port: 8080 }, 'tcp'],
    [{ name: 'mongo', port: 8080 }, 'mongo'],
    [{ name: 'redis-cache', port: 8080 }, 'redis'],
    [{ name: 'tls', port: 8080 }, 'tls'],
  ])('policy/P301: %j speaks %s', (port, protocol) => {
    expect(aService({ ports: [port] }).ports[0]).toMatchObject({ protocol });
  });

  it.each([
    [25, 'tcp'],
    [53, 'tcp'],
    [3306, 'tcp'],
    [27017, 'tcp'],
    [8080, 'auto'],
  ])('policy/P302: an undeclared port %i is %s', (port, protocol) => {
    expect(aService({ ports: [{ name: 'web', port }] }).ports[0]).toMatchObject({ protocol });
  });

  it('policy/P301, kubernetes/K78: UDP and SCTP ports are left out', () => {
    const ports = [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
      { name: 'sctp', port: 9, protocol: 'SCTP' },
      { name: 'udp-by-name', port: 10 },
    ];
    expect(aService({ ports }).ports.map(({ name }) => name)).toEqual(['dns-tcp']);
  });

  it.each([
    [{ port: 80 }, 80],
    [{ port: 80, targetPort: 8080 }, 8080],
    [{ port: 80, targetPort: 'web' }, 'web'],
    [{ port: 80, targetPort: '8080' }, 8080],
    [{ port: 80, targetPort: 0 }, 80],
    [{ port: 80, targetPort: null }, 80],
  ])('kubernetes/K78: the target of %j is %s', (port, targetPort) => {
    expect(aService({ ports: [port] }).ports[0]).toMatchObject({ targetPort });
  });

  it.each([
    ['*', ['*']],
    ['.', ['.']],
    ['a, b ,,c', ['a', 'b', 'c']],
    [' ', undefined],
  ])('policy/G3: the annotation exportTo %j names %j', (annotation, exportTo) => {
    expect(aService({}, { 'networking.istio.io/exportTo': annotation }).exportTo).toEqual(exportTo);
  });
});

describe('what is wrong with a service', () => {
  it('is said all at once', () => {
    const spec = {
      type: 'ClusterIp',
      clusterIP: 'nowhere',
      selector: { version: 1 },
      publishNotReadyAddresses: 'yes',
      ports: [
        { name: 7, port: '80' },
        { port: 70_000, targetPort: true },
      ],
    };
    expect(violationsOf(spec).toSorted()).toEqual(
      [
        'spec.type WEIR1003',
        'spec.clusterIP WEIR1011',
        'spec.selector.version WEIR1002',
        'spec.publishNotReadyAddresses WEIR1002',
        'spec.ports[0].name WEIR1002',
        'spec.ports[0].port WEIR1002',
        'spec.ports[1].port WEIR1004',
        'spec.ports[1].targetPort WEIR1002',
      ].toSorted(),
    );
  });

  it.each([
    ['spec is no mapping', 'nothing', ['spec WEIR1002']],
    ['ports are no list', { ports: { port: 80 } }, ['spec.ports WEIR1002']],
    ['a port has no number', { ports: [{ name: 'http' }] }, ['spec.ports[0].port WEIR1005']],
    [
      'one of several ports has no name',
      { ports: [{ name: 'a', port: 1 }, { port: 2 }] },
      ['spec.ports[1].name WEIR1005'],
    ],
    [
      'two ports have one name',
      {
        ports: [
          { name: 'a', port: 1 },
          { name: 'a', port: 2 },
        ],
      },
      ['spec.ports[1].name WEIR1305'],
    ],
    [
      'two ports have one number',
      {
        ports: [
          { name: 'a', port: 1 },
          { name: 'b', port: 1 },
        ],
      },
      ['spec.ports[1].port WEIR1305'],
    ],
    ['an alias names no host', { type: 'ExternalName' }, ['spec.externalName WEIR1005']],
    ['an alias names no DNS name', { type: 'ExternalName', externalName: 'a b' }, ['spec.externalName WEIR1010']],
  ])('includes that %s', (_name, spec, expected) => {
    expect(violationsOf(spec)).toEqual(expected);
  });

  it('leaves one number on two transports alone', () => {
    const ports = [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    ];
    expect(violationsOf({ ports })).toEqual([]);
  });
});
