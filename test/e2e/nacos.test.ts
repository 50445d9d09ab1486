import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EchoService } from '../../deploy/demo/echo-service.ts';
import { fakeNacosRig } from '../support/fake-nacos/fake-nacos-rig.ts';
import type { NacosRig, RunningNacos } from '../cluster/contract/nacos-contract.ts';
import { envoyForTests } from '../support/envoy.ts';
import { PlainNacosClient } from '../support/nacos/plain-client.ts';
import { nacosForTests } from '../support/nacos/programs.ts';
import { realNacosRig } from '../support/nacos/real-nacos-rig.ts';
import { echoOf, TestMesh, until } from '../support/test-mesh.ts';

/** What registers in a Nacos is a service of the mesh: a real Envoy carries its traffic. */

const envoy = await envoyForTests();
const programs = envoy === undefined ? undefined : await nacosForTests();
const rigs: readonly NacosRig[] = [
  fakeNacosRig({ version: '3.1', pushDelay: 50 }),
  ...(programs === undefined ? [] : [realNacosRig({ programs })]),
];

const url = 'http://orders.default-group.public.nacos/';
const route = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: orders, namespace: public }
spec:
  host: orders.default-group.public.nacos
  subsets:
  - { name: v1, labels: { version: v1 } }
  - { name: v2, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: orders, namespace: public }
spec:
  hosts: [orders.default-group.public.nacos]
  http:
  - match: [{ headers: { user: { exact: tester } } }]
    route: [{ destination: { host: orders.default-group.public.nacos, subset: v2 } }]
  - route: [{ destination: { host: orders.default-group.public.nacos, subset: v1 } }]
`;

describe.skipIf(envoy === undefined).each(rigs)('services of $name', (rig) => {
  let nacos: RunningNacos;
  let mesh: TestMesh;
  let provider: PlainNacosClient;
  const instances: EchoService[] = [];

  beforeAll(async () => {
    nacos = await rig.start();
    provider = await PlainNacosClient.connect(nacos.grpcAddress);
    for (const version of ['v1', 'v2']) {
      instances.push(await EchoService.start({ service: 'orders', version, instance: `orders-${version}` }));
    }
    const address = new URL(nacos.httpUrl).host;
    // Instances that listen on this machine alone are nobody's but a test's.
    const flags = ['--nacos', address, '--nacos-list-period', '1s', '--nacos-addresses', '127.0.0.0/8'];
    const client = { name: 'client', app: 'client', version: 'v1', address: '127.0.0.31' };
    mesh = await TestMesh.start(envoy ?? '', [client], {}, flags);
  }, 180_000);

  afterAll(async () => {
    await mesh?.stop();
    provider?.close();
    await Promise.all(instances.map((instance) => instance.stop()));
    await nacos?.stop();
  });

  async function register(versions: readonly string[]): Promise<void> {
    const chosen = versions.map((version) => ({
      ...{ ip: '127.0.0.1', port: instances[version === 'v1' ? 0 : 1]?.port, weight: 1, healthy: true, enabled: true },
      ...{ ephemeral: true, clusterName: 'DEFAULT', metadata: { version } },
    }));
    const service = { namespace: 'public', groupName: 'DEFAULT_GROUP', serviceName: 'orders', module: 'naming' };
    await provider.ask('BatchInstanceRequest', { ...service, type: 'batchRegisterInstance', instances: chosen });
  }

  /** The instances that answer, of many requests. */
  async function answering(headers: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
    const answers = await Promise.all(Array.from({ length: 10 }, () => mesh.ask('client', url, { headers })));
    const names = answers.map((answer) => (answer.status === 200 ? echoOf(answer).instance : String(answer.status)));
    return [...new Set(names)].toSorted();
  }

  const untilAnswering = (...expected: readonly string[]): Promise<void> =>
    until(`answers of ${expected.join(' and ')}`, async () => (await answering()).join() === expected.join());

  it('carry traffic when they are registered, and an instance that deregisters leaves (registries/N43)', async () => {
    await register(['v1', 'v2']);
    await untilAnswering('orders-v1', 'orders-v2');
    await register(['v2']);
    await untilAnswering('orders-v2');
  });

  it('are split into subsets by the metadata of their instances', async () => {
    await register(['v1', 'v2']);
    await mesh.apply('orders.yaml', route);
    await untilAnswering('orders-v1');
    expect(await answering({ user: 'tester' })).toEqual(['orders-v2']);
  });
});
