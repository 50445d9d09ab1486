import { Client, credentials, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import { decode, encode } from '../../src/xds/proto.ts';
import type * as envoy from '../../src/xds/envoy.ts';
import { typeNamed } from './tiny-mesh.ts';

/** Speaks ADS by literal requests and keeps a trace of everything. It acknowledges only what the script acknowledges. */

export type Wire = 'delta' | 'sotw';

/** A response, in the words of both wire forms. */
export interface Received {
  /** Short name of the type. */
  readonly type: string;
  readonly typeUrl: string;
  readonly nonce: string;
  /** Version of the response as a whole. */
  readonly version: string;
  /** `name@content` of each resource, in order, where the content is text; see `tiny-mesh.ts`. */
  readonly resources: readonly string[];
  readonly removed: readonly string[];
  /** Version by name; delta only. */
  readonly versions: ReadonlyMap<string, string>;
  readonly controlPlane: string;
  readonly bytes: number;
}

export interface Ended {
  readonly code: number;
  readonly details: string;
}

type RequestOf<W extends Wire> = W extends 'delta' ? envoy.DeltaDiscoveryRequest : envoy.DiscoveryRequest;

const messages = {
  delta: {
    path: '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources',
    request: 'envoy.service.discovery.v3.DeltaDiscoveryRequest',
    response: 'envoy.service.discovery.v3.DeltaDiscoveryResponse',
  },
  sotw: {
    path: '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
    request: 'envoy.service.discovery.v3.DiscoveryRequest',
    response: 'envoy.service.discovery.v3.DiscoveryResponse',
  },
} as const;

/** A node that is accepted. */
function aNode(id = 'sidecar~10.0.0.1~app-1.shop~shop.svc.cluster.local'): envoy.Node {
  return { id };
}

export class ScriptedClient<W extends Wire = 'delta'> {
  readonly wire: W;
  readonly trace: Received[] = [];
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #waiting = new Set<() => void>();
  #read = 0;
  #ended: Ended | undefined;

  constructor(address: string, wire: W) {
    this.wire = wire;
    this.#client = new Client(address, credentials.createInsecure(), { 'grpc.max_receive_message_length': -1 });
    const same = (bytes: Buffer): Buffer => bytes;
    this.#call = this.#client.makeBidiStreamRequest<Buffer, Buffer>(messages[wire].path, same, same);
    this.#call.on('data', (bytes: Buffer) => {
      this.trace.push(wire === 'delta' ? readDelta(bytes) : readSotw(bytes));
      this.#wake();
    });
    this.#call.on('error', (error: ServiceError) => this.#end({ code: error.code, details: error.details }));
    this.#call.on('end', () => this.#end({ code: 0, details: '' }));
  }

  /** Sends a literal request of a type. */
  send(type: string, request: Omit<RequestOf<W>, 'typeUrl'>): void {
    const typeUrl = type.includes('/') || type === '' ? type : typeNamed(type).typeUrl;
    this.sendRaw(Buffer.from(encode(messages[this.wire].request, { ...request, typeUrl })));
  }

  sendRaw(bytes: Buffer): void {
    this.#call.write(bytes);
  }

  /** First request of the stream, with a node. */
  hello(type: string, request: Omit<RequestOf<W>, 'typeUrl' | 'node'>, node = aNode()): void {
    this.send(type, { ...request, node } as Omit<RequestOf<W>, 'typeUrl'>);
  }

  /** The next response in order. Waits for it. */
  async next(): Promise<Received> {
    await this.#until(() => this.trace.length > this.#read || this.#ended !== undefined);
    const received = this.trace[this.#read++];
    if (received === undefined) throw new Error(`the stream ended: ${JSON.stringify(this.#ended)}`);
    return received;
  }

  /** The next response, acknowledged. */
  async nextAcked(): Promise<Received> {
    const received = await this.next();
    this.ack(received);
    return received;
  }

  /** Delta: the nonce alone. SotW: with the version and names, which the script has to repeat. */
  ack(received: Received, names: readonly string[] = []): void {
    this.#settle(received, { versionInfo: received.version, resourceNames: names });
  }

  nack(received: Received, message: string, others: object = {}): void {
    this.#settle(received, { errorDetail: { code: 13, message }, ...others });
  }

  /** Responses that came and were not asked for by `next`. */
  get unread(): readonly Received[] {
    return this.trace.slice(this.#read);
  }

  /** Waits until the server has closed the stream. */
  async ended(): Promise<Ended> {
    await this.#until(() => this.#ended !== undefined);
    return this.#ended ?? { code: -1, details: '' };
  }

  /**
   * Proves silence without waiting for time to pass: asks for something that is answered, and gives what came before the answer.
   * Uses a secret, of which nobody has any.
   */
  async silence(): Promise<readonly Received[]> {
    const before = this.#read;
    const probe = `probe-${this.trace.length}-${before}`;
    if (this.wire !== 'delta') throw new Error('only delta streams answer for a name that does not exist');
    this.send('secret', { resourceNamesSubscribe: [probe] } as Omit<RequestOf<W>, 'typeUrl'>);
    const between: Received[] = [];
    for (;;) {
      const received = await this.next();
      if (received.type === 'secret' && received.removed.includes(probe)) {
        this.ack(received);
        return between;
      }
      between.push(received);
    }
  }

  /** Stops reading. What comes stays where it is. */
  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  /** Finishes as a client does that shuts down. */
  halfClose(): void {
    this.#call.end();
  }

  /** Cuts the stream. */
  drop(): void {
    this.#call.cancel();
    this.#client.close();
  }

  #settle(received: Received, fields: object): void {
    const response = { responseNonce: received.nonce };
    const request = this.wire === 'delta' ? without(fields, ['versionInfo', 'resourceNames']) : fields;
    this.send(received.typeUrl, { ...response, ...request } as Omit<RequestOf<W>, 'typeUrl'>);
  }

  #end(ended: Ended): void {
    this.#ended ??= ended;
    this.#client.close();
    this.#wake();
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

function without(fields: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
}

function readDelta(bytes: Buffer): Received {
  const response = decode(messages.delta.response, bytes);
  const resources = response.resources ?? [];
  return {
    ...head(response.typeUrl, response.nonce, response.controlPlane, bytes),
    version: response.systemVersionInfo ?? '',
    resources: resources.map(({ name = '', resource }) => `${name}@${textOf(resource)}`),
    removed: response.removedResources ?? [],
    versions: new Map(resources.map(({ name = '', version = '' }) => [name, version])),
  };
}

/** SotW resources have no names outside their message: the fake ones are known by their text alone. */
function readSotw(bytes: Buffer): Received {
  const response = decode(messages.sotw.response, bytes);
  return {
    ...head(response.typeUrl, response.nonce, response.controlPlane, bytes),
    version: response.versionInfo ?? '',
    resources: (response.resources ?? []).map(textOf),
    removed: [],
    versions: new Map(),
  };
}

function head(typeUrl = '', nonce = '', controlPlane: envoy.ControlPlane | undefined, bytes: Buffer) {
  return {
    type: shortName(typeUrl),
    typeUrl,
    nonce,
    controlPlane: controlPlane?.identifier ?? '',
    bytes: bytes.length,
  };
}

function shortName(typeUrl: string): string {
  const names = ['cluster', 'endpoints', 'listener', 'routes', 'secret'];
  return names.find((name) => typeNamed(name).typeUrl === typeUrl) ?? typeUrl;
}

function textOf(any: envoy.Any | undefined): string {
  return Buffer.from(any?.value ?? []).toString();
}
