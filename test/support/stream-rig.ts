import type { Caller } from '../../src/identity/caller.ts';
import type * as envoy from '../../src/xds/envoy.ts';
import { noObserver, type XdsObserver } from '../../src/xds/observer.ts';
import { decode, encode } from '../../src/xds/proto.ts';
import { resourceTypes } from '../../src/xds/resource-types.ts';
import { noSecrets, type SecretSource } from '../../src/xds/secrets.ts';
import { XdsServer } from '../../src/xds/server.ts';
import {
  spareBytes,
  type CloseReason,
  type StatusName,
  type StreamTransport,
} from '../../src/xds/transport/transport.ts';
import { ManualClock } from './clocks.ts';
import { TinyMesh, tinyQueries, typeNamed } from './tiny-mesh.ts';

export interface Answer {
  readonly type: string;
  readonly nonce: string;
  readonly sentAt: number;
  /** `name@content`. */
  readonly resources: readonly string[];
  /** Of the resources; delta only. */
  readonly versions: readonly string[];
  readonly removed: readonly string[];
}

export type Wire = 'delta' | 'sotw';

/** A client without a network: the test is its mind, and says when the transport is full. */
export class FakeClient implements StreamTransport {
  readonly wire: Wire;
  readonly #now: () => number;
  readonly peer = { address: '192.0.2.1:4711' };
  readonly queuedBytes = 0;
  isFull = false;
  closed: { readonly status: StatusName; readonly detail: string } | undefined;
  readonly answers: Answer[] = [];
  #message: (message: Uint8Array) => void = () => undefined;
  #drain: () => void = () => undefined;
  #close: (reason: CloseReason) => void = () => undefined;

  constructor(wire: Wire = 'delta', now: () => number = () => 0) {
    this.wire = wire;
    this.#now = now;
  }

  send(parts: readonly Uint8Array[], bytes: number): boolean {
    const message = Buffer.concat(parts).subarray(spareBytes);
    if (message.length !== bytes) throw new Error(`${bytes} bytes were promised and ${message.length} came`);
    const answer = this.wire === 'delta' ? readDelta(message) : readSotw(message);
    this.answers.push({ ...answer, sentAt: this.#now() });
    return !this.isFull;
  }

  onMessage(callback: (message: Uint8Array) => void): void {
    this.#message = callback;
  }

  onDrain(callback: () => void): void {
    this.#drain = callback;
  }

  onClose(callback: (reason: CloseReason) => void): void {
    this.#close = callback;
  }

  close(status: StatusName, detail: string): void {
    this.closed ??= { status, detail };
  }

  request(type: string, fields: Omit<envoy.DeltaDiscoveryRequest, 'typeUrl'> = {}): void {
    this.raw(encode('envoy.service.discovery.v3.DeltaDiscoveryRequest', { ...fields, typeUrl: typeUrlOf(type) }));
  }

  /** A state-of-the-world request. */
  list(type: string, fields: Omit<envoy.DiscoveryRequest, 'typeUrl'>): void {
    this.raw(encode('envoy.service.discovery.v3.DiscoveryRequest', { ...fields, typeUrl: typeUrlOf(type) }));
  }

  raw(bytes: Uint8Array): void {
    this.#message(bytes);
  }

  drain(): void {
    this.isFull = false;
    this.#drain();
  }

  leave(reason: CloseReason): void {
    this.#close(reason);
  }

  ack({ type, nonce }: Answer): void {
    this.request(type, { responseNonce: nonce });
  }

  nack({ type, nonce }: Answer, message: string): void {
    this.request(type, { responseNonce: nonce, errorDetail: { code: 13, message } });
  }

  /** Takes out what was answered. */
  take(): readonly Answer[] {
    return this.answers.splice(0);
  }
}

/** @param type a short name, or a type URL as it is */
function typeUrlOf(type: string): string {
  return type.includes('.') || type === '' ? type : typeNamed(type).typeUrl;
}

function readDelta(message: Uint8Array): Omit<Answer, 'sentAt'> {
  const {
    typeUrl = '',
    nonce = '',
    resources = [],
    removedResources = [],
  } = decode('envoy.service.discovery.v3.DeltaDiscoveryResponse', message);
  return {
    type: shortName(typeUrl),
    nonce,
    resources: resources.map(({ name, resource }) => `${name}@${textOf(resource)}`),
    versions: resources.map(({ version }) => version ?? ''),
    removed: removedResources,
  };
}

/** Resources have no names outside their messages, so they are given as their text alone. */
function readSotw(message: Uint8Array): Omit<Answer, 'sentAt'> {
  const { typeUrl = '', nonce = '', resources = [] } = decode('envoy.service.discovery.v3.DiscoveryResponse', message);
  return { type: shortName(typeUrl), nonce, resources: resources.map(textOf), versions: [], removed: [] };
}

function shortName(typeUrl: string): string {
  return resourceTypes.find((type) => type.typeUrl === typeUrl)?.name ?? typeUrl;
}

function textOf(any: envoy.Any | undefined): string {
  return Buffer.from(any?.value ?? []).toString();
}

export const aNodeId = 'sidecar~10.0.0.1~app-1.shop~shop.svc.cluster.local';

/** A server in hand-made time, with clients that are no more than their requests. */
export class ServerRig {
  readonly clock = new ManualClock();
  readonly mesh = new TinyMesh(() => this.clock.now());
  readonly server: XdsServer;

  constructor(observer: XdsObserver = noObserver, random: () => number = () => 0, secrets: SecretSource = noSecrets) {
    const { engine } = this.mesh;
    const options = { queries: tinyQueries, clock: this.clock, observer, identifier: 'weir/test', random, secrets };
    this.server = new XdsServer({ engine, ...options });
    this.server.open();
  }

  /** @param caller who it is; undefined: nobody knows */
  client(wire: Wire = 'delta', caller?: Caller): FakeClient {
    const client = new FakeClient(wire, () => this.clock.now());
    this.server.accept(client, wire, { caller });
    return client;
  }

  /** A client on a stream that carries one type only. */
  separateClient(type: string, wire: Wire = 'delta'): FakeClient {
    const client = new FakeClient(wire, () => this.clock.now());
    this.server.accept(client, wire, { only: typeNamed(type).typeUrl });
    return client;
  }

  /** A client that has asked for everything and confirmed it, as Envoy does when it boots. */
  bootedClient(
    endpoints: readonly string[] = [],
    routes: readonly string[] = [],
    nodeId: string = aNodeId,
  ): FakeClient {
    const client = this.client();
    client.request('cluster', { node: { id: nodeId } });
    this.exchange(client);
    client.request('endpoints', { resourceNamesSubscribe: endpoints });
    this.exchange(client);
    client.request('listener');
    this.exchange(client);
    client.request('routes', { resourceNamesSubscribe: routes });
    this.exchange(client);
    return client;
  }

  /** Sends what is due. */
  settle(client: FakeClient): readonly Answer[] {
    this.clock.settle();
    return client.take();
  }

  /** Confirms everything until nothing more comes. Gives what came, in order. */
  exchange(client: FakeClient): readonly Answer[] {
    const all: Answer[] = [];
    for (let answers = this.settle(client); answers.length > 0; answers = this.settle(client)) {
      all.push(...answers);
      for (const answer of answers) client.ack(answer);
    }
    return all;
  }
}
