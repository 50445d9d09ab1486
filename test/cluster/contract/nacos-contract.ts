import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  addressesOf,
  PlainNacosClient,
  type NacosMessage,
  type ServiceInfo,
} from '../../support/nacos/plain-client.ts';

/** What a Nacos server does, whoever made it: the real one and the fake are held to the same tests, by plain messages. */

export interface NacosRig {
  /** Of the server and its version, for the names of tests. */
  readonly name: string;
  /** Whether it has the fuzzy watch of 3.x. */
  readonly fuzzyWatch: boolean;
  /** Settles when clients can use it. */
  start(): Promise<RunningNacos>;
}

export interface RunningNacos {
  /** `host:port` of gRPC. */
  readonly grpcAddress: string;
  /** `http://host:port` and the context path, for example `http://127.0.0.1:8848/nacos`. */
  readonly httpUrl: string;
  /** Of somebody who may do everything; undefined: nobody has to log in. */
  readonly account: { readonly username: string; readonly password: string } | undefined;
  stop(): Promise<void>;
}

/** Milliseconds for a server to start. */
const startTime = 180_000;
const group = 'DEFAULT_GROUP';

/** Naming and configuration, of a server that asks nobody to log in. */
export function describeNacosContract(rig: NacosRig): void {
  describe(`naming and configuration of ${rig.name}`, () => {
    let nacos: RunningNacos;
    const clients: PlainNacosClient[] = [];

    beforeAll(async () => void (nacos = await rig.start()), startTime);
    afterAll(() => nacos.stop(), startTime);
    afterEach(() => {
      for (const client of clients.splice(0)) client.close();
    });

    async function connect(): Promise<PlainNacosClient> {
      const client = await PlainNacosClient.connect(nacos.grpcAddress);
      clients.push(client);
      return client;
    }

    it('says that it tells its abilities, and has the fuzzy watch or answers 302 (N17.2, N17.13, T24)', async () => {
      const client = await connect();
      const { fields } = await client.ask('ServerCheckRequest');
      expect(fields).toMatchObject({ resultCode: 200, supportAbilityNegotiation: true });
      const pattern = { namespace: 'public', groupKeyPattern: `public>>*>>${aName()}`, watchType: 'WATCH' };
      const request = { ...pattern, initializing: true, receivedGroupKeys: [], module: 'naming' };
      const answer = await client.ask('NamingFuzzyWatchRequest', request);
      expect(answer.type).toBe(rig.fuzzyWatch ? 'NamingFuzzyWatchResponse' : 'ErrorResponse');
      expect(answer.fields['errorCode']).toBe(rig.fuzzyWatch ? 0 : 302);
    });

    it('refuses a client that has not set up its connection with 301 (N17.16, N31)', async () => {
      const client = PlainNacosClient.unregistered(nacos.grpcAddress);
      clients.push(client);
      const answer = await client.ask('SubscribeServiceRequest', subscription(aName()));
      expect(answer).toMatchObject({ type: 'ErrorResponse', fields: { errorCode: 301 } });
    });

    it('answers a subscription with what there is, and pushes the whole service at each change (N17.8, N17.9)', async () => {
      const [watcher, provider, service] = [await connect(), await connect(), aName()];
      const first = await watcher.ask('SubscribeServiceRequest', subscription(service));
      expect(first.type).toBe('SubscribeServiceResponse');
      expect(first.fields).toMatchObject({ resultCode: 200, serviceInfo: { hosts: [] } });
      const instance = anInstance('10.0.0.1', { metadata: { v: '1' } });
      await provider.ask('InstanceRequest', { ...place(service), type: 'registerInstance', instance });
      const { groupName, hosts } = await watcher.instances(service, ['10.0.0.1:8080']);
      expect(groupName).toBe(group);
      expect(hosts).toMatchObject([{ weight: 1.5, healthy: true, enabled: true, metadata: { v: '1' } }]);
      await provider.ask('InstanceRequest', { ...place(service), type: 'deregisterInstance', instance });
      await watcher.instances(service, []);
    });

    it('takes several instances from one client, and gives them to who asks (N17.10, N17.11, N17.12)', async () => {
      const [client, service] = [await connect(), aName()];
      const registered = await registerAll(client, service, [anInstance('10.0.1.1'), anInstance('10.0.1.2')]);
      expect(registered).toMatchObject({ type: 'BatchInstanceResponse', fields: { resultCode: 200 } });
      const question = { ...place(service), cluster: '', healthyOnly: false, udpPort: 0 };
      const queried = await client.ask('ServiceQueryRequest', question);
      const { hosts } = queried.fields['serviceInfo'] as ServiceInfo;
      expect(addressesOf(hosts)).toEqual(['10.0.1.1:8080', '10.0.1.2:8080']);
      const listed = await client.ask('ServiceListRequest', listing(group));
      expect(listed.fields['serviceNames']).toContain(service);
      const nowhere = await client.ask('ServiceListRequest', listing(''));
      expect(nowhere.fields).toMatchObject({ resultCode: 200, count: 0 });
    });

    it('takes away what a client has registered when its connection ends (N38)', async () => {
      const [watcher, service] = [await connect(), aName()];
      const provider = await PlainNacosClient.connect(nacos.grpcAddress);
      await registerAll(provider, service, [anInstance('10.0.2.1')]);
      await watcher.ask('SubscribeServiceRequest', subscription(service));
      await watcher.instances(service, ['10.0.2.1:8080']);
      provider.close();
      await watcher.instances(service, []);
    });

    it('leaves disabled instances out, and says which are not healthy (N19)', async () => {
      const [watcher, provider, service] = [await connect(), await connect(), aName()];
      await watcher.ask('SubscribeServiceRequest', subscription(service));
      await registerAll(provider, service, [
        anInstance('10.0.3.1'),
        anInstance('10.0.3.2', { enabled: false }),
        anInstance('10.0.3.3', { healthy: false }),
      ]);
      const { hosts } = await watcher.instances(service, ['10.0.3.1:8080', '10.0.3.3:8080']);
      expect(hosts.find(({ ip }) => ip === '10.0.3.3')).toMatchObject({ healthy: false });
    });

    it('keeps configuration, and tells who listens when it changes (N22, T23)', async () => {
      const [watcher, writer, dataId] = [await connect(), await connect(), aName()];
      const config = { dataId, group: 'mapping', tenant: '', module: 'config' };
      const missing = await watcher.ask('ConfigQueryRequest', config);
      expect(missing).toMatchObject({ type: 'ConfigQueryResponse', fields: { errorCode: 300 } });
      const published = await writer.ask('ConfigPublishRequest', { ...config, content: 'a', additionMap: {} });
      expect(published).toMatchObject({ type: 'ConfigPublishResponse', fields: { resultCode: 200 } });
      const contexts = [{ dataId, group: 'mapping', tenant: '', md5: '' }];
      const listening = { listen: true, module: 'config', configListenContexts: contexts };
      const heard = await watcher.ask('ConfigBatchListenRequest', listening);
      expect(heard).toMatchObject({ type: 'ConfigChangeBatchListenResponse', fields: { resultCode: 200 } });
      await writer.ask('ConfigPublishRequest', { ...config, content: 'b', additionMap: {} });
      // The notice of the first word may come after the second was taken.
      let found = heard;
      while (found.fields['content'] !== 'b') {
        await watcher.next('ConfigChangeNotifyRequest', (fields) => fields['dataId'] === dataId);
        found = await watcher.ask('ConfigQueryRequest', config);
      }
      expect(found.fields).toMatchObject({ contentType: 'text', md5: '92eb5ffee6ae2fec3ad71c777531578f' });
    });
  });
}

