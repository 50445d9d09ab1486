import { describe, expect, test } from 'vitest';
import {
  aMesh,
  aMeshConfig,
  aService,
  aServiceEntry,
  aServiceKey,
  hostOf,
  put,
  remove,
} from '../../test/support/mesh-rows.ts';
import { serviceKey } from '../model/keys.ts';
import { serviceForHost, serviceForHostKey, serviceOf, visibleServices } from './services.ts';

const http = [{ number: 80, name: 'http', protocol: 'HTTP' }];

function anEntry(host: string, options: { exportTo?: string[] } = {}) {
  return { hosts: [host], ports: http, resolution: 'DNS', ...options };
}

describe('visibleServices', () => {
  test('lists the services that a namespace sees, by host name', () => {
    const engine = aMesh(aService('b'), aService('a', { namespace: 'other' }), aService('a'));
    expect(engine.read(visibleServices, 'shop')).toEqual([
      aServiceKey('a', 'other'),
      aServiceKey('a'),
      aServiceKey('b'),
    ]);
  });

  test('policy/G3: services are seen where they are exported to', () => {
    const engine = aMesh(
      aService('own', { exportTo: ['.'] }),
      aService('named', { exportTo: ['other'] }),
      aService('nobody', { exportTo: ['~'] }),
      aService('open', { exportTo: ['*'] }),
      aService('silent'),
    );
    const seen = (namespace: string) => engine.read(visibleServices, namespace).map((key) => key.split(/[/.]/)[1]);
    expect(seen('shop')).toEqual(['open', 'own', 'silent']);
    expect(seen('other')).toEqual(['named', 'open', 'silent']);
    expect(seen('third')).toEqual(['open', 'silent']);
  });

  test('policy/G3: what says nothing follows the default of the mesh', () => {
    const engine = aMesh(aService('a'), aServiceEntry('out', anEntry('api.example.com')));
    put(engine, aMeshConfig({ defaultServiceExportTo: ['.'] }));
    expect(engine.read(visibleServices, 'other')).toEqual([]);
    expect(engine.read(visibleServices, 'shop')).toEqual([aServiceKey('a'), serviceKey('shop', 'api.example.com')]);
    put(engine, aMeshConfig({ defaultServiceExportTo: ['other'] }));
    expect(engine.read(visibleServices, 'other')).toHaveLength(2);
    expect(engine.read(visibleServices, 'shop')).toEqual([]);
  });

  test('policy/G5: of several under one host name a namespace sees its own, else the oldest', () => {
    const engine = aMesh(
      aServiceEntry('x', anEntry('api.example.com'), { namespace: 'a', createdAt: 2 }),
      aServiceEntry('x', anEntry('api.example.com'), { namespace: 'b', createdAt: 1 }),
    );
    expect(engine.read(visibleServices, 'a')).toEqual([serviceKey('a', 'api.example.com')]);
    expect(engine.read(visibleServices, 'c')).toEqual([serviceKey('b', 'api.example.com')]);
  });

  test('policy/G5: a registry counts before a service entry, even before an older one and one of the own namespace', () => {
    const entry = aServiceEntry('squatter', anEntry(hostOf('a')), { namespace: 'other', createdAt: 1 });
    const engine = aMesh(aService('a', { createdAt: 9 }), entry);
    expect(engine.read(visibleServices, 'other')).toEqual([aServiceKey('a')]);
    expect(engine.read(serviceForHost, serviceForHostKey('other', hostOf('a')))).toBe(aServiceKey('a'));
  });

  test('a service entry that lost its host to one with another visibility does not make it visible', () => {
    const engine = aMesh(
      aServiceEntry('old', anEntry('api.example.com', { exportTo: ['.'] }), { createdAt: 1 }),
      aServiceEntry('young', anEntry('api.example.com'), { createdAt: 2 }),
    );
    expect(engine.read(visibleServices, 'other')).toEqual([]);
  });

  test('the result stays the same object while only settings of services change', () => {
    const engine = aMesh(aService('a'), aService('b'));
    const watch = engine.watch(visibleServices, 'shop', () => undefined);
    const before = watch.value;
    const commit = put(engine, aService('a', { ports: ['http:81'] }));
    expect(watch.value).toBe(before);
    expect(commit.reran.has('visibleServices')).toBe(false);
  });
});

describe('serviceOf', () => {
  test('policy/E1: every host of a service entry is a service', () => {
    const entry = aServiceEntry('out', {
      hosts: ['a.example.com', 'b.example.com'],
      ports: [{ number: 443, name: 'tls', protocol: 'TLS', targetPort: 8443 }],
      location: 'MESH_EXTERNAL',
      resolution: 'DNS',
    });
    const engine = aMesh(entry);
    expect(engine.read(serviceOf, serviceKey('shop', 'b.example.com'))).toMatchObject({
      hostname: 'b.example.com',
      registry: 'service-entry',
      meshExternal: true,
      resolution: 'dns',
      ports: [{ name: 'tls', number: 443, protocol: 'tls', targetPort: 8443 }],
    });
  });

  test('policy/G4: of two service entries the oldest declares the host, of equally old ones the first by name', () => {
    const port = (number: number) => [{ number, name: 'http', protocol: 'HTTP' }];
    const entry = (name: string, number: number, createdAt: number) =>
      aServiceEntry(name, { hosts: ['api.example.com'], ports: port(number), resolution: 'DNS' }, { createdAt });
    const engine = aMesh(entry('b', 81, 5), entry('c', 82, 4));
    const portNow = () => engine.read(serviceOf, serviceKey('shop', 'api.example.com'))?.ports[0]?.number;
    expect(portNow()).toBe(82);
    put(engine, entry('a', 80, 4));
    expect(portNow()).toBe(80);
    remove(engine, entry('a', 80, 4), entry('c', 82, 4));
    expect(portNow()).toBe(81);
  });
});

describe('serviceForHost', () => {
  test('finds the one under exactly the host name, if the namespace sees it', () => {
    const engine = aMesh(
      aService('a', { exportTo: ['.'] }),
      aServiceEntry('wild', { hosts: ['*.example.com'], ports: http, resolution: 'NONE' }),
    );
    const found = (namespace: string, host: string) => engine.read(serviceForHost, serviceForHostKey(namespace, host));
    expect(found('shop', hostOf('a'))).toBe(aServiceKey('a'));
    expect(found('other', hostOf('a'))).toBeUndefined();
    expect(found('shop', '*.example.com')).toBe(serviceKey('shop', '*.example.com'));
    expect(found('shop', 'a.example.com')).toBeUndefined();
  });
});
