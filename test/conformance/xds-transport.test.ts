import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noObserver } from '../../src/xds/observer.ts';
import { listenGrpc, ListenError } from '../../src/xds/transport/grpc.ts';
import { ServedMesh } from '../support/served-mesh.ts';

/** What a transport has to do under the protocol. */

let served: ServedMesh;
let pushedBytes = 0;

beforeEach(async () => {
  pushedBytes = 0;
  served = await ServedMesh.start({
    ...noObserver,
    pushed: ({ bytes }) => {
      pushedBytes += bytes;
    },
  });
  served.server.open();
});

afterEach(() => served.close());

/** A thousand clusters of so many bytes. */
function fill(bytes: number): void {
  served.mesh.change((mesh) => {
    for (let index = 0; index < 1_000; index++) mesh.put('cluster', `c${index}`, `${index}`.padEnd(bytes, 'x'));
  });
}

describe('the transport', () => {
  it('splits what is large into messages of 256 KB (xds-protocol/X45, hot-path/H606)', async () => {
    fill(5_000);
    const client = served.client('delta');
    client.hello('cluster', {});
    const names = new Set<string>();
    while (names.size < 1_000) {
      const received = await client.nextAcked();
      expect(received.bytes).toBeLessThan(300_000);
      for (const resource of received.resources) names.add(resource.slice(0, resource.indexOf('@')));
    }
    expect(await client.silence()).toEqual([]);
  });

  it('sends one resource however large it is (hot-path/H606)', async () => {
    served.mesh.put('cluster', 'large', 'x'.repeat(5_000_000));
    const client = served.client('delta');
    client.hello('cluster', {});
    expect((await client.nextAcked()).bytes).toBeGreaterThan(5_000_000);
  });

  it('stops for a client that does not read, goes on when it does, and serves others meanwhile (xds-protocol/X68)', async () => {
    fill(30_000);
    served.mesh.put('listener', 'l', '1');
    const stalled = served.client('delta');
    stalled.hello('cluster', {});
    await stalled.next();
    stalled.pause();
    const other = served.client('delta');
    other.hello('listener', {});
    expect((await other.nextAcked()).resources).toEqual(['l@1']);
    for (let content = 2; content < 100; content++) {
      served.mesh.put('listener', 'l', String(content));
      await other.nextAcked();
    }
    // The client's library takes 16 messages before it stops.
    expect(pushedBytes).toBeLessThan(8_000_000);
    stalled.resume();
    let count = stalled.trace.reduce((sum, { resources }) => sum + resources.length, 0);
    while (count < 1_000) count += (await stalled.nextAcked()).resources.length;
    expect(count).toBe(1_000);
  });

  it('answers calls that it does not serve by UNIMPLEMENTED (xds-protocol/X8)', async () => {
    const client = new Client(served.address, credentials.createInsecure());
    const same = (bytes: Buffer): Buffer => bytes;
    const codes = await Promise.all(
      [
        '/envoy.service.discovery.v2.AggregatedDiscoveryService/StreamAggregatedResources',
        '/envoy.service.cluster.v3.ClusterDiscoveryService/StreamClusters',
        '/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats',
        '/envoy.service.health.v3.HealthDiscoveryService/StreamHealthCheck',
      ].map(
        (path) =>
          new Promise<number>((resolve) => {
            const call = client.makeBidiStreamRequest<Buffer, Buffer>(path, same, same);
            call.on('error', (error: ServiceError) => resolve(error.code));
            call.on('data', () => undefined);
          }),
      ),
    );
    client.close();
    expect(codes).toEqual([12, 12, 12, 12]);
  });

  it('says which address it cannot listen on', async () => {
    const listening = listenGrpc({ address: served.address, accept: () => undefined });
    await expect(listening).rejects.toThrow(ListenError);
    await expect(listening).rejects.toThrow(`cannot listen on ${served.address}`);
  });

  it('cuts streams that do not end when the grace is over', async () => {
    const listener = await listenGrpc({ address: '127.0.0.1:0', accept: () => undefined });
    const client = new Client(listener.address, credentials.createInsecure());
    const same = (bytes: Buffer): Buffer => bytes;
    const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';
    const call = client.makeBidiStreamRequest<Buffer, Buffer>(path, same, same);
    call.write(Buffer.alloc(0));
    const failed = new Promise<number>((resolve) => call.on('error', (error: ServiceError) => resolve(error.code)));
    await new Promise<void>((resolve, reject) => {
      client.waitForReady(Date.now() + 5_000, (error) => (error === undefined ? resolve() : reject(error)));
    });
    await listener.close(AbortSignal.abort());
    expect(await failed).toBeGreaterThan(0);
    client.close();
  });
});
