import {
  Client,
  Metadata,
  status,
  type ChannelCredentials,
  type ClientDuplexStream,
  type ServiceError,
} from '@grpc/grpc-js';
import type { Log } from '../../../observe/log.ts';
import type { TimedClock } from '../../kubernetes/api/timed-clock.ts';
import { noSubject, type NacosCredentials, type RequestSubject } from './credentials.ts';
import { isMessage, numberField, readMessage, textField, type JsonMessage } from './json-message.ts';
import { failureOfCode, NacosError } from './nacos-error.ts';
import { decodePayload, encodePayload, requestPath, streamPath, type Payload } from './payload.ts';
import { serverText, type NacosServer } from './servers.ts';

export interface ConnectionOptions {
  readonly server: NacosServer;
  readonly grpcPortOffset: number;
  readonly channel: ChannelCredentials;
  readonly credentials: NacosCredentials;
  /** Of the namespace that everything on this connection is about. */
  readonly tenant: string;
  readonly version: string;
  readonly clock: TimedClock;
  readonly log: Log;
  /** Hears what the server sends by itself, when it has been acknowledged. */
  readonly pushed: (type: string, message: JsonMessage) => void;
}

/** What a request is about, and how long it may take. */
export interface RequestOptions {
  readonly subject?: RequestSubject;
  /** Milliseconds. */
  readonly deadline?: number;
}

/** The server has sent us to another one; undefined: to any other. */
export type Reset = { readonly host: string; readonly port: number } | undefined;

const requestDeadlineMs = 5000;
const setupDeadlineMs = 5000;
/** For servers that do not say when they have set the connection up (registries N17.4). */
const oldServerWaitMs = 100;
/** A connection that was set up a moment ago may not be known to the server yet (registries N31). */
const youngMs = 1000;
/** After so long without a word from the server it is asked for one, three times (registries N17.5). */
const silenceMs = 5000;
const healthDeadlineMs = 3000;
const healthTries = 3;
/** Java's own limit (registries N27). A push of ten thousand instances is 10 MB. */
const largestMessage = 32 * 1024 * 1024;

const channelOptions = {
  // Nacos knows a client by its TCP connection: two logical ones must not share it (registries N26).
  'grpc.use_local_subchannel_pool': 1,
  'grpc.max_receive_message_length': largestMessage,
  'grpc.max_send_message_length': largestMessage,
};

/**
 * One connection to one server, from the check of the server to its end. It ends once and is not made again: a new TCP connection is a new
 * client for Nacos (registries N28).
 */
export class NacosConnection {
  readonly server: NacosServer;
  /** Settles with the reason when it has ended. */
  readonly ended: Promise<NacosError>;
  readonly #options: ConnectionOptions;
  readonly #client: Client;
  readonly #end = Promise.withResolvers<NacosError>();
  readonly #abilities = Promise.withResolvers<JsonMessage>();
  #stream: ClientDuplexStream<Payload, Payload> | undefined;
  #supported: JsonMessage = {};
  #reset: { readonly to: Reset } | undefined;
  #setUpAt = Infinity;
  #heardAt: number;
  #requests = 0;
  #cancelCheck: () => void = () => undefined;
  #reason: NacosError | undefined;

  private constructor(options: ConnectionOptions) {
    const { server, grpcPortOffset, channel, clock } = options;
    this.#options = options;
    this.server = server;
    this.ended = this.#end.promise;
    this.#heardAt = clock.monotonic();
    const target = serverText({ host: server.host, port: server.port + grpcPortOffset });
    this.#client = new Client(target, channel, channelOptions);
  }

