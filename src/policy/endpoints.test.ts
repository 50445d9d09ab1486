import { describe, expect, test } from 'vitest';
import type { Health, ShardEndpoint } from '../model/endpoint.ts';
import {
  aMesh,
  aNode,
  aPod,
  aService,
  aServiceEntry,
  aServiceKey,
  aShard,
  aWorkloadEntry,
  put,
  remove,
} from '../../test/support/mesh-rows.ts';
import { nodeKey, serviceKey, workloadKey } from '../model/keys.ts';
import { serviceEndpoints } from './endpoints.ts';

const web = aServiceKey('web');
const api = serviceKey('shop', 'api.example.com');
const n1 = nodeKey('files', 'n1');

function anEntry(spec: object) {
  const ports = [{ number: 80, name: 'http', protocol: 'HTTP', targetPort: 8080 }];
  return aServiceEntry('out', { hosts: ['api.example.com'], ports, resolution: 'STATIC', ...spec });
}

describe('endpoints that a registry lists', () => {
  test('are joined with their workloads and nodes, sorted by address', () => {
    const engine = aMesh(
      aService('web'),
      aShard('web', ['10.0.0.9', { address: '10.0.0.1', workload: workloadKey('files', 'shop', 'web-1') }]),
      aPod('web-1', { labels: { app: 'web', version: 'v1' }, serviceAccount: 'web', node: n1 }),
      aNode('n1', { region: 'eu', zone: 'eu-1' }),
    );
    expect(engine.read(serviceEndpoints, web)).toEqual([
      {
        address: '10.0.0.1',
        ports: { http: 8080 },
        health: 'healthy',
        weight: 1,
        labels: { app: 'web', version: 'v1' },
        locality: { region: 'eu', zone: 'eu-1', subZone: '' },
        serviceAccount: 'web',
        workloadName: 'web-1',
        namespace: 'shop',
      },
      expect.objectContaining({ address: '10.0.0.9', labels: {}, workloadName: '' }),
    ]);
  });

  test('find a workload that the source does not name by its address, in their own namespace', () => {
    const pod = { addresses: ['10.0.0.1'], labels: { version: 'v1' } };
    const engine = aMesh(aService('web'), aShard('web', ['10.0.0.1']), aPod('web-1', { ...pod, namespace: 'other' }));
    expect(engine.read(serviceEndpoints, web)[0]?.labels).toEqual({});
    put(engine, aPod('web-1', pod));
    expect(engine.read(serviceEndpoints, web)[0]?.labels).toEqual({ version: 'v1' });
  });

  test('kubernetes/K77: are not taken for a workload of another cluster that has the same address', () => {
    const east = { key: workloadKey('east', 'shop', 'web-1'), addresses: ['10.0.0.1'], labels: { version: 'v1' } };
    const engine = aMesh(aService('web'), aShard('web', ['10.0.0.1']), aPod('web-1', east));
    expect(engine.read(serviceEndpoints, web)[0]).toMatchObject({ labels: {}, workloadName: '' });
  });

  test('kubernetes/K77: are nobody’s while the workload that is named has another address, and whose address it is is not guessed', () => {
    const named = workloadKey('files', 'shop', 'web-0');
    const engine = aMesh(aService('web'), aShard('web', [{ address: '10.0.0.1', workload: named }]));
    put(engine, aPod('other', { addresses: ['10.0.0.1'], labels: { app: 'other' } }));
    expect(engine.read(serviceEndpoints, web)[0]).toMatchObject({ labels: {}, workloadName: '' });
    put(engine, aPod('web-0', { addresses: ['10.0.0.2'] }));
    expect(engine.read(serviceEndpoints, web)[0]).toMatchObject({ labels: {}, workloadName: '' });
    put(engine, aPod('web-0', { addresses: ['10.0.0.1'] }));
    expect(engine.read(serviceEndpoints, web)[0]).toMatchObject({ workloadName: 'web-0' });
  });

  test('are where their node is, else in the zone that the list names', () => {
    const engine = aMesh(aService('web'), aShard('web', [{ node: n1, zone: 'z' }]));
    expect(engine.read(serviceEndpoints, web)[0]?.locality).toEqual({ region: '', zone: 'z', subZone: '' });
    put(engine, aNode('n1', { region: 'eu', zone: 'eu-1' }));
    expect(engine.read(serviceEndpoints, web)[0]?.locality).toEqual({ region: 'eu', zone: 'eu-1', subZone: '' });
  });

  test('are where their workload is only if the list says nothing of it', () => {
    const engine = aMesh(
      aNode('n1', { region: 'eu', zone: 'eu-1' }),
      aPod('web-1', { addresses: ['10.0.0.1'], node: n1 }),
      aService('web'),
      aShard('web', [{ address: '10.0.0.1' }]),
    );
    expect(engine.read(serviceEndpoints, web)[0]?.locality).toEqual({ region: 'eu', zone: 'eu-1', subZone: '' });
    put(engine, aShard('web', [{ address: '10.0.0.1', zone: 'z' }]));
    expect(engine.read(serviceEndpoints, web)[0]?.locality).toEqual({ region: '', zone: 'z', subZone: '' });
  });

  test('kubernetes/K75: several lists are one, and an endpoint in two of them counts once', () => {
    const engine = aMesh(
      aService('web'),
      aShard('web', ['10.0.0.2', '10.0.0.1'], { name: 'web-a' }),
      aShard('web', ['10.0.0.3', '10.0.0.1'], { name: 'web-b' }),
    );
    const addresses = engine.read(serviceEndpoints, web).map(({ address }) => address);
    expect(addresses).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  });

  test('kubernetes/K76: traffic goes to ready ones, to draining ones only while none is ready', () => {
    const engine = aMesh(aService('web'));
    const served = (...healths: readonly Health[]) => {
      const endpoints = healths.map((health, index) => ({ address: `10.0.0.${index}`, health }));
      put(engine, aShard('web', endpoints));
      return engine.read(serviceEndpoints, web).map(({ address, health }) => `${address} ${health}`);
    };
    expect(served('healthy', 'unhealthy', 'draining')).toEqual(['10.0.0.0 healthy']);
    expect(served('unhealthy', 'draining')).toEqual(['10.0.0.1 healthy']);
    expect(served('unhealthy')).toEqual([]);
  });

  test('reliability/R51: an endpoint whose removal is on hold is served as degraded, beside others and alone', () => {
    const engine = aMesh(aService('web'));
    const served = (...endpoints: readonly ShardEndpoint[]) => {
      put(engine, aShard('web', endpoints));
      return engine.read(serviceEndpoints, web).map(({ address, health }) => `${address} ${health}`);
    };
    const held: ShardEndpoint = { address: '10.0.0.2', health: 'degraded' };
    const leaving: ShardEndpoint = { address: '10.0.0.3', health: 'draining' };
    expect(served({ address: '10.0.0.1', health: 'healthy' }, held, leaving)).toEqual([
      ...['10.0.0.1 healthy', '10.0.0.2 degraded'],
    ]);
    expect(served(held, leaving)).toEqual(['10.0.0.2 degraded']);
  });

  test('kubernetes/K76: a service that publishes what is not ready gets all of them', () => {
    const shard = aShard('web', [{ address: '10.0.0.1', health: 'unhealthy' }]);
    const engine = aMesh(aService('web', { publishNotReady: true }), shard);
    expect(engine.read(serviceEndpoints, web)).toMatchObject([{ address: '10.0.0.1', health: 'healthy' }]);
  });

  test('istio-compat/I190: a new endpoint that is not ready changes nothing', () => {
    const engine = aMesh(aService('web'), aShard('web', ['10.0.0.1']));
    let changes = 0;
    engine.watch(serviceEndpoints, web, () => changes++);
    put(engine, aShard('web', ['10.0.0.1', { address: '10.0.0.2', health: 'unhealthy' }]));
    expect(changes).toBe(0);
  });

  test('an empty list is an answer: pods are not looked at', () => {
    const engine = aMesh(aService('web'), aPod('web-1', { labels: { app: 'web' } }), aShard('web', []));
    expect(engine.read(serviceEndpoints, web)).toEqual([]);
  });
});

