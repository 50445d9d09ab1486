import { describe, expect, it } from 'vitest';
import { anIstioObject, problemsOf, valueOf } from '../../../../test/support/istio-objects.ts';
import { decodeVirtualService } from './decode.ts';

const http = [{ route: [{ destination: { host: 'a' } }] }];
const route = [{ destination: { host: 'a' } }];

describe('hosts', () => {
  it.each([
    ['reviews', 'reviews.shop.svc.cluster.local'],
    ['Reviews.Other', 'reviews.other'],
    ['reviews.other.svc.cluster.local', 'reviews.other.svc.cluster.local'],
    ['reviews.other.svc.cluster.local.', 'reviews.other.svc.cluster.local'],
    ['*.Example.com', '*.example.com'],
    ['10.0.0.1', '10.0.0.1'],
    ['fd00::1', 'fd00::1'],
  ])('%s is %s (policy/G1)', (host, full) => {
    expect(valueOf('VirtualService', { hosts: [host], http }).hosts).toEqual([full]);
  });

  it('completes names with the domain of the cluster (policy/G1)', () => {
    const decoded = decodeVirtualService(anIstioObject('VirtualService', { hosts: ['a'], http }), 'corp.local');
    expect(decoded).toMatchObject({ value: { hosts: ['a.shop.svc.corp.local'] } });
  });

  it.each([
    '',
    'a b',
    'a..b',
    '-a',
    'a_b',
    'a*.com',
    '*a.com',
    'a.*.com',
    '*.',
    'x'.repeat(64),
    `${'x.'.repeat(130)}com`,
  ])('refuses the host %j', (host) => {
    expect(problemsOf('VirtualService', { hosts: [host], http })).toContain('error WEIR1010 spec.hosts[0]');
  });

  it('refuses * for all sidecars, beside a gateway too (policy/P605)', () => {
    expect(problemsOf('VirtualService', { hosts: ['*'], http })).toEqual(['error WEIR1101 spec.hosts[0]']);
    expect(problemsOf('VirtualService', { hosts: ['*'], gateways: ['mesh'], http })).toEqual([
      'error WEIR1101 spec.hosts[0]',
    ]);
    expect(problemsOf('VirtualService', { hosts: ['*'], gateways: ['mesh', 'g'], http })).toContain(
      'error WEIR1101 spec.hosts[0]',
    );
    expect(valueOf('VirtualService', { hosts: ['*'], gateways: ['g'], http }).hosts).toEqual(['*']);
  });

  it.each([[['a.x', 'a.x']], [['a', 'A.shop.svc.cluster.local']], [['*.x.com', 'a.x.com']], [['a.x.com', '*.com']]])(
    'refuses %j, which overlap (policy/P605)',
    (hosts) => {
      expect(problemsOf('VirtualService', { hosts, http })).toEqual(['error WEIR1102 spec.hosts[1]']);
    },
  );
});

describe('whom an object is for', () => {
  it('is for all sidecars by default (policy/T5)', () => {
    expect(valueOf('VirtualService', { hosts: ['a'], http }).gateways).toEqual(['mesh']);
  });

  it('names gateways in full, and says that they are not served (policy/T5, policy/P408)', () => {
    const spec = { hosts: ['a'], gateways: ['g', 'o/h', 'i.p'], http };
    expect(valueOf('VirtualService', spec).gateways).toEqual(['shop/g', 'o/h', 'p/i']);
    expect(problemsOf('VirtualService', spec)).toEqual([
      'warning IST0002 spec.gateways[2]',
      'warning WEIR1110 spec.gateways',
      'warning WEIR1009 spec.gateways',
    ]);
  });

  it.each([
    [['.'], []],
    [['*'], []],
    [['~'], []],
    [['a', 'b'], []],
    [['a', 'a'], ['warning WEIR1020 spec.exportTo[1]']],
    [['*', 'a'], ['error WEIR1020 spec.exportTo']],
    [['~', '.'], ['error WEIR1020 spec.exportTo']],
    [['a b'], ['error WEIR1020 spec.exportTo[0]']],
    [['A'], ['error WEIR1020 spec.exportTo[0]']],
  ])('exportTo %j says %j (policy/G3)', (exportTo, expected) => {
    expect(problemsOf('VirtualService', { hosts: ['a'], exportTo, http })).toEqual(expected);
  });

  it('keeps exportTo as written, and tells none from empty (policy/G3)', () => {
    expect(valueOf('VirtualService', { hosts: ['a'], exportTo: ['.', 'b'], http }).exportTo).toEqual(['.', 'b']);
    expect(valueOf('VirtualService', { hosts: ['a'], exportTo: [], http }).exportTo).toBeUndefined();
  });

  it('knows a delegate, which is not in force by itself (policy/P119)', () => {
    expect(problemsOf('VirtualService', { http })).toEqual(['warning WEIR1009 spec.hosts']);
    expect(
      problemsOf('VirtualService', { gateways: ['g'], tcp: [{ route }], http: [{ delegate: { name: 'd' } }] }),
    ).toEqual(
      expect.arrayContaining([
        'error WEIR1111 spec.gateways',
        'error WEIR1111 spec.tcp',
        'error WEIR1111 spec.http[0].delegate',
      ]),
    );
  });

  it('needs routes', () => {
    expect(problemsOf('VirtualService', { hosts: ['a'] })).toEqual(['error WEIR1103 spec']);
    expect(problemsOf('VirtualService', { hosts: ['a'], http: [] })).toEqual(['error WEIR1103 spec']);
  });

  it('takes at most 500 routes', () => {
    const many = Array.from({ length: 501 }, () => http[0]);
    expect(problemsOf('VirtualService', { hosts: ['a'], http: many })).toEqual(['error WEIR1008 spec.http']);
  });
});

