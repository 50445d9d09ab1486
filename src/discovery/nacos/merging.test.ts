import { expect, it } from 'vitest';
import { FakeNacos } from '../../../test/support/fake-nacos/fake-nacos.ts';
import { FollowedNacos } from '../../../test/support/followed-nacos.ts';
import { aService, aServiceKey } from '../../../test/support/mesh-rows.ts';
import type { Engine } from '../../incremental/engine.ts';
import { endpointShardKey } from '../../model/keys.ts';
import { endpointShards, services } from '../../model/tables.ts';
import { serviceEndpoints } from '../../policy/endpoints.ts';
import { SharedRows } from '../shared-rows.ts';

it('a service of Kubernetes and of a Nacos is one, with the endpoints of both, and what it is Kubernetes says (registries/F20)', async () => {
  const fake = await FakeNacos.start({ version: '2.5' });
  fake.services.set({ service: 'orders' }, [{ ip: '10.1.0.1', port: 9000 }]);
  let cluster: Pick<Engine, 'batch'> | undefined;
  const followed = FollowedNacos.start(
    [fake],
    {
      namespaces: [{ id: 'public', meshNamespace: 'shop' }],
      hosts: { kind: 'kubernetes', domain: 'cluster.local' },
    },
    (engine) => {
      const shared = new SharedRows(engine);
      cluster = shared.writerOf({ name: 'kubernetes', kind: 'kubernetes', rank: 1 });
      return shared.writerOf({ name: 'nacos', kind: 'nacos', rank: 3 });
    },
  );
  const key = aServiceKey('orders');
  const origin = { kind: 'Service', namespace: 'shop', name: 'orders', origin: { source: 'kubernetes' } };
  const ofCluster = {
    key: endpointShardKey(key, 'kubernetes', 'orders-1'),
    service: key,
    ports: { http: 8080 },
    endpoints: [{ address: '10.0.0.1', health: 'healthy' as const }],
    declaredBy: origin,
  };
  cluster?.batch({ source: 'kubernetes', at: 0 }, (write) => {
    aService('orders', { ports: ['http:8000>8080'] }).put(write);
    write.put(endpointShards, ofCluster);
  });
  await followed.untilSynced();
  const endpoints = () =>
    followed.engine.read(serviceEndpoints, key).map(({ address, ports }) => `${address}:${ports['http']}`);
  expect(endpoints()).toEqual(['10.0.0.1:8080', '10.1.0.1:9000']);
  expect(followed.services).toMatchObject([{ registry: 'kubernetes', ports: [{ number: 8000 }] }]);
  expect(followed.problems).toEqual([]);
  // Moved: it is in Kubernetes no more, and Nacos says what it is.
  cluster?.batch({ source: 'kubernetes', at: 1 }, (write) => {
    write.remove(services, key);
    write.remove(endpointShards, ofCluster.key);
  });
  expect(endpoints()).toEqual(['10.1.0.1:9000']);
  expect(followed.services).toMatchObject([{ registry: 'nacos', ports: [{ number: 80 }] }]);
  await followed.stop();
  await fake.stop();
});