  /**
   * Connects: asks the server whether it is there, opens the stream, says who we are and waits until the server knows it (registries N31).
   *
   * @throws NacosError
   */
  static async open(options: ConnectionOptions, signal: AbortSignal): Promise<NacosConnection> {
    const connection = new NacosConnection(options);
    const abort = (): void => connection.close();
    signal.addEventListener('abort', abort);
    try {
      await connection.#setUp();
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Whether the server has said that it can do something. */
  can(ability: 'fuzzyWatch'): boolean {
    return this.#supported[ability] === true;
  }

  /** Where the server has sent us; undefined while it has not. */
  get reset(): { readonly to: Reset } | undefined {
    return this.#reset;
  }

  /**
   * Asks, and reads the answer.
   *
   * @param type simple name of the request's class
   * @throws NacosError when there is no good answer; 301 ends the connection
   */
  async request(type: string, body: JsonMessage, options: RequestOptions = {}): Promise<JsonMessage> {
    const { clock, credentials } = this.#options;
    for (let isRepeated = false; ; isRepeated = true) {
      const answer = await this.#exchange(type, body, options);
      const error = errorOf(type, answer);
      if (error === undefined) return answer;
      const isYoung = clock.monotonic() - this.#setUpAt < youngMs;
      if (error.failure === 'unregistered' && isYoung && !isRepeated) {
        await new Promise<void>((resolve) => void clock.after(oldServerWaitMs, resolve));
        continue;
      }
      if (error.failure === 'unregistered') this.#finish(error);
      if (error.failure === 'forbidden') credentials.refused();
      throw error;
    }
  }

  /** Ends it. */
  close(): void {
    this.#finish(new NacosError('unreachable', `the connection to ${serverText(this.server)} was closed`));
  }

  async #setUp(): Promise<void> {
    const { clock, tenant, version } = this.#options;
    const check = await this.request('ServerCheckRequest', { module: 'internal' });
    this.#openStream();
    this.#send('ConnectionSetupRequest', {
      requestId: this.#nextId(),
      clientVersion: `Nacos-Weir-Client:v${version}`,
      tenant,
      labels: { source: 'sdk', module: 'naming', AppName: 'weir' },
      abilityTable: { fuzzyWatch: true, supportPersistentInstanceByGrpc: true },
      module: 'internal',
    });
    const negotiates = check['supportAbilityNegotiation'] === true;
    const tooLate = new NacosError('silent', `${serverText(this.server)} does not confirm the connection`);
    const cancel = clock.after(negotiates ? setupDeadlineMs : oldServerWaitMs, () =>
      negotiates ? this.#abilities.reject(tooLate) : this.#abilities.resolve({}),
    );
    try {
      const lost = this.ended.then((reason) => Promise.reject(reason));
      this.#supported = await Promise.race([this.#abilities.promise, lost]);
    } finally {
      cancel();
    }
    this.#setUpAt = clock.monotonic();
    this.#checkLater();
  }

  #openStream(): void {
    const stream = this.#client.makeBidiStreamRequest<Payload, Payload>(streamPath, encodePayload, decodePayload);
    this.#stream = stream;
    stream.on('data', (payload: Payload) => this.#receive(payload));
    const lost = (cause?: unknown): void => {
      const message = `${serverText(this.server)} has ended the connection`;
      this.#finish(new NacosError('unreachable', message, { cause }));
    };
    stream.on('error', lost);
    stream.on('end', () => lost());
  }

  #receive({ type, json }: Payload): void {
    this.#heardAt = this.#options.clock.monotonic();
    try {
      const message = readMessage(json);
      if (type === 'SetupAckRequest') {
        const { abilityTable } = message;
        return this.#abilities.resolve(isMessage(abilityTable) ? abilityTable : {});
      }
      // Acknowledged before it is read: a server that waits sends it again (registries N20).
      this.#send(type.replace(/Request$/, 'Response'), {
        resultCode: 200,
        errorCode: 0,
        success: true,
        requestId: textField(message, 'requestId') ?? '',
      });
      if (type === 'ConnectResetRequest') return this.#takeReset(message);
      if (type !== 'ClientDetectionRequest') this.#options.pushed(type, message);
    } catch (error) {
      // What it should have said is found by the next audit.
      this.#options.log.error('what Nacos sent was not understood', { server: serverText(this.server), type, error });
    }
  }

  #takeReset(message: JsonMessage): void {
    const host = textField(message, 'serverIp') ?? '';
    const port = Number(message['serverPort']);
    this.#reset = { to: host === '' || !Number.isInteger(port) ? undefined : { host, port } };
    this.#finish(new NacosError('unreachable', `${serverText(this.server)} asks us to go to another server`));
  }

  #send(type: string, body: JsonMessage): void {
    this.#stream?.write(this.#payload(type, body, noSubject));
  }

  #payload(type: string, body: JsonMessage, subject: RequestSubject): Payload {
    return { type, headers: this.#options.credentials.headers(subject), json: Buffer.from(JSON.stringify(body)) };
  }

  async #exchange(type: string, body: JsonMessage, options: RequestOptions): Promise<Answer> {
    if (this.#reason !== undefined) throw this.#reason;
    const { subject = noSubject, deadline = requestDeadlineMs } = options;
    const payload = this.#payload(type, { requestId: this.#nextId(), ...body }, subject);
    const answer = await new Promise<Payload>((resolve, reject) => {
      const done = (error: ServiceError | null, value?: Payload): void => {
        if (value !== undefined) resolve(value);
        else reject(this.#reason ?? this.#failed(type, error));
      };
      const until = { deadline: Date.now() + deadline };
      this.#client.makeUnaryRequest(requestPath, encodePayload, decodePayload, payload, new Metadata(), until, done);
    });
    this.#heardAt = this.#options.clock.monotonic();
    return { ...readMessage(answer.json), [answerType]: answer.type };
  }

  #failed(type: string, error: ServiceError | null): NacosError {
    const what = `${type} to ${serverText(this.server)}`;
    switch (error?.code) {
      case status.DEADLINE_EXCEEDED:
        return new NacosError('silent', `${what}: no answer in time`, { cause: error });
      case status.UNIMPLEMENTED:
        return new NacosError('unsupported', `${what}: what answers is no Nacos of version 2 or later`, {
          cause: error,
        });
      case status.RESOURCE_EXHAUSTED:
      case status.INTERNAL:
        return new NacosError('malformed', `${what}: the answer cannot be read`, { cause: error });
      default:
        return new NacosError('unreachable', `${what}: no connection`, { cause: error });
    }
  }

  #nextId(): string {
    return String(++this.#requests);
  }

  #checkLater(): void {
    const { clock } = this.#options;
    const wait = Math.max(0, this.#heardAt + silenceMs - clock.monotonic());
    this.#cancelCheck = clock.after(wait, () => {
      const isSilent = clock.monotonic() - this.#heardAt >= silenceMs;
      if (isSilent) void this.#checkHealth();
      else this.#checkLater();
    });
  }

  async #checkHealth(): Promise<void> {
    for (let attempt = 1; this.#reason === undefined; attempt++) {
      try {
        await this.request('HealthCheckRequest', { module: 'internal' }, { deadline: healthDeadlineMs });
        if (this.#reason === undefined) this.#checkLater();
        return;
      } catch (error) {
        if (attempt < healthTries) continue;
        const message = `${serverText(this.server)} does not answer any more`;
        this.#finish(new NacosError('silent', message, { cause: error }));
      }
    }
  }

  #finish(reason: NacosError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#cancelCheck();
    this.#stream?.cancel();
    this.#client.close();
    this.#end.resolve(reason);
  }
}

const answerType = Symbol('type of the answer');
type Answer = JsonMessage & { readonly [answerType]: string };

/** Errors come in the request's own type of answer as well as in ErrorResponse (registries T24). */
function errorOf(type: string, answer: Answer): NacosError | undefined {
  const code = numberField(answer, 'errorCode') ?? 0;
  const isGood = answer[answerType] !== 'ErrorResponse' && code === 0 && numberField(answer, 'resultCode') === 200;
  if (isGood) return undefined;
  const said = textField(answer, 'message') ?? 'no reason given';
  return new NacosError(failureOfCode(code), `${type}: Nacos answers ${said} (${code})`, { code });
}
