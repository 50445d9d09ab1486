import { describe, expect, it } from 'vitest';
import { anIstioObject, problemsOf, valueOf } from '../../../../test/support/istio-objects.ts';
import { decodeServiceEntry } from './decode.ts';

const ports = [{ number: 80, name: 'http', protocol: 'HTTP' }];
const endpoints = [{ address: '10.0.0.1' }];
const entry = { hosts: ['a.com'], ports, resolution: 'STATIC', endpoints };

function problems(changes: object): readonly string[] {
  return problemsOf('ServiceEntry', { ...entry, ...changes });
}

describe('services', () => {
  it('are one per host (policy/E1)', () => {
    const object = anIstioObject(
      'ServiceEntry',
      { ...entry, hosts: ['A.com', 'b.com'], addresses: ['10.9.0.1'], exportTo: ['.'] },
      { labels: { l: '1' }, createdAt: 9 },
    );
    expect(decodeServiceEntry(object)).toMatchObject({
      value: {
        services: [
          {
            key: 'shop/a.com',
            hostname: 'a.com',
            namespace: 'shop',
            name: 'x',
            registry: 'service-entry',
            ports: [{ name: 'http', number: 80, protocol: 'http', targetPort: 80 }],
            addresses: ['10.9.0.1'],
            headless: false,
            resolution: 'endpoints',
            meshExternal: true,
            exportTo: ['.'],
            labels: { l: '1' },
            selector: undefined,
            createdAt: 9,
            declaredBy: { kind: 'networking.istio.io/ServiceEntry', name: 'x' },
          },
          { key: 'shop/b.com' },
        ],
      },
    });
  });

  it.each([
    ['HTTP', 80, 'http'],
    ['http2', 80, 'http2'],
    ['GRPC', 80, 'grpc'],
    ['GRPC-Web', 80, 'grpc-web'],
    ['HTTPS', 443, 'https'],
    ['TLS', 443, 'tls'],
    ['TCP', 80, 'tcp'],
    ['MONGO', 80, 'mongo'],
    [undefined, 80, 'auto'],
    [undefined, 3306, 'tcp'],
  ])('speak %s on port %d as %s (policy/E1)', (protocol, number, expected) => {
    const spec = { ...entry, ports: [{ number, name: 'p', protocol, targetPort: 8080 }] };
    expect(valueOf('ServiceEntry', spec).services[0]?.ports).toEqual([
      { name: 'p', number, protocol: expected, targetPort: 8080 },
    ]);
  });

  it.each([
    ['STATIC', 'endpoints'],
    ['DNS', 'dns'],
    ['DNS_ROUND_ROBIN', 'dns-round-robin'],
    ['NONE', 'none'],
    [undefined, 'none'],
  ])('with resolution %s are found by %s (policy/E2)', (resolution, expected) => {
    const spec = { hosts: ['a.com'], ports, resolution };
    expect(valueOf('ServiceEntry', spec).services[0]?.resolution).toBe(expected);
  });

  it('with resolution DYNAMIC_DNS are not in force (policy/E2)', () => {
    const spec = { hosts: ['*.a.com'], ports, resolution: 'DYNAMIC_DNS' };
    expect(valueOf('ServiceEntry', spec).services).toEqual([]);
    expect(problemsOf('ServiceEntry', spec)).toEqual(['warning WEIR1009 spec.resolution']);
  });

  it('are inside the mesh where that is said (policy/E5)', () => {
    expect(valueOf('ServiceEntry', { ...entry, location: 'MESH_INTERNAL' }).services[0]?.meshExternal).toBe(false);
  });

  it('select workloads (policy/E6)', () => {
    const spec = { hosts: ['a.com'], ports, resolution: 'STATIC', workloadSelector: { labels: { app: 'x' } } };
    expect(valueOf('ServiceEntry', spec)).toMatchObject({ services: [{ selector: { app: 'x' } }], endpoints: [] });
    expect(problemsOf('ServiceEntry', spec)).toEqual([]);
  });

  it('keep names without a dot, to which rules cannot refer (policy/G1)', () => {
    expect(valueOf('ServiceEntry', { ...entry, hosts: ['db'] }).services[0]?.hostname).toBe('db');
    expect(problems({ hosts: ['db'] })).toEqual(['warning WEIR1010 spec.hosts[0]']);
  });
});

