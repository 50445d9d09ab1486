import { describe, expect, test } from 'vitest';
import {
  aDestinationRule,
  aMesh,
  aMeshConfig,
  aPod,
  aService,
  aServiceEntry,
  aShard,
  aVirtualService,
  hostOf,
  put,
  type ARow,
  type ServiceOptions,
} from '../../test/support/mesh-rows.ts';
import { findings } from './findings.ts';

function found(...rows: readonly ARow[]) {
  return aMesh(...rows).read(findings, 'all');
}

function codes(...rows: readonly ARow[]): readonly string[] {
  return found(...rows).map(({ code, object }) => `${code} ${object.name}`);
}

function to(host: string, extra: object = {}) {
  return { route: [{ destination: { host, ...extra } }] };
}

const web = aService('web');

test('a mesh in which everything fits has none', () => {
  const subsets = [{ name: 'v1', labels: { version: 'v1' } }];
  const rows = [
    web,
    aShard('web', ['10.0.0.1']),
    aPod('web-1', { labels: { app: 'web', version: 'v1' } }),
    aVirtualService('web', { hosts: ['web'], http: [to('web', { subset: 'v1' })] }),
    aDestinationRule('web', { host: 'web', subsets }),
  ];
  expect(found(...rows)).toEqual([]);
});

describe('VirtualServices', () => {
  test('policy/P401: two for one host, the younger is told', () => {
    const rule = (name: string, createdAt: number, exportTo?: string[]) =>
      aVirtualService(name, { hosts: ['web'], exportTo, http: [to('web')] }, { createdAt });
    expect(found(web, rule('old', 1), rule('young', 2))).toMatchObject([
      {
        code: 'IST0109',
        severity: 'error',
        object: { name: 'young' },
        path: 'spec.hosts[0]',
        message: expect.stringContaining('VirtualService shop/old'),
      },
    ]);
    expect(codes(web, rule('old', 1), rule('young', 2, ['.']))).toEqual(['IST0109 old']);
    expect(codes(web, rule('old', 1, ['other']), rule('young', 2, ['.']))).toEqual([]);
  });

  test('policy/P402: one for a host hides a wildcard’s rules', () => {
    const wide = aVirtualService('wide', { hosts: ['*.shop.svc.cluster.local'], http: [to('web')] });
    const exact = aVirtualService('exact', { hosts: ['web'], http: [to('web')] });
    expect(codes(web, wide, exact)).toEqual(['WEIR1401 exact']);
  });

  test('policy/P404: a destination that does not exist, with the nearest that does', () => {
    const rule = aVirtualService('web', { hosts: ['web'], http: [to('wbe')] });
    expect(found(web, rule)).toMatchObject([
      {
        code: 'IST0101',
        severity: 'warning',
        path: expect.stringContaining('spec.http[0].route[0]'),
        message: expect.stringContaining(hostOf('wbe')),
        advice: expect.stringContaining(hostOf('web')),
      },
    ]);
  });

  test('policy/P404: a destination that the namespace does not see', () => {
    const hidden = aService('secret', { namespace: 'other', exportTo: ['.'] });
    const rule = aVirtualService('web', { hosts: ['web'], http: [to(hostOf('secret', 'other'))] });
    expect(found(web, hidden, rule)[0]?.message).toContain('not exported to the namespace shop');
  });

  test('policy/P404: mirrors and connection rules count as well', () => {
    const mirrored = { ...to('web'), mirror: { host: 'nobody-1' } };
    const rule = aVirtualService('web', { hosts: ['web'], http: [mirrored], tcp: [to('nobody-2')] });
    expect(codes(web, rule)).toEqual(['IST0101 web', 'IST0101 web']);
  });

  test('policy/P115: a host without service, unless it is only for gateways', () => {
    const spec = { hosts: ['wbe.shop.svc.cluster.local'], http: [to('web')] };
    expect(found(web, aVirtualService('web', spec))).toMatchObject([
      { code: 'WEIR1402', path: 'spec.hosts[0]', advice: expect.stringContaining(hostOf('web')) },
    ]);
    expect(codes(web, aVirtualService('web', { ...spec, gateways: ['gw'] }))).toEqual([]);
  });

  test('policy/P405: a subset that the rule in force does not define', () => {
    const rule = aVirtualService('web', { hosts: ['web'], http: [to('web', { subset: 'v2' })] });
    expect(found(web, rule)).toMatchObject([{ code: 'WEIR1403', object: { name: 'web' } }]);
    const subsets = [{ name: 'v2', labels: { version: 'v2' } }];
    const elsewhere = aDestinationRule('web', { host: hostOf('web'), subsets }, { namespace: 'other' });
    expect(codes(web, rule, elsewhere)).toEqual(['WEIR1403 web']);
    expect(codes(web, rule, aDestinationRule('web', { host: 'web', subsets }))).toEqual([]);
  });

  test('policy/P601: a destination without port where the caller’s port does not fit', () => {
    const rule = aVirtualService('web', { hosts: ['web'], http: [to('api')] });
    const [finding] = found(web, aService('api', { ports: ['http:8080'] }), rule);
    expect(finding).toMatchObject({ code: 'WEIR1404', message: expect.stringContaining('Weir takes the only port') });
    expect(codes(web, aService('api', { ports: ['http:80', 'http-b:81'] }), rule)).toEqual([]);
    expect(codes(web, aService('api', { ports: ['http:81', 'http-b:82'] }), rule)).toEqual(['WEIR1404 web']);
  });

  test('policy/G9: a port that the service does not have', () => {
    const rule = aVirtualService('web', { hosts: ['web'], http: [to('web', { port: { number: 81 } })] });
    expect(codes(web, rule)).toEqual(['WEIR1404 web']);
  });
});

