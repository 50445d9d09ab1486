import {
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
} from '@grpc/grpc-js';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Payload } from '../../../src/discovery/nacos/client/payload.ts';
import { defaultGrpcPortOffset } from '../../../src/discovery/nacos/client/servers.ts';
import { FakeAccounts, type FakeAccount } from './fake-accounts.ts';
import { FakeConfigs } from './fake-configs.ts';
import { FakeConnection } from './fake-connection.ts';
import { HeldServices, keyOf, matches, type FakeInstance, type FakeServiceName } from './held-services.ts';
import { bad, good, messageOf, nacosService, payloadOf, type Message } from './wire.ts';

export interface FakeNacosOptions {
  /** Whom it speaks like. */
  readonly version: '2.5' | '3.1';
  /** Asks who comes; undefined: does not. */
  readonly account?: FakeAccount;
  /** Milliseconds between a change and its push. Default: 5; a real one waits for 500. */
  readonly pushDelay?: number;
  /** Of HTTP. Default: a free one. */
  readonly port?: number;
  /** Without the ability handshake, as before 2.3. */
  readonly isOld?: boolean;
  readonly services?: HeldServices;
}

/** What it does with a request instead of answering it well. */
export type Fault =
  | { readonly kind: 'answer'; readonly type?: string; readonly message: Message }
  | { readonly kind: 'silence' }
  /** It answers what is true now, when that is old. */
  | { readonly kind: 'late'; readonly until: Promise<void> };

interface When {
  readonly times: number;
  readonly about: (message: Message) => boolean;
}

interface Script {
  readonly type: string;
  readonly about: (message: Message) => boolean;
  readonly fault: Fault;
  left: number;
}

const mostAttempts = 50;
const mostMatches = 500;
const batchSize = 10;
/** A real one waits for a second, and as long again before the end. */
const fuzzyDelay = 5;

/** A Nacos that is played, with scripted faults: what real ones of 2.5 and 3.1 said and did (registries section 24). */
export class FakeNacos {
  readonly services: HeldServices;
  readonly configs = new FakeConfigs();
  readonly connections = new Map<string, FakeConnection>();
  readonly accounts: FakeAccounts;
  readonly #options: FakeNacosOptions;
  readonly #grpc = new Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 });
  readonly #http = createServer((request, response) => this.accounts.answer(request, response));
  readonly #scripts = new Set<Script>();
  readonly #pending = new Set<string>();
  #isFrozen = false;
  #opened = 0;

