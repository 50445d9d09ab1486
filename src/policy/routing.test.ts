import { describe, expect, test } from 'vitest';
import {
  aMesh,
  aMeshConfig,
  aService,
  aServiceEntry,
  aVirtualService,
  hostOf,
  put,
  remove,
} from '../../test/support/mesh-rows.ts';
import type { Engine } from '../incremental/engine.ts';
import { compositeKey } from '../model/keys.ts';
import type { HttpRule } from '../model/routing.ts';
import { connectionRules, httpRouting, routedHosts } from './routing.ts';
import { scopeOf } from './scope.ts';

interface Client {
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

function aClient({ namespace = 'shop', labels = {} }: Client = {}) {
  return scopeOf({ kind: 'client', namespace, domain: 'cluster.local', labels, secrets: 'none' });
}

interface Asked extends Client {
  readonly host?: string;
  readonly port?: number;
}

function routing(engine: Engine, { host = hostOf('web'), port = 80, ...client }: Asked = {}) {
  return engine.read(httpRouting, compositeKey(aClient(client), port, host));
}

/** Hosts without their domain, and subsets, of the first destination of each rule. */
function targets(engine: Engine, asked: Asked = {}): readonly string[] {
  return routing(engine, asked)?.rules.map(targetOf) ?? [];
}

function targetOf(rule: HttpRule): string {
  if (rule.action.kind !== 'forward') return rule.action.kind;
  const destination = rule.action.destinations[0]?.destination;
  return `${destination?.host.split('.')[0]}${destination?.subset === '' ? '' : `/${destination?.subset}`}`;
}

function to(host: string, match?: object | object[]) {
  return { ...(match === undefined ? {} : { match: [match].flat() }), route: [{ destination: { host } }] };
}

const services = ['web', 'v1', 'v2', 'v3'].map((name) => aService(name));

describe('which VirtualService applies', () => {
  test('policy/P110: one of the default gateway mesh, and visible', () => {
    const spec = { hosts: [hostOf('web')], http: [to('v1')] };
    const engine = aMesh(...services, aVirtualService('web', { ...spec, gateways: ['istio-system/ingress'] }));
    expect(routing(engine)).toBeUndefined();
    put(engine, aVirtualService('web', { ...spec, gateways: ['mesh', 'istio-system/ingress'] }));
    expect(targets(engine)).toEqual(['v1']);
    put(engine, aVirtualService('web', { ...spec, exportTo: ['.'] }));
    expect(targets(engine)).toEqual(['v1']);
    expect(routing(engine, { namespace: 'other' })).toBeUndefined();
  });

  test('policy/P110: private ones before those exported by name, and these before public ones', () => {
    const rule = (host: string, exportTo: string[], namespace: string, createdAt: number) =>
      aVirtualService(host, { hosts: [hostOf('web')], exportTo, http: [to(hostOf(host))] }, { namespace, createdAt });
    const engine = aMesh(...services, rule('v1', ['*'], 'a', 1));
    expect(targets(engine)).toEqual(['v1']);
    put(engine, rule('v2', ['shop'], 'b', 2));
    expect(targets(engine)).toEqual(['v2']);
    put(engine, rule('v3', ['.'], 'shop', 3));
    expect(targets(engine)).toEqual(['v3']);
    expect(targets(engine, { namespace: 'elsewhere' })).toEqual(['v1']);
  });

  test('policy/G4: among equals the oldest, then by name, then by namespace', () => {
    const rule = (name: string, host: string, createdAt: number, namespace = 'shop') =>
      aVirtualService(name, { hosts: [hostOf('web')], http: [to(hostOf(host))] }, { createdAt, namespace });
    const engine = aMesh(...services, rule('b', 'v1', 5));
    expect(targets(engine)).toEqual(['v1']);
    put(engine, rule('b', 'v2', 5, 'aaa'));
    expect(targets(engine)).toEqual(['v2']);
    put(engine, rule('c', 'v3', 4));
    expect(targets(engine)).toEqual(['v3']);
  });

  test('policy/P112: the most specific host counts, and the first object for it holds entirely', () => {
    const rule = (name: string, host: string, createdAt = 0) =>
      aVirtualService(name, { hosts: [host], http: [to(name)] }, { createdAt });
    const engine = aMesh(...services, rule('v1', '*.cluster.local'));
    expect(targets(engine)).toEqual(['v1']);
    put(engine, rule('v2', '*.shop.svc.cluster.local'));
    expect(targets(engine)).toEqual(['v2']);
    put(engine, rule('v3', hostOf('web')));
    expect(targets(engine)).toEqual(['v3']);
    put(engine, rule('v1', hostOf('web'), 1));
    expect(targets(engine)).toEqual(['v3']);
  });

  test('policy/P112: a wildcard adds nothing to a host that has its own, also where that is for other ports', () => {
    const own = aVirtualService('own', { hosts: [hostOf('web')], http: [to('v1', { port: 81 })] });
    const wildcard = aVirtualService('wildcard', { hosts: ['*.shop.svc.cluster.local'], http: [to('v2')] });
    const engine = aMesh(...services, own, wildcard);
    expect(targets(engine, { port: 81 })).toEqual(['v1']);
    expect(routing(engine, { port: 80 })).toBeUndefined();
    remove(engine, own);
    expect(targets(engine, { port: 80 })).toEqual(['v2']);
  });

  test('policy/G1: hosts without a dot belong to the namespace of the object', () => {
    const engine = aMesh(...services, aVirtualService('web', { hosts: ['web'], http: [to('v1')] }));
    expect(targets(engine)).toEqual(['v1']);
    expect(targets(engine, { host: hostOf('web', 'other') })).toEqual([]);
  });
});

describe('conditions that no request can change', () => {
  const match = (condition: object) =>
    aVirtualService('web', { hosts: ['web'], http: [to('v1', condition), to('v2')] });

  test('policy/H11: the port of the listener', () => {
    const engine = aMesh(...services, match({ port: 81 }));
    expect(targets(engine, { port: 80 })).toEqual(['v2']);
    expect(targets(engine, { port: 81 })).toEqual(['v1']);
  });

  test('policy/H12: labels of the client', () => {
    const engine = aMesh(...services, match({ sourceLabels: { version: 'v1' } }));
    expect(targets(engine)).toEqual(['v2']);
    expect(targets(engine, { labels: { version: 'v1' } })).toEqual(['v1']);
  });

  test('policy/H13: the namespace of the client', () => {
    const engine = aMesh(...services, match({ sourceNamespace: 'other' }));
    expect(targets(engine)).toEqual(['v2']);
    expect(targets(engine, { namespace: 'other' })).toEqual(['v1']);
  });

  test('policy/H14: gateways of a match replace those of the object, and labels are not looked at then', () => {
    const engine = aMesh(...services, match({ gateways: ['istio-system/ingress'] }));
    expect(targets(engine)).toEqual(['v2']);
    put(engine, match({ gateways: ['mesh'], sourceLabels: { version: 'v1' }, sourceNamespace: 'other' }));
    expect(targets(engine)).toEqual(['v1']);
  });

  test('policy/P101: blocks are alternatives: those that hold stay, without what is decided', () => {
    const uri = { prefix: '/a' };
    const engine = aMesh(
      ...services,
      aVirtualService('web', {
        hosts: ['web'],
        http: [
          to('v1', [
            { port: 81, uri: { prefix: '/b' } },
            { port: 80, uri },
          ]),
        ],
      }),
    );
    expect(routing(engine)?.rules).toMatchObject([{ matches: [{ path: { kind: 'prefix', value: '/a' } }] }]);
  });
});

describe('order', () => {
  test('policy/P102: rules keep the order of the list, up to the first that takes everything', () => {
    const http = [
      to('v1', { uri: { prefix: '/a' } }),
      to('v2', [{ uri: { prefix: '/b' } }, { uri: { prefix: '/' } }, { uri: { prefix: '/c' } }]),
      to('v3', { uri: { prefix: '/d' } }),
    ];
    const engine = aMesh(...services, aVirtualService('web', { hosts: ['web'], http }));
    expect(targets(engine)).toEqual(['v1', 'v2']);
    expect(routing(engine)?.rules[1]?.matches.map(({ path }) => path?.value)).toEqual(['/b', '/']);
  });

  test.each([
    ['a header', { uri: { prefix: '/' }, headers: { end: { exact: 'x' } } }],
    ['an absent header', { withoutHeaders: { end: { exact: 'x' } } }],
    ['a query parameter', { uri: { regex: '.*' }, queryParams: { q: { exact: 'x' } } }],
    ['a method', { method: { exact: 'GET' } }],
    ['an authority', { authority: { exact: 'web' } }],
    ['a scheme', { scheme: { exact: 'http' } }],
  ])('policy/P102: a match with %s does not take everything', (_, match) => {
    const engine = aMesh(...services, aVirtualService('web', { hosts: ['web'], http: [to('v1', match), to('v2')] }));
    expect(targets(engine)).toEqual(['v1', 'v2']);
  });

  test.each([
    ['no match', undefined],
    ['the prefix /', { uri: { prefix: '/' } }],
    ['the regex .*', { uri: { regex: '.*' } }],
    ['a condition of the listener', { port: 80 }],
  ])('policy/P102: %s takes everything', (_, match) => {
    const engine = aMesh(...services, aVirtualService('web', { hosts: ['web'], http: [to('v1', match), to('v2')] }));
    expect(targets(engine)).toEqual(['v1']);
  });

  test('policy/P116: without any rule for the client and port the host has default routing', () => {
    const engine = aMesh(
      ...services,
      aVirtualService('web', { hosts: ['web'], http: [to('v1', { sourceLabels: { a: 'b' } })] }),
    );
    expect(routing(engine)).toBeUndefined();
    expect(routing(engine, { labels: { a: 'b' } })).toBeDefined();
  });
});

describe('what a rule says in the end', () => {
  test('policy/P601: a destination without port takes the only port of its service, else that of the listener', () => {
    const engine = aMesh(
      aService('web'),
      aService('one', { ports: ['http:8080'] }),
      aService('two', { ports: ['http:80', 'http-b:81'] }),
      aVirtualService('web', {
        hosts: ['web'],
        http: [
          {
            ...to('one'),
            route: ['one', 'two', 'none'].map((host) => ({ destination: { host }, weight: 1 })),
            mirror: { host: 'one' },
          },
        ],
      }),
    );
    const action = routing(engine)?.rules[0]?.action;
    const forward = action?.kind === 'forward' ? action : undefined;
    expect(forward?.destinations.map(({ destination }) => destination.port)).toEqual([8080, 80, 80]);
    expect(forward?.mirrors[0]?.destination.port).toBe(8080);
    put(engine, aService('one', { ports: ['http:9090'] }));
    const after = routing(engine)?.rules[0]?.action;
    expect(after?.kind === 'forward' && after.destinations[0]?.destination.port).toBe(9090);
  });

  test("policy/A12: retries are the rule's own, else the mesh's", () => {
    const rule = (retries?: object) =>
      aVirtualService('web', {
        hosts: ['web'],
        http: [{ ...to('v1'), ...(retries === undefined ? {} : { retries }) }],
      });
    const engine = aMesh(...services, rule());
    const retries = () => routing(engine)?.rules[0]?.retries;
    expect(retries()).toBeUndefined();
    put(engine, aMeshConfig({ defaultHttpRetryPolicy: { attempts: 5, retryOn: 'reset,503' } }));
    expect(retries()).toMatchObject({ attempts: 5, on: expect.stringContaining('reset'), statusCodes: [503] });
    put(engine, rule({ attempts: 1 }));
    expect(retries()).toMatchObject({ attempts: 1, on: expect.stringContaining('reset'), statusCodes: [503] });
    put(engine, rule({ attempts: 0 }));
    expect(retries()?.attempts).toBe(0);
    put(engine, rule({ attempts: 1, retryOn: 'connect-failure' }));
    expect(retries()).toMatchObject({ attempts: 1, on: 'connect-failure', statusCodes: [] });
  });

  test('policy/P217: every rule and the routing name the object and field that they come from', () => {
    const engine = aMesh(...services, aVirtualService('web', { hosts: ['web'], http: [to('v1')] }, { generation: 3 }));
    const object = { kind: 'networking.istio.io/VirtualService', namespace: 'shop', name: 'web', generation: 3 };
    expect(routing(engine)).toMatchObject({
      provenance: { ...object, path: 'spec.http' },
      rules: [{ provenance: { ...object, path: 'spec.http[0]' } }],
    });
  });
});

describe('routedHosts', () => {
  test('policy/P115: are the hosts that no visible service has', () => {
    const spec = {
      hosts: ['web', 'nobody.example.com', '*.shop.svc.cluster.local', '*.example.com'],
      http: [to('v1')],
    };
    const engine = aMesh(...services, aVirtualService('web', { ...spec, hosts: spec.hosts.slice(0, 2) }));
    const hosts = () => engine.read(routedHosts, aClient());
    expect(hosts()).toEqual(['nobody.example.com']);
    put(engine, aVirtualService('wild', { ...spec, hosts: spec.hosts.slice(2) }));
    expect(hosts()).toEqual(['*.example.com', 'nobody.example.com']);
    const ports = [{ number: 80, name: 'http', protocol: 'HTTP' }];
    put(engine, aServiceEntry('out', { hosts: ['nobody.example.com'], ports, resolution: 'DNS' }));
    expect(hosts()).toEqual([]);
  });

  test('policy/P604: a host below a wildcard service entry is one of them', () => {
    const ports = [{ number: 80, name: 'http', protocol: 'HTTP' }];
    const engine = aMesh(
      aServiceEntry('out', { hosts: ['*.example.com'], ports, resolution: 'NONE' }),
      aVirtualService('web', { hosts: ['a.example.com'], http: [to('b.example.com')] }),
    );
    expect(engine.read(routedHosts, aClient())).toEqual(['a.example.com']);
  });

  test('policy/G3: of objects that the client sees', () => {
    const spec = { hosts: ['nobody.example.com'], exportTo: ['.'], http: [to('v1')] };
    const engine = aMesh(aVirtualService('web', spec));
    expect(engine.read(routedHosts, aClient())).toEqual(['nobody.example.com']);
    expect(engine.read(routedHosts, aClient({ namespace: 'other' }))).toEqual([]);
  });
});

describe('connectionRules', () => {
  const rules = (engine: Engine, { host = hostOf('db'), port = 3306, ...client }: Asked = {}) =>
    engine.read(connectionRules, compositeKey(aClient(client), port, host));
  const db = aService('db', { ports: ['tcp:3306'] });

  test('policy/T1: the first rule for every destination ends them', () => {
    const tcp = [
      to('v1', { destinationSubnets: ['10.1.0.0/16'] }),
      to('v2', { port: 3307 }),
      to('v3', { sourceLabels: { version: 'v1' } }),
      to('db'),
      to('v1'),
    ];
    const engine = aMesh(db, ...services, aVirtualService('db', { hosts: ['db'], tcp }));
    const found = (client?: Asked) => rules(engine, client).map((rule) => rule.destinations[0]?.destination.host);
    expect(found()).toEqual([hostOf('v1'), hostOf('db')]);
    expect(found({ labels: { version: 'v1' } })).toEqual([hostOf('v1'), hostOf('v3')]);
    expect(rules(engine)[0]).toMatchObject({ kind: 'tcp', destinationSubnets: ['10.1.0.0/16'] });
    expect(rules(engine)[1]?.destinations[0]?.destination.port).toBe(3306);
  });

  test('policy/T3: of two rules for one server name the first counts', () => {
    const tls = [
      to('v1', { sniHosts: ['a.example.com'] }),
      to('v2', [{ sniHosts: ['a.example.com', 'b.example.com'] }, { port: 444, sniHosts: ['c.example.com'] }]),
    ];
    const engine = aMesh(aVirtualService('out', { hosts: ['*.example.com'], tls }));
    expect(rules(engine, { host: '*.example.com', port: 443 })).toMatchObject([
      { kind: 'tls', serverNames: ['a.example.com'], destinations: [{ destination: { host: hostOf('v1') } }] },
      { kind: 'tls', serverNames: ['b.example.com'], destinations: [{ destination: { host: hostOf('v2') } }] },
    ]);
  });

  test('a host that no VirtualService names has none', () => {
    expect(rules(aMesh(db))).toEqual([]);
  });
});