describe('endpoints', () => {
  it('have a port for each of the services, a locality and a weight (policy/E6, policy/E7)', () => {
    const spec = {
      ...entry,
      ports: [...ports, { number: 81, name: 'other', protocol: 'HTTP', targetPort: 8081 }],
      endpoints: [
        {
          address: '10.0.0.1',
          ports: { http: 8080 },
          labels: { v: '1' },
          locality: 'r/z/s/t',
          weight: 3,
          serviceAccount: 'sa',
        },
        { address: 'fd00::1', weight: 0, labels: { 'istio-locality': 'a.b' } },
      ],
    };
    expect(valueOf('ServiceEntry', spec).endpoints).toEqual([
      {
        address: '10.0.0.1',
        ports: { http: 8080, other: 8081 },
        health: 'healthy',
        weight: 3,
        labels: { v: '1' },
        locality: { region: 'r', zone: 'z', subZone: 's/t' },
        serviceAccount: 'sa',
        workloadName: '',
        namespace: 'shop',
      },
      expect.objectContaining({
        address: 'fd00::1',
        ports: { http: 80, other: 8081 },
        weight: 1,
        locality: { region: 'a', zone: 'b', subZone: '' },
      }),
    ]);
  });

  it('are names with resolution DNS (policy/E2)', () => {
    const spec = { ...entry, resolution: 'DNS', endpoints: [{ address: 'B.com' }, { address: '10.0.0.1' }] };
    expect(valueOf('ServiceEntry', spec).endpoints.map(({ address }) => address)).toEqual(['b.com', '10.0.0.1']);
  });

  it('are sockets with resolution STATIC (policy/E7)', () => {
    const spec = { ...entry, endpoints: [{ address: 'unix:///run/a.sock' }, { address: 'unix://@abstract' }] };
    expect(valueOf('ServiceEntry', spec).endpoints).toHaveLength(2);
  });
});

describe('what a ServiceEntry cannot be', () => {
  it.each([
    ['without hosts (policy/E1)', { hosts: [] }, 'error WEIR1005 spec.hosts'],
    ['for everything (policy/E1)', { hosts: ['*'] }, 'error WEIR1010 spec.hosts[0]'],
    ['for an address (policy/E1)', { hosts: ['10.0.0.1'] }, 'error WEIR1010 spec.hosts[0]'],
    ['for one host twice', { hosts: ['a.com', 'A.com'] }, 'warning WEIR1102 spec.hosts[1]'],
    [
      'for a wildcard to resolve (policy/E2)',
      { hosts: ['*.a.com'], resolution: 'DNS', endpoints: [] },
      'error WEIR1301 spec.hosts[0]',
    ],
    ['for a wildcard with endpoints, quietly (policy/E2)', { hosts: ['*.a.com'] }, 'warning WEIR1301 spec.hosts[0]'],
    [
      'a block of addresses to resolve (policy/E3)',
      { resolution: 'DNS', addresses: ['10.0.0.0/8'] },
      'error WEIR1302 spec.addresses[0]',
    ],
    ['at a broken address (policy/E3)', { addresses: ['10.0.0'] }, 'error WEIR1011 spec.addresses[0]'],
    [
      'on TCP everywhere (policy/P414)',
      { ports: [{ number: 9000, name: 't', protocol: 'TCP' }] },
      'warning IST0134 spec.ports[0]',
    ],
    ['listing and selecting (policy/E6)', { workloadSelector: { labels: { a: 'b' } } }, 'error WEIR1006 spec'],
    [
      'selecting nothing (policy/E6)',
      { endpoints: undefined, workloadSelector: {} },
      'warning WEIR1021 spec.workloadSelector',
    ],
    [
      'selecting in vain (policy/E6)',
      { resolution: 'NONE', endpoints: undefined, workloadSelector: { labels: { a: 'b' } } },
      'warning WEIR1021 spec.workloadSelector',
    ],
    ['static without endpoints (policy/E6)', { endpoints: [] }, 'warning WEIR1304 spec'],
    ['with endpoints for nobody (policy/E2)', { resolution: 'NONE' }, 'error WEIR1303 spec.endpoints'],
    [
      'in turn among several (policy/E2)',
      { resolution: 'DNS_ROUND_ROBIN', endpoints: [...endpoints, ...endpoints] },
      'error WEIR1303 spec.endpoints',
    ],
    ['static by name (policy/E2)', { endpoints: [{ address: 'b.com' }] }, 'error WEIR1303 spec.endpoints[0].address'],
    [
      'a socket to resolve (policy/E7)',
      { resolution: 'DNS', endpoints: [{ address: 'unix:///a' }] },
      'error WEIR1303 spec.endpoints[0].address',
    ],
    [
      'a socket with ports (policy/E7)',
      { endpoints: [{ address: 'unix:///a', ports: { http: 1 } }] },
      'error WEIR1006 spec.endpoints[0].ports',
    ],
    [
      'a directory for a socket (policy/E7)',
      { endpoints: [{ address: 'unix:///a/' }] },
      'error WEIR1011 spec.endpoints[0].address',
    ],
    [
      'a socket too long for the kernel (policy/E7)',
      { endpoints: [{ address: `unix:///${'a'.repeat(107)}` }] },
      'error WEIR1011 spec.endpoints[0].address',
    ],
    ['without an address (policy/E7)', { endpoints: [{}] }, 'error WEIR1005 spec.endpoints[0].address'],
    [
      'at an unknown port (policy/E7)',
      { endpoints: [{ address: '10.0.0.1', ports: { htpp: 1 } }] },
      'error WEIR1305 spec.endpoints[0].ports.htpp',
    ],
    [
      'at port 0 (policy/E7)',
      { endpoints: [{ address: '10.0.0.1', ports: { http: 0 } }] },
      'error WEIR1004 spec.endpoints[0].ports.http',
    ],
    ['with names in certificates', { subjectAltNames: ['b'] }, 'warning WEIR1009 spec.subjectAltNames'],
    [
      'in another network',
      { endpoints: [{ address: '10.0.0.1', network: 'n' }] },
      'warning WEIR1009 spec.endpoints[0].network',
    ],
    [
      'too heavy',
      { endpoints: [{ address: '10.0.0.1', weight: 1_000_001 }] },
      'error WEIR1004 spec.endpoints[0].weight',
    ],
    ['without ports', { ports: [] }, 'warning WEIR1021 spec.ports'],
    [
      'with port 0 (policy/E1)',
      { ports: [{ number: 0, name: 'a', protocol: 'HTTP' }] },
      'error WEIR1004 spec.ports[0].number',
    ],
    [
      'with a nameless port (policy/E1)',
      { ports: [{ number: 80, protocol: 'HTTP' }] },
      'error WEIR1005 spec.ports[0].name',
    ],
    [
      'with an unknown protocol (policy/E1)',
      { ports: [{ number: 80, name: 'a', protocol: 'SPDY' }], addresses: ['10.0.0.1'] },
      'error WEIR1003 spec.ports[0].protocol',
    ],
    [
      'with a port number twice (policy/E1)',
      { ports: [...ports, { number: 80, name: 'b', protocol: 'HTTP' }] },
      'error WEIR1305 spec.ports[1].number',
    ],
    [
      'with a port name twice (policy/E1)',
      { ports: [...ports, { number: 81, name: 'http', protocol: 'HTTP' }] },
      'error WEIR1305 spec.ports[1].name',
    ],
    [
      'on an opaque port for several hosts',
      { hosts: ['a.com', 'b.com'], addresses: ['10.0.0.1'], ports: [{ number: 80, name: 'a', protocol: 'TCP' }] },
      'error WEIR1306 spec.hosts',
    ],
    ['in an unknown place (policy/E5)', { location: 'MESH' }, 'error WEIR1003 spec.location'],
    ['resolved in an unknown way (policy/E2)', { resolution: 'static' }, 'error WEIR1003 spec.resolution'],
  ])('%s', (_, changes, problem) => {
    expect(problems(changes)).toEqual([problem]);
  });
});