  private constructor(options: FakeNacosOptions) {
    this.#options = options;
    this.services = options.services ?? new HeldServices();
    this.accounts = new FakeAccounts(options.version, options.account);
    this.services.changed = (key, before, now) => this.#changed(key, before, now);
    this.#grpc.addService(nacosService, {
      request: (call: ServerUnaryCall<Payload, Payload>, done: sendUnaryData<Payload>) => this.#request(call, done),
      requestBiStream: (call: ServerDuplexStream<Payload, Payload>) => this.#stream(call),
    });
  }

  static async start(options: FakeNacosOptions): Promise<FakeNacos> {
    for (let attempt = 1; ; attempt++) {
      const fake = new FakeNacos(options);
      try {
        await fake.#listen();
        return fake;
      } catch (error) {
        fake.#http.close();
        if (attempt === mostAttempts) throw error;
      }
    }
  }

  /** The port of gRPC is as far above the other one as with real ones: both have to be free. */
  async #listen(): Promise<void> {
    this.#http.listen(this.#options.port ?? 0, '127.0.0.1');
    await once(this.#http, 'listening');
    await new Promise<void>((resolve, reject) => {
      const address = `127.0.0.1:${this.ports.grpc}`;
      this.#grpc.bindAsync(address, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
  }

  get ports(): { readonly http: number; readonly grpc: number } {
    const { port } = this.#http.address() as AddressInfo;
    return { http: port, grpc: port + defaultGrpcPortOffset };
  }

  get server(): { readonly host: string; readonly port: number } {
    return { host: '127.0.0.1', port: this.ports.http };
  }

  /** How many connections there have been. */
  get opened(): number {
    return this.#opened;
  }

  /** What it does with the next requests of a type. */
  script(type: string, fault: Fault, { times = 1, about = () => true }: Partial<When> = {}): void {
    this.#scripts.add({ type, fault, left: times, about });
  }

  /** Answers nothing and says nothing, with all connections open. */
  freeze(): void {
    this.#isFrozen = true;
  }

  thaw(): void {
    this.#isFrozen = false;
  }

  /** Forgets its clients, whose connections stay: the next request is answered with 301. */
  unregisterAll(): void {
    this.connections.clear();
  }

  /** Sends its clients to another server. */
  resetAll(serverIp = '', serverPort = ''): void {
    for (const connection of this.connections.values())
      connection.push('ConnectResetRequest', { serverIp, serverPort });
  }

  /** Says what a service is to whoever has subscribed to it. */
  push(name: FakeServiceName, lastRefTime = Date.now()): void {
    this.#pushNow(keyOf(name), lastRefTime);
  }

  async stop(): Promise<void> {
    this.services.changed = () => undefined;
    this.#grpc.forceShutdown();
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, 'close');
  }

  #request(call: ServerUnaryCall<Payload, Payload>, done: sendUnaryData<Payload>): void {
    const { type, headers } = call.request;
    const message = messageOf(call.request);
    const reply = (answerType: string, answer: Message): void => done(null, payloadOf(answerType, answer));
    const answerType = answerTypeOf(type);
    if (this.#isFrozen) return;
    const fault = this.#faultOf(type, message);
    if (fault?.kind === 'silence') return;
    if (fault?.kind === 'answer') return reply(fault.type ?? answerType, fault.message);
    if (type === 'ServerCheckRequest') {
      const connectionId = `${Date.now()}_${call.getPeer().replace(':', '_')}`;
      return reply(answerType, good({ connectionId, supportAbilityNegotiation: this.#options.isOld !== true }));
    }
    const connection = this.connections.get(call.getPeer());
    if (connection === undefined) return reply('ErrorResponse', bad(301, 'Connection is unregistered.'));
    connection.asked.push(type);
    if (type === 'HealthCheckRequest') return reply(answerType, good());
    const isKnown = type !== 'NamingFuzzyWatchRequest' || this.#options.version === '3.1';
    if (!isKnown) return reply('ErrorResponse', bad(302, 'RequestHandler Not Found'));
    if (!this.accounts.allows(headers)) return reply(answerType, bad(403, 'user not found!'));
    const answer = this.#answer(type, message, connection);
    if (fault?.kind === 'late') void fault.until.then(() => reply(answerType, answer));
    else reply(answerType, answer);
  }

  #answer(type: string, message: Message, connection: FakeConnection): Message {
    const text = (name: string): string => (typeof message[name] === 'string' ? message[name] : '');
    const key = `${text('namespace')}@@${text('groupName')}@@${text('serviceName')}`;
    switch (type) {
      case 'SubscribeServiceRequest':
        if (message['subscribe'] === false) {
          connection.subscriptions.delete(key);
          return good({ message: 'success' });
        }
        connection.subscriptions.add(key);
        this.#pushLater(key);
        return good({ message: 'success', serviceInfo: this.#infoOf(key) });
      case 'ServiceQueryRequest':
        return good({ serviceInfo: this.#infoOf(key) });
      case 'InstanceRequest': {
        const instance = message['instance'] as FakeInstance;
        const others = this.services
          .registeredBy(connection.peer, key)
          .filter(({ ip, port }) => ip !== instance.ip || port !== instance.port);
        const isThere = text('type') === 'registerInstance';
        this.services.register(connection.peer, key, isThere ? [...others, instance] : others);
        return good({ type: text('type') });
      }
      case 'BatchInstanceRequest':
        this.services.register(connection.peer, key, message['instances'] as readonly FakeInstance[]);
        return good({ type: text('type') });
      case 'ServiceListRequest': {
        const names = this.services.namesIn(text('namespace'), text('groupName'));
        const size = Number(message['pageSize']);
        const start = (Number(message['pageNo']) - 1) * size;
        return good({ count: names.length, serviceNames: names.slice(start, start + size) });
      }
      case 'NamingFuzzyWatchRequest':
        return this.#fuzzyWatch(text('groupKeyPattern'), connection);
      default:
        return this.configs.answer(type, message, connection);
    }
  }

  #fuzzyWatch(groupKeyPattern: string, connection: FakeConnection): Message {
    connection.patterns.add(groupKeyPattern);
    const keys = this.services.matching(groupKeyPattern);
    const known = keys.slice(0, mostMatches);
    setTimeout(() => {
      const totalBatch = Math.max(1, Math.ceil(known.length / batchSize));
      const sync = (syncType: string, keysOfBatch: readonly string[], currentBatch: number): void =>
        connection.push('NamingFuzzyWatchSyncRequest', {
          ...{ syncType, groupKeyPattern, totalBatch, currentBatch, module: 'naming' },
          contexts: keysOfBatch.map((serviceKey) => ({ serviceKey, changedType: 'ADD_SERVICE' })),
        });
      for (let batch = 0; batch * batchSize < known.length; batch++) {
        sync('FUZZY_WATCH_INIT_NOTIFY', known.slice(batch * batchSize, (batch + 1) * batchSize), batch + 1);
      }
      sync('FINISH_FUZZY_WATCH_INIT_NOTIFY', [], totalBatch);
    }, fuzzyDelay);
    return keys.length > mostMatches ? bad(50_311, 'fuzzy watch pattern matched count over limit') : good();
  }

  #stream(call: ServerDuplexStream<Payload, Payload>): void {
    const peer = call.getPeer();
    call.on('error', () => undefined);
    call.on('data', (payload: Payload) => {
      if (payload.type !== 'ConnectionSetupRequest' || this.#isFrozen) return;
      const connection = new FakeConnection(peer, call);
      this.connections.set(peer, connection);
      this.#opened++;
      if (this.#options.isOld === true) return;
      const more = this.#options.version === '3.1' ? { fuzzyWatch: true, lock: true, mcp: true } : {};
      connection.push('SetupAckRequest', { abilityTable: { supportPersistentInstanceByGrpc: true, ...more } });
    });
    const gone = (): void => {
      this.connections.delete(peer);
      this.services.deregisterAll(peer);
      call.end();
    };
    call.on('end', gone);
    call.on('cancelled', gone);
  }

  #faultOf(type: string, message: Message): Fault | undefined {
    const script = [...this.#scripts].find((candidate) => candidate.type === type && candidate.about(message));
    if (script !== undefined && --script.left === 0) this.#scripts.delete(script);
    return script?.fault;
  }

  /** A service that loses its last instance is called deleted at once (registries T26). */
  #changed(key: string, before: number, now: number): void {
    this.#pushLater(key);
    if (before > 0 === now > 0) return;
    const changedType = now > 0 ? 'ADD_SERVICE' : 'DELETE_SERVICE';
    for (const connection of this.connections.values()) {
      if (![...connection.patterns].some((pattern) => matches(key, pattern)) || this.#isFrozen) continue;
      const change = { syncType: 'FUZZY_WATCH_RESOURCE_CHANGED', serviceKey: key, changedType, module: 'naming' };
      connection.push('NamingFuzzyWatchChangeNotifyRequest', change);
    }
  }

  #pushLater(key: string): void {
    if (this.#pending.has(key)) return;
    this.#pending.add(key);
    setTimeout(() => {
      this.#pending.delete(key);
      this.#pushNow(key, Date.now());
    }, this.#options.pushDelay ?? 5);
  }

  #pushNow(key: string, lastRefTime: number): void {
    if (this.#isFrozen) return;
    const serviceInfo = this.services.infoOf(key, lastRefTime, this.#allIps);
    for (const connection of this.connections.values()) {
      if (connection.subscriptions.has(key))
        connection.push('NotifySubscriberRequest', { serviceInfo, module: 'naming' });
    }
  }

  #infoOf(key: string): Message {
    return this.services.infoOf(key, Date.now(), this.#allIps);
  }

  /** Spelled differently on the two. */
  get #allIps(): string {
    return this.#options.version === '3.1' ? 'allIps' : 'allIPs';
  }
}

/** The class of the answer; of two it is not what one would think. */
function answerTypeOf(type: string): string {
  if (type === 'ServiceQueryRequest') return 'QueryServiceResponse';
  if (type === 'ConfigBatchListenRequest') return 'ConfigChangeBatchListenResponse';
  return type.replace(/Request$/, 'Response');
}