describe('a selector without any list', () => {
  test('takes the ready pods that it selects, ports resolved by number and name', () => {
    const engine = aMesh(
      aService('web', { ports: ['http:80>8080', 'grpc:81>rpc', 'tcp:82>absent'] }),
      aPod('web-1', { addresses: ['10.0.0.1', 'fd00::1'], labels: { app: 'web' }, namedPorts: { rpc: 9090 } }),
      aPod('web-2', { addresses: ['10.0.0.2'], labels: { app: 'web' }, ready: false }),
      aPod('web-3', { addresses: ['10.0.0.3'], labels: { app: 'web' }, namespace: 'other' }),
      aPod('db-1', { addresses: ['10.0.0.4'], labels: { app: 'db' } }),
    );
    expect(engine.read(serviceEndpoints, web)).toMatchObject([
      { address: '10.0.0.1', ports: { http: 8080, grpc: 9090 }, workloadName: 'web-1' },
    ]);
  });

  test('istio-compat/I192: gives way to the first list', () => {
    const engine = aMesh(aService('web'), aPod('web-1', { labels: { app: 'web' } }));
    const list = aShard('web', ['10.0.0.9']);
    put(engine, list);
    expect(engine.read(serviceEndpoints, web).map(({ address }) => address)).toEqual(['10.0.0.9']);
    remove(engine, list);
    expect(engine.read(serviceEndpoints, web).map(({ address }) => address)).toEqual(['10.0.0.1']);
  });
});

