import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noObserver } from '../../src/xds/observer.ts';
import { GrpcClient, grpcJs, grpcPython } from '../support/grpc-client.ts';
import {
  aGrpcAssignment,
  aGrpcCluster,
  aGrpcRouteTable,
  anApiListener,
  NamedGrpcServer,
} from '../support/grpc-resources.ts';
import { grpcioForTests } from '../support/grpcio.ts';
import { ServedMesh } from '../support/served-mesh.ts';

/** gRPC clients that speak xDS themselves, over state-of-the-world ADS by name: nobody's code but theirs. */

const packages = await grpcioForTests();
const kinds = [grpcJs, ...(packages === undefined ? [] : [grpcPython(packages)])];

describe.each(kinds)('$name without a proxy (xds-protocol/X108, xds-protocol/X202, xds-protocol/X203)', (kind) => {
  let served: ServedMesh;
  let one: NamedGrpcServer;
  let two: NamedGrpcServer;
  let client: GrpcClient;
  let connected: PromiseWithResolvers<void>;
  let disconnected: PromiseWithResolvers<void>;

  beforeEach(async () => {
    connected = Promise.withResolvers();
    disconnected = Promise.withResolvers();
    const observer = {
      ...noObserver,
      connected: () => connected.resolve(),
      disconnected: () => disconnected.resolve(),
    };
    [served, one, two] = await Promise.all([
      ServedMesh.start({ observer }),
      NamedGrpcServer.start('one'),
      NamedGrpcServer.start('two'),
    ]);
    served.server.open();
    client = new GrpcClient(kind, served.address, 'xds:///shop');
  });

  afterEach(async () => {
    await client.kill();
    one.stop();
    two.stop();
    await served.close();
  });

  function putShop(): void {
    served.mesh.change((mesh) => {
      mesh.put('listener', 'shop', anApiListener('shop', 'shop-routes'), { children: ['shop-routes'] });
      mesh.put('listener', 'unrelated', anApiListener('unrelated', 'none'));
      mesh.put('routes', 'shop-routes', aGrpcRouteTable('shop-routes', 'a'));
      mesh.put('cluster', 'a', aGrpcCluster('a'), { children: ['a'] });
      mesh.put('cluster', 'unrelated', aGrpcCluster('unrelated'));
      mesh.put('endpoints', 'a', aGrpcAssignment('a', one.port));
    });
  }

  const statuses = () => served.server.proxies().flatMap(({ types }) => types);
  const statusOf = (name: string) => statuses().find(({ type }) => type === name);

  it('follows names from listener to endpoints, and what changes of them (xds-protocol/X85, xds-protocol/X206)', async () => {
    putShop();
    expect(await client.call()).toBe('ok one');
    served.mesh.put('endpoints', 'a', aGrpcAssignment('a', two.port));
    await client.until('ok two');
    served.mesh.change((mesh) => {
      mesh.put('cluster', 'b', aGrpcCluster('b'), { children: ['b'] });
      mesh.put('endpoints', 'b', aGrpcAssignment('b', one.port));
      mesh.put('routes', 'shop-routes', aGrpcRouteTable('shop-routes', 'b'));
    });
    await client.until('ok one');
    expect(statuses().map(({ type, wildcard }) => [type, wildcard])).toEqual([
      ['cluster', false],
      ['endpoints', false],
      ['listener', false],
      ['routes', false],
    ]);
    expect(statuses().flatMap(({ nack }) => nack ?? [])).toEqual([]);
  });

  it('keeps what it had when it refuses a cluster, is sent that once, and takes what mends it (xds-protocol/X48, xds-protocol/X49, xds-protocol/X89)', async () => {
    putShop();
    expect(await client.call()).toBe('ok one');
    served.mesh.put('cluster', 'a', aGrpcCluster('a', 'MAGLEV'), { children: ['a'] });
    while (statusOf('cluster')?.state !== 'rejected') expect(await client.call()).toBe('ok one');
    const refused = statusOf('cluster')?.sent?.nonce;
    for (let calls = 0; calls < 20; calls++) expect(await client.call()).toBe('ok one');
    expect(statusOf('cluster')?.sent?.nonce).toBe(refused);
    served.mesh.put('cluster', 'a', aGrpcCluster('a'), { children: ['a'] });
    while (statusOf('cluster')?.state !== 'synced') expect(await client.call()).toBe('ok one');
  });

  it('finds a service that comes late (xds-protocol/X23)', async () => {
    const first = client.call();
    // Nothing of it exists while the client asks.
    await connected.promise;
    putShop();
    await first;
    await client.until('ok one');
  });

  it('loses no call while the control plane is away, and hears what changed meanwhile (xds-protocol/X29, xds-protocol/X200)', async () => {
    putShop();
    expect(await client.call()).toBe('ok one');
    await served.stopServing();
    for (let calls = 0; calls < 20; calls++) expect(await client.call()).toBe('ok one');
    served.mesh.put('endpoints', 'a', aGrpcAssignment('a', two.port));
    await served.serveAgain();
    for (let answer = await client.call(); answer !== 'ok two'; answer = await client.call()) {
      expect(answer).toBe('ok one');
    }
  });

  it('leaves nothing behind (xds-protocol/X6, xds-protocol/X22)', async () => {
    putShop();
    expect(await client.call()).toBe('ok one');
    await client.leave();
    await disconnected.promise;
    expect(served.server.size).toEqual({ streams: 0, groups: 0, records: 0, subscriptions: 0 });
  });
});
