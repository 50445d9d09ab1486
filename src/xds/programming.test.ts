import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/clocks.ts';
import {
  aDestinationRule,
  aMesh,
  aService,
  aServiceEntry,
  aShard,
  aVirtualService,
  put,
  type ARow,
} from '../../test/support/mesh-rows.ts';
import { FakeClient, type Answer } from '../../test/support/stream-rig.ts';
import { configKey, partsOfConfigKey, type ConfigKey } from '../model/keys.ts';
import { configs } from '../model/tables.ts';
import { scopesOf } from '../policy/scope.ts';
import type { Programming } from './programming.ts';
import { resource, resourceNames } from './resources.ts';
import { XdsServer } from './server.ts';

const routesKey = configKey('networking.istio.io/VirtualService', 'shop', 'reviews');
const ruleKey = configKey('networking.istio.io/DestinationRule', 'shop', 'reviews');
const entryKey = configKey('networking.istio.io/ServiceEntry', 'shop', 'outside');
const cluster = 'outbound|80||reviews.shop.svc.cluster.local';

const routesTo = (timeout: string, generation = 1): ARow =>
  aVirtualService(
    'reviews',
    { hosts: ['reviews'], http: [{ timeout, route: [{ destination: { host: 'reviews' } }] }] },
    { generation },
  );
const ruleWith = (connectTimeout: string): ARow =>
  aDestinationRule('reviews', { host: 'reviews', trafficPolicy: { connectionPool: { tcp: { connectTimeout } } } });

/** A real mesh, with proxies that are no more than their requests. */
class Mesh {
  readonly clock = new ManualClock();
  readonly engine = aMesh(
    aService('reviews'),
    aShard('reviews', ['10.1.0.1']),
    aService('stock'),
    routesTo('1s'),
    ruleWith('1s'),
    aServiceEntry('outside', {
      hosts: ['outside.example.com'],
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
      resolution: 'DNS',
    }),
  );
  readonly server = new XdsServer({
    engine: this.engine,
    queries: { names: resourceNames, resource, scopes: scopesOf },
    clock: this.clock,
    identifier: 'weir/test',
  });

  constructor() {
    this.server.open();
  }

  /** A proxy that has asked for everything and confirmed it. */
  proxy(name: string): FakeClient {
    const client = new FakeClient();
    this.server.accept(client, 'delta');
    const node = { id: `sidecar~10.0.0.1~${name}.shop~shop.svc.cluster.local` };
    const asked = [
      ['cluster', []],
      ['endpoints', [cluster]],
      ['listener', []],
      ['routes', ['80']],
    ] as const;
    for (const [type, names] of asked) {
      client.request(type, { node, resourceNamesSubscribe: [...names] });
      this.confirm(client);
    }
    return client;
  }

  answers(client: FakeClient): readonly Answer[] {
    this.clock.settle();
    return client.take();
  }

  confirm(client: FakeClient): void {
    for (let answers = this.answers(client); answers.length > 0; answers = this.answers(client)) {
      for (const answer of answers) client.ack(answer);
    }
  }

  programming(key: ConfigKey): Programming {
    const { kind, namespace, name } = partsOfConfigKey(key);
    return this.server.programming(
      configs,
      key,
      (object) => object.kind === kind && object.namespace === namespace && object.name === name,
    );
  }

  /** `confirmed of proxies`. */
  counts(key: ConfigKey): string {
    const { confirmed, proxies } = this.programming(key);
    return `${confirmed} of ${proxies}`;
  }
}