describe('routes of connections', () => {
  it('reads tcp (policy/T1, policy/T2)', () => {
    const match = [{ port: 80, destinationSubnets: ['10.1.0.0/16', '10.0.0.1', 'fd00::/8'], sourceLabels: { a: 'b' } }];
    const weighted = [
      { destination: { host: 'a' }, weight: 1 },
      { destination: { host: 'b' }, weight: 3 },
    ];
    expect(valueOf('VirtualService', { hosts: ['a'], tcp: [{ match, route: weighted }, { route }] }).tcp).toMatchObject(
      [
        {
          matches: [
            {
              conditions: { port: 80, sourceLabels: { a: 'b' } },
              serverNames: [],
              destinationSubnets: ['10.1.0.0/16', '10.0.0.1/32', 'fd00::/8'],
            },
          ],
          destinations: [{ weight: 1 }, { weight: 3 }],
          provenance: { path: 'spec.tcp[0]' },
        },
        { matches: [], destinations: [{ weight: 100 }] },
      ],
    );
  });

  it('reads tls (policy/T3)', () => {
    const match = [{ sniHosts: ['A.x.com', '*.y.x.com'] }];
    expect(valueOf('VirtualService', { hosts: ['*.x.com'], tls: [{ match, route }] }).tls).toMatchObject([
      { matches: [{ serverNames: ['a.x.com', '*.y.x.com'], destinationSubnets: [] }] },
    ]);
  });

  it.each([
    [
      'a server name outside the hosts (policy/T3)',
      { tls: [{ match: [{ sniHosts: ['b.com'] }], route }] },
      'error WEIR1112 spec.tls[0].match[0].sniHosts[0]',
    ],
    [
      'a wider wildcard than the hosts (policy/T3)',
      { tls: [{ match: [{ sniHosts: ['*.com'] }], route }] },
      'error WEIR1112 spec.tls[0].match[0].sniHosts[0]',
    ],
    [
      'no server names (policy/T3)',
      { tls: [{ match: [{ port: 443 }], route }] },
      'error WEIR1005 spec.tls[0].match[0].sniHosts',
    ],
    ['no match (policy/T3)', { tls: [{ route }] }, 'error WEIR1005 spec.tls[0].match'],
    ['no route', { tcp: [{}] }, 'error WEIR1103 spec.tcp[0]'],
    [
      'a broken subnet (policy/T1)',
      { tcp: [{ match: [{ destinationSubnets: ['10.0.0.0/33'] }], route }] },
      'error WEIR1011 spec.tcp[0].match[0].destinationSubnets[0]',
    ],
    ['weights of zero (policy/T2)', { tcp: [{ route: [...route, ...route] }] }, 'error WEIR1105 spec.tcp[0].route'],
    [
      'a source subnet, not in force',
      { tcp: [{ match: [{ sourceSubnet: '10.0.0.0/8' }], route }] },
      'warning WEIR1009 spec.tcp[0].match[0].sourceSubnet',
    ],
  ])('says of %s what it is', (_, written, problem) => {
    expect(problemsOf('VirtualService', { hosts: ['*.x.com'], ...written })).toEqual([problem]);
  });
});

