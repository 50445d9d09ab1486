import { Client, credentials, Metadata, type ClientDuplexStream } from '@grpc/grpc-js';
import { decode, encode } from '../../src/xds/proto.ts';

const request = 'envoy.service.discovery.v3.DeltaDiscoveryRequest';
const response = 'envoy.service.discovery.v3.DeltaDiscoveryResponse';
const typeUrl = (name: string): string => `type.googleapis.com/envoy.config.${name}`;
const clusterType = typeUrl('cluster.v3.Cluster');
const endpointsType = typeUrl('endpoint.v3.ClusterLoadAssignment');
const listenerType = typeUrl('listener.v3.Listener');
const routesType = typeUrl('route.v3.RouteConfiguration');
const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';

/** A sidecar that acknowledges at once and looks at names only: the receiving end of a benchmark. */
export class DeltaClient {
  private readonly client: Client;
  private readonly stream: ClientDuplexStream<Uint8Array, Buffer>;
  private readonly received = new Map<string, Set<string>>();
  private readonly waiting: { readonly met: () => boolean; readonly resolve: () => void }[] = [];
  private readonly awaited = new Map<string, () => void>();

  constructor(address: string, nodeId: string) {
    this.client = new Client(address, credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      // As Envoy's (hot-path H1004): with the default of 64 KB a large response waits for many round trips.
      'grpc-node.flow_control_window': 16 * 1024 * 1024,
    });
    this.stream = this.client.makeBidiStreamRequest<Uint8Array, Buffer>(
      path,
      (bytes) => Buffer.from(bytes),
      (bytes) => bytes,
      new Metadata(),
    );
    this.stream.on('data', (bytes: Buffer) => this.receive(bytes));
    this.stream.on('error', () => undefined);
    this.send({ node: { id: nodeId }, typeUrl: clusterType });
  }

  /**
   * Asks for clusters, their assignments, listeners and the named route configurations, and waits until all have come.
   *
   * @param services how many services have a cluster; a response may hold a part of them
   */
  async subscribeToView(services: number, routes: readonly string[]): Promise<void> {
    await this.until(() => this.names(clusterType).size > services);
    const assignments = [...this.names(clusterType)].filter((name) => name.startsWith('outbound|'));
    this.send({ typeUrl: endpointsType, resourceNamesSubscribe: assignments });
    await this.until(() => this.names(endpointsType).size >= assignments.length);
    this.send({ typeUrl: listenerType });
    this.send({ typeUrl: routesType, resourceNamesSubscribe: [...routes] });
    await this.until(() => this.names(routesType).size >= routes.length && this.names(listenerType).size > 0);
  }

  /** Settles when a resource of this name comes next. */
  next(name: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.awaited.set(name, resolve);
    return promise;
  }

  close(): void {
    this.stream.cancel();
    this.client.close();
  }

  private receive(bytes: Buffer): void {
    const message = decode(response, bytes);
    const type = message.typeUrl ?? '';
    this.send({ typeUrl: type, responseNonce: message.nonce ?? '' });
    const names = this.names(type);
    for (const { name = '' } of message.resources ?? []) {
      names.add(name);
      this.awaited.get(name)?.();
      this.awaited.delete(name);
    }
    for (const wait of this.waiting.splice(0)) {
      if (wait.met()) wait.resolve();
      else this.waiting.push(wait);
    }
  }

  private names(type: string): Set<string> {
    let names = this.received.get(type);
    if (names === undefined) this.received.set(type, (names = new Set()));
    return names;
  }

  private async until(met: () => boolean): Promise<void> {
    if (met()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.waiting.push({ met, resolve });
    await promise;
  }

  private send(message: Parameters<typeof encode<typeof request>>[1]): void {
    this.stream.write(encode(request, message));
  }
}