describe('resolution DYNAMIC_DNS', () => {
  it('is for wildcards without addresses and endpoints (policy/E2)', () => {
    expect(problems({ resolution: 'DYNAMIC_DNS', addresses: ['10.0.0.1'] })).toEqual([
      'error WEIR1301 spec.hosts[0]',
      'error WEIR1302 spec.addresses[0]',
      'warning WEIR1009 spec.resolution',
      'error WEIR1303 spec.endpoints',
    ]);
  });
});

describe('WorkloadEntry', () => {
  it('is a machine (policy/E7)', () => {
    const spec = {
      address: '10.0.0.1',
      ports: { http: 8080 },
      labels: { app: 'x' },
      locality: 'r/z',
      weight: 2,
      serviceAccount: 's',
    };
    expect(valueOf('WorkloadEntry', spec)).toMatchObject({
      kind: 'workload-entry',
      ...spec,
      locality: { region: 'r', zone: 'z', subZone: '' },
    });
    expect(valueOf('WorkloadEntry', { address: 'VM.example.com' }).address).toBe('vm.example.com');
    expect(valueOf('WorkloadEntry', { network: 'n' })).toMatchObject({
      address: undefined,
      weight: 1,
      ports: {},
      labels: {},
    });
  });

  it.each([
    [{}, 'error WEIR1005 spec.address'],
    [{ address: 'a b' }, 'error WEIR1010 spec.address'],
    [{ address: '*.a.com' }, 'error WEIR1010 spec.address'],
    [{ address: '10.0.0.1', ports: { 'a b': 1 } }, 'error WEIR1019 spec.ports["a b"]'],
    [{ address: '10.0.0.1', ports: { a: '1' } }, 'error WEIR1002 spec.ports.a'],
    [{ address: '10.0.0.1', lables: {} }, 'error WEIR1001 spec.lables'],
    [{ network: 'n' }, 'warning WEIR1009 spec.network'],
  ])('%j is wrong (policy/E7)', (spec, problem) => {
    expect(problemsOf('WorkloadEntry', spec)).toEqual([problem]);
  });
});