describe('endpoints of a service entry', () => {
  test('policy/E6: are listed in it', () => {
    const engine = aMesh(
      anEntry({
        endpoints: [
          { address: '10.1.0.2', weight: 3, labels: { v: '1' }, locality: 'eu/eu-1' },
          { address: '10.1.0.1', ports: { http: 9 } },
        ],
      }),
    );
    expect(engine.read(serviceEndpoints, api)).toMatchObject([
      { address: '10.1.0.1', ports: { http: 9 }, weight: 1 },
      {
        address: '10.1.0.2',
        ports: { http: 8080 },
        weight: 3,
        labels: { v: '1' },
        locality: { region: 'eu', zone: 'eu-1' },
      },
    ]);
  });

  test('policy/E6: or are the WorkloadEntries and pods of its namespace that it selects', () => {
    const engine = aMesh(
      anEntry({ workloadSelector: { labels: { app: 'api' } } }),
      aWorkloadEntry('vm-1', { address: '10.2.0.1', labels: { app: 'api', version: 'v1' } }),
      aWorkloadEntry('vm-2', { address: '10.2.0.2', labels: { app: 'api' } }, { namespace: 'other' }),
      aWorkloadEntry('vm-3', { address: '10.2.0.3', labels: { app: 'else' } }),
      aPod('api-1', { addresses: ['10.0.0.1'], labels: { app: 'api' } }),
      aPod('api-2', { addresses: ['10.0.0.2'], labels: { app: 'api' }, ready: false }),
    );
    expect(engine.read(serviceEndpoints, api)).toMatchObject([
      { address: '10.0.0.1', ports: { http: 8080 }, workloadName: 'api-1' },
      { address: '10.2.0.1', ports: { http: 8080 }, labels: { app: 'api', version: 'v1' }, workloadName: 'vm-1' },
    ]);
  });

  test('policy/E7: a WorkloadEntry whose address is a name stays out of lists of addresses, which proxies would refuse whole', () => {
    const engine = aMesh(
      aService('web'),
      aShard('web', ['10.0.0.1']),
      aWorkloadEntry('vm', { address: 'vm.example.com', labels: { app: 'web' } }),
    );
    expect(engine.read(serviceEndpoints, web).map(({ address }) => address)).toEqual(['10.0.0.1']);
  });

  test('policy/E7: a WorkloadEntry brings its ports, weight, locality and account', () => {
    const engine = aMesh(
      anEntry({ workloadSelector: { labels: { app: 'api' } } }),
      aWorkloadEntry('vm', {
        address: '10.2.0.1',
        labels: { app: 'api' },
        ports: { http: 7070, other: 1 },
        weight: 5,
        locality: 'eu/eu-1/rack',
        serviceAccount: 'api',
      }),
    );
    expect(engine.read(serviceEndpoints, api)).toMatchObject([
      {
        ports: { http: 7070 },
        weight: 5,
        locality: { region: 'eu', zone: 'eu-1', subZone: 'rack' },
        serviceAccount: 'api',
      },
    ]);
  });

  test('policy/E2: with DNS and no endpoints the host itself is resolved', () => {
    const engine = aMesh(anEntry({ resolution: 'DNS' }));
    expect(engine.read(serviceEndpoints, api)).toMatchObject([{ address: 'api.example.com', ports: { http: 8080 } }]);
  });

  test('policy/E2: with NONE there are none: connections go where they were dialled', () => {
    expect(aMesh(anEntry({ resolution: 'NONE' })).read(serviceEndpoints, api)).toEqual([]);
  });
});

test('a WorkloadEntry that a Kubernetes service selects is one of its endpoints', () => {
  const engine = aMesh(
    aService('web'),
    aShard('web', ['10.0.0.1']),
    aWorkloadEntry('vm', { address: '10.2.0.1', labels: { app: 'web' } }),
  );
  expect(engine.read(serviceEndpoints, web).map(({ address }) => address)).toEqual(['10.0.0.1', '10.2.0.1']);
});