describe('DestinationRules', () => {
  const v1 = { name: 'v1', labels: { version: 'v1' } };
  const limited = { trafficPolicy: { connectionPool: { tcp: { maxConnections: 1 } } } };

  test('policy/P404: for a host that does not exist', () => {
    expect(codes(web, aDestinationRule('web', { host: 'wbe' }))).toEqual(['IST0101 web']);
    expect(codes(web, aDestinationRule('web', { host: '*.nowhere.org' }))).toEqual([]);
  });

  test('policy/P405: a subset without endpoints, as long as there are any', () => {
    const rule = aDestinationRule('web', { host: 'web', subsets: [v1] });
    expect(codes(web, rule)).toEqual([]);
    const engine = aMesh(web, rule, aShard('web', ['10.0.0.1']));
    expect(engine.read(findings, 'all')).toMatchObject([{ code: 'IST0173', path: 'spec.subsets[0]' }]);
    put(engine, aPod('web-1', { labels: { version: 'v1' } }));
    expect(engine.read(findings, 'all')).toEqual([]);
  });

  test("policy/P406: one of the clients' namespace hides the service's", () => {
    const owner = aDestinationRule('owner', { host: 'web', subsets: [v1], ...limited });
    const client = aDestinationRule('client', { host: hostOf('web') }, { namespace: 'other' });
    expect(found(web, owner, client)).toMatchObject([
      {
        code: 'WEIR1406',
        object: { name: 'client' },
        message: expect.stringContaining('the subset v1 and its trafficPolicy'),
      },
    ]);
    const repeating = aDestinationRule('client', { host: hostOf('web'), subsets: [v1] }, { namespace: 'other' });
    expect(codes(web, aDestinationRule('owner', { host: 'web', subsets: [v1] }), repeating)).toEqual([]);
  });

  test('policy/P406: one of the root namespace comes last and hides nothing', () => {
    const owner = aDestinationRule('owner', { host: 'web', subsets: [v1], exportTo: ['root'] });
    const root = aDestinationRule('root', { host: hostOf('web') }, { namespace: 'root' });
    expect(codes(web, aMeshConfig({ rootNamespace: 'root' }), owner, root)).toEqual([]);
    expect(codes(web, owner, root)).toEqual(['WEIR1406 root']);
  });

  test('policy/P120: of two for one host the younger loses what both have', () => {
    const rows = [1, 2].map((age) =>
      aDestinationRule(`rule-${age}`, { host: 'web', subsets: [v1], ...limited }, { createdAt: age }),
    );
    expect(found(web, ...rows)).toMatchObject([
      {
        code: 'WEIR1405',
        severity: 'error',
        object: { name: 'rule-2' },
        message: expect.stringContaining('the subset v1'),
      },
    ]);
  });
});

describe('services', () => {
  const ports = [{ number: 80, name: 'http', protocol: 'HTTP' }];

  test('policy/G5: a service entry for a host that a registry or an older one has', () => {
    const entry = (name: string, host: string, createdAt: number) =>
      aServiceEntry(name, { hosts: [host], ports, resolution: 'DNS' }, { createdAt });
    expect(codes(web, entry('squatter', hostOf('web'), 1))).toEqual(['WEIR1407 squatter']);
    expect(codes(entry('old', 'a.example.com', 1), entry('young', 'a.example.com', 2))).toEqual(['WEIR1407 young']);
  });

  test('policy/P322: two protocols on one port of the same workloads', () => {
    const alias = (protocol: 'http' | 'tcp') =>
      aService('alias', { selector: { app: 'web' }, ports: [`${protocol}:81>8080`], createdAt: 1 });
    expect(found(web, alias('tcp'))).toMatchObject([{ code: 'WEIR1408', object: { kind: 'Service', name: 'alias' } }]);
    expect(codes(web, alias('http'))).toEqual([]);
  });

  test('policy/P315: two without address on one port whose connections carry no name', () => {
    const db = (name: string, createdAt: number, options: ServiceOptions = {}) =>
      aService(name, { ports: ['tcp:3306'], createdAt, ...options });
    expect(found(db('old', 1), db('young', 2))).toMatchObject([
      {
        code: 'WEIR1410',
        object: { name: 'young' },
        path: 'spec.ports[0]',
        message: expect.stringContaining(hostOf('old')),
      },
    ]);
    expect(codes(db('old', 1), db('young', 2, { ports: ['tcp:3307'] }))).toEqual([]);
    expect(codes(db('old', 1, { exportTo: ['.'] }), db('young', 2, { exportTo: ['other'] }))).toEqual([]);
    const tcp = [{ number: 3306, name: 'tcp', protocol: 'TCP' }];
    const entry = aServiceEntry('out', { hosts: ['db.example.com'], ports: tcp, resolution: 'DNS' }, { createdAt: 3 });
    expect(codes(db('old', 1), entry)).toEqual(['WEIR1410 out']);
  });

  test('policy/E15: several mesh configurations', () => {
    expect(codes(aMeshConfig({}, { name: 'a' }), aMeshConfig({}, { name: 'b' }))).toEqual(['WEIR1409 b']);
  });
});