/** Logging in, of a server that demands it. */
export function describeNacosLoginContract(rig: NacosRig): void {
  describe(`logging in to ${rig.name}`, () => {
    let nacos: RunningNacos;
    beforeAll(async () => void (nacos = await rig.start()), startTime);
    afterAll(() => nacos.stop(), startTime);

    it('refuses who has not, with 403 in the answer of the request (T24)', async () => {
      const client = await PlainNacosClient.connect(nacos.grpcAddress);
      const refused = await client.ask('SubscribeServiceRequest', subscription(aName()));
      client.close();
      expect(refused).toMatchObject({ type: 'SubscribeServiceResponse', fields: { errorCode: 403 } });
    });

    it('serves who shows a token, which has an end (N24)', async () => {
      const answer = await login(nacos, nacos.account?.password ?? '');
      const { accessToken, tokenTtl } = (await answer.json()) as { accessToken: string; tokenTtl: number };
      expect(tokenTtl).toBeGreaterThan(0);
      const client = await PlainNacosClient.connect(nacos.grpcAddress, { accessToken });
      const served = await client.ask('SubscribeServiceRequest', subscription(aName()));
      client.close();
      expect(served).toMatchObject({ type: 'SubscribeServiceResponse', fields: { resultCode: 200 } });
    });

    it('answers a wrong password with 403 or 500 (T25)', async () => {
      expect([403, 500]).toContain((await login(nacos, 'wrong')).status);
    });
  });
}

function login({ httpUrl, account }: RunningNacos, password: string): Promise<Response> {
  const body = new URLSearchParams({ username: account?.username ?? '', password });
  return fetch(`${httpUrl}/v1/auth/users/login`, { method: 'POST', body });
}

function aName(): string {
  return `s-${randomUUID()}`;
}

function place(service: string) {
  return { namespace: 'public', groupName: group, serviceName: service, module: 'naming' };
}

function subscription(service: string) {
  return { ...place(service), clusters: '', subscribe: true };
}

function listing(groupName: string) {
  const page = { pageNo: 1, pageSize: 10_000, selector: '' };
  return { namespace: 'public', groupName, ...page, module: 'naming' };
}

function registerAll(client: PlainNacosClient, service: string, instances: readonly object[]): Promise<NacosMessage> {
  return client.ask('BatchInstanceRequest', { ...place(service), type: 'batchRegisterInstance', instances });
}

function anInstance(ip: string, further: Readonly<Record<string, unknown>> = {}) {
  const usual = { port: 8080, weight: 1.5, healthy: true, enabled: true, ephemeral: true, clusterName: 'DEFAULT' };
  return { ip, ...usual, metadata: {}, ...further };
}
