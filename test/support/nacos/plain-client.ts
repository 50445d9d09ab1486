import { Channel, Client, credentials, Metadata, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import protobuf from 'protobufjs';

/** Plain messages to a Nacos server, without any of the knowledge of Weir's own client: what a server does is told by itself. */

const { root } = protobuf.parse(
  `syntax = "proto3";
   message Any { string type_url = 1; bytes value = 2; }
   message Metadata { string type = 3; map<string, string> headers = 7; string clientIp = 8; }
   message Payload { Metadata metadata = 2; Any body = 3; }`,
  { keepCase: true },
);
const payload = root.lookupType('Payload');

type Fields = Readonly<Record<string, unknown>>;

/** The name of a message's type, and its JSON. */
export interface NacosMessage {
  readonly type: string;
  readonly fields: Fields;
}

interface Envelope {
  readonly metadata?: { readonly type?: string };
  readonly body?: { readonly value?: Uint8Array };
}

/** Milliseconds that anything may take. */
const patience = 20_000;

export class PlainNacosClient {
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<Buffer, Buffer>;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #received: NacosMessage[] = [];
  readonly #waiting = new Set<() => void>();
  #count = 0;
  #hasEnded = false;

  private constructor(address: string, headers: Readonly<Record<string, string>>) {
    this.#headers = headers;
    const options = { 'grpc.use_local_subchannel_pool': 1 };
    // One channel for both calls: the server knows a client by its TCP connection (N26).
    const channelOverride = new Channel(address, credentials.createInsecure(), options);
    this.#client = new Client(address, credentials.createInsecure(), { channelOverride });
    this.#stream = this.#client.makeBidiStreamRequest('/BiRequestStream/requestBiStream', asIs, asIs, new Metadata());
    this.#stream.on('data', (bytes: Buffer) => this.#hear(decoded(bytes)));
    this.#stream.on('error', () => this.#end());
    this.#stream.on('end', () => this.#end());
  }

  /** Connects and does not say who it is. */
  static unregistered(address: string): PlainNacosClient {
    return new PlainNacosClient(address, {});
  }

  /**
   * Connects as clients do (N31).
   *
   * @param headers with each request, for example `accessToken`
   */
  static async connect(address: string, headers: Readonly<Record<string, string>> = {}): Promise<PlainNacosClient> {
    const client = new PlainNacosClient(address, headers);
    await client.ask('ServerCheckRequest');
    client.tell('ConnectionSetupRequest', {
      ...{ clientVersion: 'Nacos-Weir-Test:v0.1', tenant: '' },
      labels: { source: 'sdk', module: 'naming', AppName: 'weir-test' },
      abilityTable: { fuzzyWatch: true },
    });
    await client.next('SetupAckRequest');
    return client;
  }

  /** A unary call. */
  async ask(type: string, fields: Fields = {}): Promise<NacosMessage> {
    const request = encoded(type, { requestId: String(++this.#count), ...fields }, this.#headers);
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const done = (error: ServiceError | null, answer?: Buffer): void => {
      if (error !== null) reject(error);
      else if (answer !== undefined) resolve(answer);
    };
    const options = { deadline: Date.now() + patience };
    this.#client.makeUnaryRequest('/Request/request', asIs, asIs, request, new Metadata(), options, done);
    return decoded(await promise);
  }

  /** Something for the stream. */
  tell(type: string, fields: Fields): void {
    this.#stream.write(encoded(type, fields, this.#headers));
  }

  /**
   * The next message of a type that came by the stream and that fits; those before it are dropped. It is acknowledged (N20).
   *
   * @throws when the stream ends first, or after 20 s
   */
  async next(type: string, fits: (fields: Fields) => boolean = () => true): Promise<Fields> {
    const end = AbortSignal.timeout(patience);
    for (;;) {
      const found = this.#received.findIndex((message) => message.type === type && fits(message.fields));
      const message = this.#received[found];
      if (message !== undefined) {
        this.#received.splice(0, found + 1);
        return message.fields;
      }
      if (this.#hasEnded || end.aborted) {
        const seen = JSON.stringify(this.#received);
        throw new Error(`no ${type} that fits: ${this.#hasEnded ? 'the stream ended' : 'none in 20 s'}; seen: ${seen}`);
      }
      await this.#news(end);
    }
  }

  /** The next word on a service in which its instances are these, as `ip:port`. */
  async instances(service: string, expected: readonly string[]): Promise<ServiceInfo> {
    const fields = await this.next('NotifySubscriberRequest', ({ serviceInfo }) => {
      const { name, hosts } = serviceInfo as ServiceInfo;
      return name === service && sameSet(addressesOf(hosts), expected);
    });
    return fields['serviceInfo'] as ServiceInfo;
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }

  #hear(message: NacosMessage): void {
    this.#received.push(message);
    const { type, fields } = message;
    if (type !== 'SetupAckRequest') {
      const answer = { requestId: fields['requestId'], resultCode: 200, success: true };
      this.tell(type.replace(/Request$/, 'Response'), answer);
    }
    this.#wake();
  }

  #end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

export interface ServiceInfo {
  readonly name: string;
  readonly groupName: string;
  readonly hosts: readonly {
    readonly ip: string;
    readonly port: number;
    readonly weight: number;
    readonly healthy: boolean;
    readonly enabled: boolean;
    readonly metadata: Readonly<Record<string, string>>;
  }[];
}

export function addressesOf(hosts: ServiceInfo['hosts']): readonly string[] {
  return hosts.map(({ ip, port }) => `${ip}:${port}`).toSorted();
}

function sameSet(sorted: readonly string[], others: readonly string[]): boolean {
  return sorted.join() === others.toSorted().join();
}

function encoded(type: string, fields: Fields, headers: Readonly<Record<string, string>>): Buffer {
  const body = { type_url: '', value: Buffer.from(JSON.stringify(fields)) };
  return Buffer.from(payload.encode({ metadata: { type, headers }, body }).finish());
}

function decoded(bytes: Buffer): NacosMessage {
  const { metadata, body } = payload.toObject(payload.decode(bytes)) as Envelope;
  const json = body?.value === undefined ? '{}' : Buffer.from(body.value).toString();
  return { type: metadata?.type ?? '', fields: JSON.parse(json) as Fields };
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}
