import { describe, expect, test } from 'vitest';
import {
  aDestinationRule,
  aMesh,
  aMeshConfig,
  aPod,
  aProxy,
  aService,
  aShard,
  hostOf,
  put,
} from '../../test/support/mesh-rows.ts';
import type { Engine } from '../incremental/engine.ts';
import { proxyKey } from '../model/keys.ts';
import { inboundPorts } from './inbound.ts';
import { scopesOf } from './scope.ts';

function portsOf(engine: Engine, proxy = 'web-1') {
  const [, inbound] = engine.read(scopesOf, proxyKey(proxy)).cluster;
  return inbound === undefined ? [] : engine.read(inboundPorts, inbound);
}

const proxy = aProxy('web-1', { labels: { app: 'web' }, podPorts: [{ name: 'web', containerPort: 8080 }] });

describe('inboundPorts', () => {
  test('policy/P322: are the ports on the workload behind its services, found by number and by name', () => {
    const engine = aMesh(proxy, aService('web', { ports: ['http:80>web', 'grpc:90>9090', 'tcp:70>absent', 'udp:53'] }));
    expect(portsOf(engine)).toEqual([
      expect.objectContaining({ port: 8080, servicePort: 80, protocol: 'http', hostname: hostOf('web') }),
      expect.objectContaining({ port: 9090, servicePort: 90, protocol: 'grpc' }),
    ]);
  });

  test("the registry's named ports count before those that the node announces", () => {
    const pod = aPod('web-1', { labels: { app: 'web' }, namedPorts: { web: 9000 } });
    const engine = aMesh(proxy, pod, aService('web', { ports: ['http:80>web'] }));
    expect(portsOf(engine).map(({ port }) => port)).toEqual([9000]);
  });

  test('policy/P322: of two services on one port the oldest counts', () => {
    const engine = aMesh(
      proxy,
      aService('web', { ports: ['http:80>8080'], createdAt: 2 }),
      aService('alias', { ports: ['tcp:81>8080'], selector: { app: 'web' }, createdAt: 1 }),
    );
    expect(portsOf(engine)).toMatchObject([{ port: 8080, protocol: 'tcp', servicePort: 81 }]);
  });

  test('are those of the list where a source lists the address', () => {
    const engine = aMesh(
      proxy,
      aService('listed', { selector: undefined, ports: ['http:80'] }),
      aShard('listed', ['10.0.0.1'], { ports: { http: 9090 } }),
    );
    expect(portsOf(engine)).toMatchObject([{ port: 9090, servicePort: 80 }]);
  });
});

describe('limits on the side of the server', () => {
  const limited = (maxConnections: number) => ({ connectionPool: { tcp: { maxConnections } } });
  const limitOf = (engine: Engine) => portsOf(engine)[0]?.connectionPool?.maxConnections;

  test('policy/D14: are those of the port, else of the rule, else of the mesh', () => {
    const engine = aMesh(proxy, aService('web'), aMeshConfig({ defaultTrafficPolicy: undefined }));
    expect(limitOf(engine)).toBeUndefined();
    put(engine, aDestinationRule('web', { host: 'web', trafficPolicy: limited(7) }));
    expect(limitOf(engine)).toBe(7);
    const portLevelSettings = [{ port: { number: 80 }, ...limited(3) }];
    put(engine, aDestinationRule('web', { host: 'web', trafficPolicy: { ...limited(7), portLevelSettings } }));
    expect(limitOf(engine)).toBe(3);
  });

  test('policy/D14: come from no rule for some clients, and from no subset', () => {
    const engine = aMesh(
      proxy,
      aService('web'),
      aDestinationRule('clients', {
        host: 'web',
        workloadSelector: { matchLabels: { app: 'web' } },
        trafficPolicy: limited(1),
      }),
      aDestinationRule('subset', {
        host: 'web',
        subsets: [{ name: 'v1', labels: { app: 'web' }, trafficPolicy: limited(2) }],
      }),
    );
    expect(limitOf(engine)).toBeUndefined();
  });

  test('policy/P120: come from rules that the own namespace sees', () => {
    const rule = { host: hostOf('web'), trafficPolicy: limited(9) };
    const engine = aMesh(proxy, aService('web'), aDestinationRule('web', rule, { namespace: 'other' }));
    expect(limitOf(engine)).toBeUndefined();
  });
});
