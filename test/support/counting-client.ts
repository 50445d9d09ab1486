import type * as envoy from '../../src/xds/envoy.ts';
import { decode, encode, unpack } from '../../src/xds/proto.ts';
import { spareBytes, type StreamTransport } from '../../src/xds/transport/transport.ts';
import { shortName, typeUrlNamed } from './type-names.ts';

/** What one change costs a client on the wire. */
export interface Cost {
  readonly pushes: number;
  readonly resources: number;
  readonly removed: number;
  readonly bytes: number;
}

/** A delta client without a network that follows what its clusters and listeners name, confirms everything, and counts. */
export class CountingClient implements StreamTransport {
  readonly peer = { address: '192.0.2.1:4711' };
  readonly queuedBytes = 0;
  readonly #inbox: Uint8Array[] = [];
  /** What each resource refers to. */
  readonly #children = {
    cluster: new Map<string, readonly string[]>(),
    listener: new Map<string, readonly string[]>(),
  };
  /** All that they refer to, as it was asked for. */
  readonly #named = { cluster: new Set<string>(), listener: new Set<string>() };
  #receive: (message: Uint8Array) => void = () => undefined;
  #cost: Cost = { pushes: 0, resources: 0, removed: 0, bytes: 0 };

  send(parts: readonly Uint8Array[]): boolean {
    this.#inbox.push(Buffer.concat(parts).subarray(spareBytes));
    return true;
  }

  onMessage(callback: (message: Uint8Array) => void): void {
    this.#receive = callback;
  }

  onDrain(): void {
    // It is never full.
  }

  onClose(): void {
    // It never leaves.
  }

  close(status: string, detail: string): void {
    throw new Error(`the server ends the stream: ${status} ${detail}`);
  }

  begin(nodeId: string): void {
    this.#request('cluster', { node: { id: nodeId } });
    for (const type of ['endpoints', 'listener', 'routes']) this.#request(type, {});
  }

  /** Answers what has come. Gives whether something had. */
  answer(): boolean {
    const messages = this.#inbox.splice(0);
    for (const message of messages) this.#take(message);
    return messages.length > 0;
  }

  /** What came since it was last asked. */
  takeCost(): Cost {
    const cost = this.#cost;
    this.#cost = { pushes: 0, resources: 0, removed: 0, bytes: 0 };
    return cost;
  }

  #take(message: Uint8Array): void {
    const response = decode('envoy.service.discovery.v3.DeltaDiscoveryResponse', message);
    const { typeUrl = '', nonce = '', resources = [], removedResources = [] } = response;
    const { pushes, resources: resourcesBefore, removed, bytes } = this.#cost;
    this.#cost = {
      pushes: pushes + 1,
      resources: resourcesBefore + resources.length,
      removed: removed + removedResources.length,
      bytes: bytes + message.length,
    };
    const type = shortName(typeUrl);
    this.#request(type, { responseNonce: nonce });
    if (type !== 'cluster' && type !== 'listener') return;
    const childrenOf = type === 'cluster' ? assignmentsOf : routesOf;
    for (const { name = '', resource } of resources) this.#children[type].set(name, childrenOf(resource));
    for (const name of removedResources) this.#children[type].delete(name);
    this.#followChildren(type);
  }

  #followChildren(type: 'cluster' | 'listener'): void {
    const wanted = new Set([...this.#children[type].values()].flat());
    const named = this.#named[type];
    const added = [...wanted].filter((name) => !named.has(name));
    const dropped = [...named].filter((name) => !wanted.has(name));
    this.#named[type] = wanted;
    if (added.length === 0 && dropped.length === 0) return;
    const childType = type === 'cluster' ? 'endpoints' : 'routes';
    this.#request(childType, { resourceNamesSubscribe: added, resourceNamesUnsubscribe: dropped });
  }

  #request(type: string, fields: Omit<envoy.DeltaDiscoveryRequest, 'typeUrl'>): void {
    const message = { ...fields, typeUrl: typeUrlNamed(type) };
    this.#receive(encode('envoy.service.discovery.v3.DeltaDiscoveryRequest', message));
  }
}

function assignmentsOf(resource: envoy.Any | undefined): readonly string[] {
  const cluster = resource && unpack('envoy.config.cluster.v3.Cluster', resource);
  if (cluster?.edsClusterConfig === undefined) return [];
  return [cluster.edsClusterConfig.serviceName ?? cluster.name ?? ''];
}

function routesOf(resource: envoy.Any | undefined): readonly string[] {
  const listener = resource && unpack('envoy.config.listener.v3.Listener', resource);
  const filters = listener?.filterChains?.flatMap((chain) => chain.filters ?? []) ?? [];
  return filters.flatMap(({ typedConfig }) => {
    const name = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager' as const;
    const routes = typedConfig && unpack(name, typedConfig)?.rds?.routeConfigName;
    return routes === undefined ? [] : [routes];
  });
}
