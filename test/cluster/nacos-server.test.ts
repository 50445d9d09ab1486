import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Nacos } from '../support/nacos/nacos-server.ts';
import { PlainNacosClient, type ServiceInfo } from '../support/nacos/plain-client.ts';
import { nacosForTests } from '../support/nacos/programs.ts';
import { Registrar, RegistrarError } from '../support/nacos/registrar.ts';

/** The real server that tests use, and the application with the official client, do what tests rely on. */

const programs = await nacosForTests();
/** Milliseconds for three servers and what is done to them. */
const clusterTime = 300_000;

describe.skipIf(programs === undefined)('a Nacos of tests', () => {
  if (programs === undefined) return;

  function subscribe(client: PlainNacosClient, serviceName: string) {
    const place = { namespace: 'public', groupName: 'DEFAULT_GROUP', serviceName };
    return client.ask('SubscribeServiceRequest', { ...place, clusters: '', subscribe: true, module: 'naming' });
  }

  describe('standalone, where clients log in', () => {
    let nacos: Nacos;
    let registrar: Registrar;
    beforeAll(async () => {
      nacos = await Nacos.start({ programs, auth: true, meshConfiguration: true });
      registrar = await Registrar.start({ programs, servers: [nacos.node.address], account: nacos.account });
    }, clusterTime);
    afterAll(async () => {
      await registrar.stop();
      await nacos.stop();
    }, clusterTime);

    async function watching(service: string): Promise<PlainNacosClient> {
      const body = new URLSearchParams({ ...nacos.account });
      const answer = await nacos.request('/v1/auth/users/login', { method: 'POST', body });
      const { accessToken } = (await answer.json()) as { accessToken: string };
      const client = await PlainNacosClient.connect(nacos.node.grpcAddress, { accessToken });
      await subscribe(client, service);
      return client;
    }

    it('serves what the official Java client registers, changes and takes away (registries/T1, registries/T20)', async () => {
      const watcher = await watching('orders');
      const instance = { ip: '10.1.0.1', port: 80, metadata: { version: 'v1' } };
      await registrar.do({ do: 'register', service: 'orders', instance });
      const { hosts } = await watcher.instances('orders', ['10.1.0.1:80']);
      expect(hosts).toMatchObject([{ metadata: { version: 'v1' } }]);
      await registrar.do({ do: 'register', service: 'orders', instance: { ...instance, weight: 3 } });
      await watcher.next('NotifySubscriberRequest', ({ serviceInfo }) => {
        const [host] = (serviceInfo as ServiceInfo).hosts;
        return host?.weight === 3;
      });
      await registrar.do({ do: 'deregister', service: 'orders', instance });
      await watcher.instances('orders', []);
      watcher.close();
    });

    it('takes several instances and configuration from it (registries/N17, registries/N22)', async () => {
      const watcher = await watching('stock');
      const instances = ['10.1.1.1', '10.1.1.2', '10.1.1.3'].map((ip) => ({ ip, port: 80 }));
      await registrar.do({ do: 'registerAll', service: 'stock', instances });
      await watcher.instances('stock', ['10.1.1.1:80', '10.1.1.2:80', '10.1.1.3:80']);
      const question = { dataId: 'rules', group: 'DEFAULT_GROUP', tenant: '', module: 'config' };
      const listening = { listen: true, module: 'config', configListenContexts: [{ ...question, md5: '' }] };
      await watcher.ask('ConfigBatchListenRequest', listening);
      await registrar.do({ do: 'publish', dataId: 'rules', content: 'a: 1' });
      await watcher.next('ConfigChangeNotifyRequest');
      const found = await watcher.ask('ConfigQueryRequest', question);
      expect(found.fields).toMatchObject({ content: 'a: 1' });
      watcher.close();
    });

    it('says why it refuses', async () => {
      const instance = { ip: '10.1.0.9', port: 80 };
      const refused = registrar.do({ do: 'register', service: 'not a name \u0000', instance });
      await expect(refused).rejects.toThrow(RegistrarError);
    });

    it('listens on loopback only, with the Mesh Configuration Protocol too (registries/T3, registries/T20)', async () => {
      const outside = Object.values(networkInterfaces())
        .flat()
        .find((address) => address?.internal === false && address.family === 'IPv4')?.address;
      const { address, grpcAddress, meshConfigurationAddress } = nacos.node;
      for (const port of [address, grpcAddress, meshConfigurationAddress].map((text) => Number(text.split(':')[1]))) {
        expect(await answers('127.0.0.1', port)).toBe(true);
        if (outside !== undefined) expect(await answers(outside, port)).toBe(false);
      }
    });
  });

  describe('of three nodes', () => {
    let nacos: Nacos;
    beforeAll(async () => void (nacos = await Nacos.start({ programs, nodes: 3 })), clusterTime);
    afterAll(() => nacos.stop(), clusterTime);

    it(
      'tells at one node what was registered at another, goes on when a node is killed or frozen, and forgets when it is wiped (registries/T9)',
      async () => {
        const [first, second, third] = nacos.nodes;
        if (first === undefined || second === undefined || third === undefined) throw new Error('three nodes');
        const registrar = await Registrar.start({ programs, servers: [second.address] });
        const watcher = await PlainNacosClient.connect(third.grpcAddress);
        await subscribe(watcher, 'orders');
        await registrar.do({ do: 'register', service: 'orders', instance: { ip: '10.2.0.1', port: 80 } });
        await watcher.instances('orders', ['10.2.0.1:80']);

        await nacos.kill(0);
        await registrar.do({ do: 'register', service: 'orders', instance: { ip: '10.2.0.2', port: 80 } });
        await watcher.instances('orders', ['10.2.0.2:80']);
        await nacos.restart(0);

        nacos.freeze(0);
        await registrar.do({ do: 'register', service: 'orders', instance: { ip: '10.2.0.3', port: 80 } });
        await watcher.instances('orders', ['10.2.0.3:80']);
        nacos.thaw(0);

        await registrar.stop();
        watcher.close();
        await nacos.wipe();
        await nacos.startAll();
        const late = await PlainNacosClient.connect(first.grpcAddress);
        const { fields } = await subscribe(late, 'orders');
        late.close();
        expect(fields).toMatchObject({ serviceInfo: { hosts: [] } });
      },
      clusterTime,
    );
  });
});

async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  const connected = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return connected;
}