describe('programming (istio-compat/I172)', () => {
  it('counts the proxies that get something that follows from the object, and those that have confirmed it', () => {
    const mesh = new Mesh();
    expect([mesh.counts(routesKey), mesh.counts(ruleKey), mesh.counts(entryKey)]).toEqual([
      '0 of 0',
      '0 of 0',
      '0 of 0',
    ]);
    mesh.proxy('web-1');
    mesh.proxy('web-2');
    expect([mesh.counts(routesKey), mesh.counts(ruleKey), mesh.counts(entryKey)]).toEqual([
      '2 of 2',
      '2 of 2',
      '2 of 2',
    ]);
    expect(mesh.counts(configKey('networking.istio.io/VirtualService', 'shop', 'none'))).toBe('0 of 0');
  });

  it('is pending from the change of an object until each proxy has confirmed it, and that of other objects is not', () => {
    const mesh = new Mesh();
    const [quick, slow] = [mesh.proxy('web-1'), mesh.proxy('web-2')];
    put(mesh.engine, ruleWith('2s'));
    expect(mesh.counts(ruleKey)).toBe('0 of 2');
    mesh.confirm(quick);
    expect([mesh.counts(ruleKey), mesh.counts(routesKey), mesh.counts(entryKey)]).toEqual([
      '1 of 2',
      '2 of 2',
      '2 of 2',
    ]);
    mesh.confirm(slow);
    expect(mesh.counts(ruleKey)).toBe('2 of 2');
  });

  it('of an edit that changes nothing for the proxies is complete at once', () => {
    const mesh = new Mesh();
    mesh.proxy('web-1');
    put(mesh.engine, routesTo('1s', 2));
    expect(mesh.counts(routesKey)).toBe('1 of 1');
  });

  it('names who refuses it, in the words of the proxy, and only on the object whose change was refused (reliability/R19, policy/P431)', () => {
    const mesh = new Mesh();
    const [good, bad] = [mesh.proxy('web-1'), mesh.proxy('web-2')];
    put(mesh.engine, routesTo('2s', 2));
    mesh.confirm(good);
    for (const answer of mesh.answers(bad)) bad.nack(answer, 'timeout is too long');
    expect(mesh.programming(routesKey)).toMatchObject({
      proxies: 2,
      confirmed: 1,
      rejected: 1,
      rejections: [{ nodeId: 'sidecar~10.0.0.1~web-2.shop~shop.svc.cluster.local', message: 'timeout is too long' }],
    });
    expect(mesh.counts(entryKey)).toBe('2 of 2');
  });

  it('is complete again when another edit is accepted', () => {
    const mesh = new Mesh();
    const client = mesh.proxy('web-1');
    put(mesh.engine, routesTo('2s', 2));
    for (const answer of mesh.answers(client)) client.nack(answer, 'no');
    expect(mesh.programming(routesKey).rejected).toBe(1);
    put(mesh.engine, routesTo('3s', 3));
    expect(mesh.counts(routesKey)).toBe('0 of 1');
    mesh.confirm(client);
    expect(mesh.counts(routesKey)).toBe('1 of 1');
  });

  it('is the same by state of the world', () => {
    const mesh = new Mesh();
    const client = new FakeClient('sotw');
    mesh.server.accept(client, 'sotw');
    const node = { id: 'sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local' };
    client.list('cluster', { node });
    mesh.clock.settle();
    const [first] = client.take();
    client.list('cluster', { responseNonce: first?.nonce ?? '', versionInfo: '1' });
    expect([mesh.counts(ruleKey), mesh.counts(entryKey)]).toEqual(['1 of 1', '1 of 1']);
    put(mesh.engine, ruleWith('2s'));
    mesh.clock.settle();
    const [second] = client.take();
    expect([mesh.counts(ruleKey), mesh.counts(entryKey)]).toEqual(['0 of 1', '1 of 1']);
    client.list('cluster', { responseNonce: second?.nonce ?? '', versionInfo: '2' });
    expect(mesh.counts(ruleKey)).toBe('1 of 1');
  });

  it('forgets proxies that leave', () => {
    const mesh = new Mesh();
    const client = mesh.proxy('web-1');
    mesh.proxy('web-2');
    client.leave({ kind: 'half-closed' });
    expect(mesh.counts(routesKey)).toBe('1 of 1');
  });
});