describe('what can never be reached', () => {
  function said(...matches: (readonly object[] | undefined)[]): readonly string[] {
    return problemsOf('VirtualService', { hosts: ['a'], http: matches.map((match) => ({ match, route })) });
  }

  it.each<[string, (readonly object[] | undefined)[]]>([
    ['behind a route for everything', [undefined, [{ uri: { exact: '/a' } }]]],
    ['behind the prefix of all paths', [[{ uri: { prefix: '/' } }], undefined]],
    ['behind the expression of all paths', [[{ uri: { regex: '.*' } }], [{ uri: { regex: '/b' } }]]],
    ['behind a shorter prefix', [[{ uri: { prefix: '/a' } }], [{ uri: { prefix: '/ab' } }]]],
    ['behind the same', [[{ headers: { a: { exact: '1' } } }], [{ headers: { a: { exact: '1' } } }]]],
    ['behind mere presence', [[{ headers: { a: {} } }], [{ headers: { a: { prefix: 'x' }, b: {} } }]]],
    [
      'behind a wider exclusion',
      [[{ withoutHeaders: { a: { exact: 'xy' } } }], [{ withoutHeaders: { a: { prefix: 'x' } } }]],
    ],
    [
      'behind fewer conditions on the client',
      [[{ sourceLabels: { a: '1' } }], [{ sourceLabels: { a: '1', b: '2' }, port: 80 }]],
    ],
    ['behind case-blindness', [[{ uri: { prefix: '/A' }, ignoreUriCase: true }], [{ uri: { exact: '/aB' } }]]],
  ])('finds a route %s (policy/P403)', (_, matches) => {
    expect(said(...matches)).toEqual(['warning IST0130 spec.http[1]']);
  });

  it.each<[string, (readonly object[] | undefined)[]]>([
    ['a longer prefix above', [[{ uri: { prefix: '/ab' } }], [{ uri: { prefix: '/a' } }]]],
    ['another header', [[{ headers: { a: {} } }], [{ headers: { b: {} } }]]],
    [
      'a narrower exclusion',
      [[{ withoutHeaders: { a: { prefix: 'x' } } }], [{ withoutHeaders: { a: { exact: 'xy' } } }]],
    ],
    ['another port', [[{ port: 80 }], [{ port: 81 }]]],
    ['a method more', [[{ method: { exact: 'GET' }, uri: { prefix: '/' } }], undefined]],
    ['gateways of its own', [[{ sourceLabels: { a: '1' } }], [{ gateways: ['mesh'] }]]],
    ['case that counts', [[{ uri: { exact: '/a' } }], [{ uri: { exact: '/a' }, ignoreUriCase: true }]]],
  ])('leaves a route with %s alone (policy/P403)', (_, matches) => {
    expect(said(...matches)).toEqual([]);
  });

  it('finds single blocks of a route that is reached otherwise (policy/P403)', () => {
    expect(said([{ uri: { prefix: '/a' } }], [{ uri: { exact: '/b' } }, { uri: { exact: '/a/b' } }])).toEqual([
      'warning IST0131 spec.http[1].match[1]',
    ]);
  });
});

describe('the object', () => {
  it('has its author, age and origin (policy/G4)', () => {
    const origin = { source: 'files', file: 'a.yaml', document: 2, line: 7 };
    const object = anIstioObject('VirtualService', { hosts: ['a'], http }, { createdAt: 5, generation: 3, origin });
    expect(decodeVirtualService(object)).toMatchObject({
      value: {
        kind: 'virtual-service',
        namespace: 'shop',
        name: 'x',
        createdAt: 5,
        reference: { kind: 'networking.istio.io/VirtualService', namespace: 'shop', name: 'x', generation: 3, origin },
        http: [{ rule: { provenance: { generation: 3, origin, path: 'spec.http[0]' } } }],
      },
    });
  });

  it('tells all mistakes at once, each once', () => {
    const spec = {
      hosts: ['a', 5],
      htpp: [],
      http: [
        {
          match: [{ uri: { exact: 1 } }],
          route: [{ destination: { host: 'a' }, weight: -1 }],
          timeout: 3,
          retires: {},
        },
      ],
    };
    expect(problemsOf('VirtualService', spec)).toEqual([
      'error WEIR1002 spec.hosts[1]',
      'error WEIR1002 spec.http[0].match[0].uri.exact',
      'error WEIR1012 spec.http[0].timeout',
      'error WEIR1001 spec.http[0].retires',
      'error WEIR1001 spec.htpp',
      'error WEIR1105 spec.http[0].route[0].weight',
    ]);
  });
});
