import { describe, expect, test } from 'vitest';
import type { Engine } from '../../src/incremental/engine.ts';
import { aMesh, aPeerAuthentication, aPod, aProxy, aService, aShard, put, type ARow } from '../support/mesh-rows.ts';
import { touchedBy } from './views.ts';

/**
 * What a PeerAuthentication sends again. The mesh: services `cart` and `stock` in `shop`, each with a workload behind a proxy with an identity,
 * and a client in `office`.
 */

const cart = 'outbound|80||cart.shop.svc.cluster.local';
const stock = 'outbound|80||stock.shop.svc.cluster.local';
const sidecar = { 'security.istio.io/tlsMode': 'istio' };

function aWorkload(name: string, address: string): readonly ARow[] {
  const pod = { addresses: [address], labels: { app: name, ...sidecar }, serviceAccount: name };
  return [
    aService(name),
    aShard(name, [address]),
    aPod(`${name}-1`, pod),
    aProxy(`${name}-1`, { addresses: [address], secrets: 'stream' }),
  ];
}

function theMesh(...more: readonly ARow[]): Engine {
  return aMesh(
    ...aWorkload('cart', '10.1.0.1'),
    ...aWorkload('stock', '10.2.0.1'),
    aProxy('clerk', { addresses: ['10.9.0.3'], namespace: 'office', secrets: 'stream' }),
    ...more,
  );
}

const modeFor = (app: string, mode: string): ARow =>
  aPeerAuthentication(app, { selector: { matchLabels: { app } }, mtls: { mode } });
const modeOfNamespace = (mode: string): ARow => aPeerAuthentication('shop', { mtls: { mode } });

const everybody = (...resources: readonly string[]): Record<string, readonly string[]> => ({
  'cart-1': resources,
  'stock-1': resources,
  clerk: resources,
});

describe('a PeerAuthentication', () => {
  test('istio-compat/I125, istio-compat/I213: between PERMISSIVE and STRICT it touches the listeners of the workloads that it selects', () => {
    const mesh = theMesh();
    const touched = touchedBy(mesh, () => put(mesh, modeFor('cart', 'STRICT')));
    expect(touched).toEqual({ 'cart-1': ['listener virtualInbound'] });
    expect(touchedBy(mesh, () => put(mesh, modeFor('cart', 'PERMISSIVE')))).toEqual(touched);
  });

  test('istio-compat/I213: to DISABLE also the assignments of their services, at all clients', () => {
    const mesh = theMesh(modeFor('cart', 'STRICT'));
    const touched = touchedBy(mesh, () => put(mesh, modeFor('cart', 'DISABLE')));
    expect(touched).toEqual({
      ...everybody(`endpoints ${cart}`),
      'cart-1': [`endpoints ${cart}`, 'listener virtualInbound'],
    });
  });

  test('of a port touches the assignments of that port alone', () => {
    const two = aService('cart', { ports: ['http:80>8080', 'tcp:81>8081'] });
    const shard = aShard('cart', ['10.1.0.1'], { ports: { http: 8080, tcp: 8081 } });
    const mesh = theMesh(two, shard, modeFor('cart', 'STRICT'));
    const selector = { matchLabels: { app: 'cart' } };
    const portLevelMtls = { 8081: { mode: 'DISABLE' } };
    const policy = aPeerAuthentication('cart', { selector, mtls: { mode: 'STRICT' }, portLevelMtls });
    const assignment = 'endpoints outbound|81||cart.shop.svc.cluster.local';
    expect(touchedBy(mesh, () => put(mesh, policy))).toEqual({
      ...everybody(assignment),
      'cart-1': [assignment, 'listener virtualInbound'],
    });
  });

  test('of a namespace touches its workloads, and nobody else', () => {
    const mesh = theMesh();
    const listener = ['listener virtualInbound'];
    const touched = touchedBy(mesh, () => put(mesh, modeOfNamespace('STRICT')));
    expect(touched).toEqual({ 'cart-1': listener, 'stock-1': listener });
  });

  test('that changes no mode sends nothing', () => {
    const mesh = theMesh(modeOfNamespace('PERMISSIVE'));
    expect(touchedBy(mesh, () => put(mesh, modeFor('cart', 'UNSET')))).toEqual({});
    expect(touchedBy(mesh, () => put(mesh, modeFor('nobody', 'STRICT')))).toEqual({});
  });

  test('one among many runs as many queries as one among few', () => {
    const runsAmong = (services: number): number => {
      const others = Array.from({ length: services }, (_, index) => aWorkload(`other-${index}`, `10.7.${index}.1`));
      const mesh = theMesh(...others.flat());
      let runs = 0;
      touchedBy(mesh, () => {
        const { reran } = put(mesh, modeFor('cart', 'DISABLE'));
        for (const count of reran.values()) runs += count;
      });
      return runs;
    };
    const [few, many] = [runsAmong(5), runsAmong(50)];
    expect(many).toBe(few);
  });
});

describe('a workload', () => {
  test('policy/P5: with a new account touches the clusters of its service and their assignments, of no other', () => {
    const mesh = theMesh();
    const labels = { app: 'cart', ...sidecar };
    const pod = aPod('cart-2', { addresses: ['10.1.0.2'], labels, serviceAccount: 'new' });
    const touched = touchedBy(mesh, () => put(mesh, pod, aShard('cart', ['10.1.0.1', '10.1.0.2'])));
    expect(touched).toEqual(everybody(`cluster ${cart}`, `endpoints ${cart}`));
    expect(JSON.stringify(touched)).not.toContain(stock);
  });

  test('policy/P5: is known by its account before it is ready', () => {
    const mesh = theMesh();
    const labels = { app: 'cart', ...sidecar };
    const pod = aPod('cart-2', { addresses: ['10.1.0.2'], labels, serviceAccount: 'new' });
    const listed = (health: 'healthy' | 'unhealthy') => aShard('cart', ['10.1.0.1', { address: '10.1.0.2', health }]);
    const first = touchedBy(mesh, () => put(mesh, pod, listed('unhealthy')));
    expect(first).toEqual(everybody(`cluster ${cart}`));
    expect(touchedBy(mesh, () => put(mesh, listed('healthy')))).toEqual(everybody(`endpoints ${cart}`));
  });
});
