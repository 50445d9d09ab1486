import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type * as envoy from '../../src/xds/envoy.ts';
import { decode, encode } from '../../src/xds/proto.ts';
import { transportKinds } from '../../src/xds/transport/transport-kinds.ts';
import { ServedMesh } from '../support/served-mesh.ts';
import { typeNamed } from '../support/tiny-mesh.ts';

/** The client-status service as tools use it, by a gRPC client that is not Weir's. */

const service = '/envoy.service.status.v3.ClientStatusDiscoveryService';
const toBytes = (request: envoy.ClientStatusRequest): Buffer =>
  Buffer.from(encode('envoy.service.status.v3.ClientStatusRequest', request));
const fromBytes = (bytes: Buffer) => decode('envoy.service.status.v3.ClientStatusResponse', bytes);

describe.each(transportKinds)('client status over %s', (transport) => {
  let served: ServedMesh;
  let client: Client;

  beforeEach(async () => {
    served = await ServedMesh.start({ transport });
    served.server.open();
    client = new Client(served.address, credentials.createInsecure());
  });

  afterEach(async () => {
    client.close();
    await served.close();
  });

  function fetch(request: envoy.ClientStatusRequest = {}): Promise<envoy.ClientStatusResponse> {
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(`${service}/FetchClientStatus`, toBytes, fromBytes, request, (error, response) => {
        if (error === null && response !== undefined) resolve(response);
        else reject(error ?? new Error('no answer'));
      });
    });
  }

  async function connect(pod: string) {
    const proxy = served.client('delta');
    const node = { id: `sidecar~10.0.0.1~${pod}.shop~shop.svc.cluster.local` };
    proxy.hello('cluster', {}, node);
    return { proxy, id: node.id, first: await proxy.next() };
  }

  /** The entries of the only proxy. */
  async function entries() {
    const { config = [] } = await fetch();
    expect(config).toHaveLength(1);
    return config[0]?.genericXdsConfigs ?? [];
  }

  it('tells what was sent, acknowledged and refused (xds-protocol/X84)', async () => {
    const { typeUrl } = typeNamed('cluster');
    served.mesh.put('cluster', 'a', '1');
    const { proxy, first } = await connect('web-1');
    expect(await entries()).toMatchObject([{ typeUrl, configStatus: 'STALE', versionInfo: first.version }]);

    proxy.ack(first);
    await proxy.silence();
    const [clusters] = await entries();
    expect(clusters).toMatchObject({ typeUrl, configStatus: 'SYNCED', versionInfo: first.version });
    expect(Math.abs(Number(clusters?.lastUpdated?.seconds) - Date.now() / 1000)).toBeLessThan(600);

    served.mesh.put('cluster', 'a', '2');
    proxy.nack(await proxy.next(), 'a: no such thing');
    await proxy.silence();
    const refused = { configStatus: 'ERROR', errorState: { details: 'a: no such thing' } };
    const [whole, one] = await entries();
    expect(whole).toMatchObject({ typeUrl, ...refused, versionInfo: first.version });
    expect(one).toMatchObject({ typeUrl, name: 'a', ...refused });
  });

  it('gives away no contents', async () => {
    served.mesh.put('secret', 'key', 'private');
    const { proxy } = await connect('web-1');
    proxy.send('secret', { resourceNamesSubscribe: ['key'] });
    await proxy.next();
    expect(JSON.stringify(await fetch())).not.toContain('private');
    expect((await entries()).every(({ xdsConfig }) => xdsConfig === undefined)).toBe(true);
  });

  it.each<[string, envoy.StringMatcher | undefined, readonly string[]]>([
    ['nothing', undefined, ['web-1', 'web-2', 'api-1']],
    ['exact', { exact: 'sidecar~10.0.0.1~web-2.shop~shop.svc.cluster.local' }, ['web-2']],
    ['prefix', { prefix: 'sidecar~10.0.0.1~web' }, ['web-1', 'web-2']],
    ['suffix', { suffix: '~other' }, []],
    ['contains', { contains: 'API-', ignoreCase: true }, ['api-1']],
  ])('selects proxies by %s', async (_, nodeId, expected) => {
    for (const pod of ['web-1', 'web-2', 'api-1']) await connect(pod);
    const { config = [] } = await fetch(nodeId === undefined ? {} : { nodeMatchers: [{ nodeId }] });
    const pods = config.map(({ node }) => /~([^.~]+)\.shop~/.exec(node?.id ?? '')?.[1]);
    expect(pods.toSorted()).toEqual([...expected].toSorted());
  });

  it.each<[string, envoy.NodeMatcher, RegExp]>([
    ['metadata', { nodeMetadatas: [{}] }, /match by node_id/],
    ['a regular expression', { nodeId: { safeRegex: { regex: '.*' } } }, /exact, prefix, suffix and contains only/],
  ])('refuses to select by %s, and says so', async (_, matcher, message) => {
    await expect(fetch({ nodeMatchers: [matcher] })).rejects.toMatchObject({ code: 3, details: message });
  });

  it('answers each request of a stream, and ends it with the client', async () => {
    const call = client.makeBidiStreamRequest(`${service}/StreamClientStatus`, toBytes, fromBytes);
    const answers: number[] = [];
    const ended = new Promise<void>((resolve, reject) => {
      call.on('error', (error: ServiceError) => reject(error));
      call.on('end', () => resolve());
    });
    const next = () =>
      new Promise<void>((resolve) =>
        call.once('data', ({ config = [] }: envoy.ClientStatusResponse) => {
          answers.push(config.length);
          resolve();
        }),
      );
    const first = next();
    call.write({});
    await first;
    await connect('web-1');
    const second = next();
    call.write({});
    await second;
    call.end();
    await ended;
    expect(answers).toEqual([0, 1]);
  });
});
