import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { describeError } from '../../../observe/log.ts';
import { ApiError } from './api-client.ts';
import { endWith, readBody, type Answer, type Connection, type Message } from './connection.ts';

/** Milliseconds of silence after which TCP asks whether the peer is still there (K21). */
const keepAliveMs = 15_000;

/** Connections for a server that speaks no HTTP/2: one for each request in flight, kept for the next ones. */
export class Http1Connection implements Connection {
  readonly #origin: URL;
  readonly #agent: HttpAgent;
  #isOpen = true;
  #hasAnswered = false;

  /** @param tls undefined: without TLS */
  constructor(origin: URL, tls: ConnectionOptions | undefined) {
    this.#origin = origin;
    const options = { keepAlive: true, keepAliveMsecs: keepAliveMs };
    this.#agent =
      tls === undefined ? new HttpAgent(options) : new HttpsAgent({ ...options, ...tls, ALPNProtocols: ['http/1.1'] });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  async send(message: Message, signal: AbortSignal): Promise<Answer> {
    const request = this.#open(message);
    endWith(request, signal);
    const response = await headOf(request, signal, this.#origin.origin);
    this.#hasAnswered = true;
    return {
      status: response.statusCode ?? 0,
      retryAfter: response.headers['retry-after'],
      body: readBody(response, () => response.complete, signal),
      discard: () => response.resume(),
    };
  }

  retire(): void {
    this.#isOpen = false;
    // What is in use ends with its answer instead of going back to the pool.
    this.#agent.maxFreeSockets = 0;
    for (const sockets of Object.values(this.#agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }

  close(): void {
    this.#isOpen = false;
    this.#agent.destroy();
  }

  #open({ method, path, headers, body }: Message): ClientRequest {
    const send = this.#origin.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(this.#origin, { method, path, headers, agent: this.#agent });
    request.setSocketKeepAlive(true, keepAliveMs);
    // Without a listener an error that comes after the answer would end the process.
    request.on('error', () => undefined);
    request.end(body);
    return request;
  }
}

function headOf(request: ClientRequest, signal: AbortSignal, origin: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let isConnected = false;
    request.once('socket', (socket) => {
      isConnected = !socket.connecting;
      // One from the pool connects no more: its listeners would pile up.
      if (isConnected) return;
      socket.once('connect', () => {
        isConnected = true;
      });
    });
    request.once('response', resolve);
    const fail = (why: string, cause?: unknown): void => {
      if (signal.aborted) return reject(signal.reason as Error);
      reject(new ApiError(isConnected ? 'broken' : 'unreachable', `no answer from ${origin}: ${why}`, { cause }));
    };
    request.once('error', (error) => fail(describeError(error), error));
    request.once('close', () => fail('the connection was closed'));
  });
}
