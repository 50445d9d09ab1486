import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A tiny HTTP service that says who it is and what it was asked, and may ask another service first. */

export interface EchoOptions {
  readonly service: string;
  readonly version: string;
  /** Name of the pod. */
  readonly instance: string;
  /** Address to listen on; 127.0.0.1 when absent. */
  readonly host?: string;
  /** The machine's choice when absent. */
  readonly port?: number;
  /** Another service to ask for every request, through a sidecar's HTTP proxy port. */
  readonly next?: { readonly url: string; readonly proxyPort: number };
}

/** What the service answers. */
export interface Echo {
  readonly service: string;
  readonly version: string;
  readonly instance: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly next?: Answer;
}

/** What a request got. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** How it behaves, changeable while it runs. */
export interface Behaviour {
  /** Answers this instead of 200. */
  status?: number;
  /** Milliseconds before it answers. */
  delay?: number;
}

/** Headers that a service hands on, so that routing by header works along the whole way. */
const handedOn = ['x-group', 'x-request-id', 'x-forwarded-proto'] as const;

export class EchoService {
  readonly behaviour: Behaviour = {};
  readonly #options: EchoOptions;
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  /** Requests in the order in which they came, the last thousand. */
  readonly requests: Echo[] = [];

  private constructor(options: EchoOptions) {
    this.#options = options;
    this.#server = createServer((incoming, response) => {
      this.#answer(incoming, response).catch(() => response.destroy());
    });
    // Longer than a proxy keeps an idle connection: the side that closes first must not be the one that is asked.
    this.#server.keepAliveTimeout = 3_600_000;
  }

  static async start(options: EchoOptions): Promise<EchoService> {
    const service = new EchoService(options);
    service.#server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
    await once(service.#server, 'listening');
    return service;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { service, version, instance, next } = this.#options;
    const { method = 'GET', url = '/', headers } = incoming;
    incoming.resume();
    const { status = 200, delay: pause = 0 } = this.behaviour;
    if (pause > 0) await delay(pause);
    const answer = next === undefined ? undefined : await ask(next, headers, this.#agent);
    const echo = {
      service,
      version,
      instance,
      method,
      path: url,
      headers,
      ...(answer === undefined ? {} : { next: answer }),
    };
    if (this.requests.push(echo) > 1_000) this.requests.shift();
    // A service is as healthy as what it needs: the other one's bad news is handed on as it is.
    const outcome = answer !== undefined && answer.status >= 400 ? answer.status : status;
    response.writeHead(outcome, { 'content-type': 'application/json', 'x-answered-by': instance });
    response.end(JSON.stringify(echo));
  }
}

/** Asks through a sidecar's HTTP proxy port. No connection at all is told as status 0. */
function ask(
  { url, proxyPort }: NonNullable<EchoOptions['next']>,
  incoming: Echo['headers'],
  agent: Agent,
): Promise<Answer> {
  const headers: Record<string, string> = { host: new URL(url).host };
  for (const name of handedOn) {
    const value = incoming[name];
    if (typeof value === 'string') headers[name] = value;
  }
  return httpGet({ host: '127.0.0.1', port: proxyPort, path: url, headers, agent });
}

/** One GET, answered with status 0 and the error's text when there was no answer. */
export function httpGet(options: {
  readonly host: string;
  readonly port: number;
  /** An absolute URL makes it a request to a proxy. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly agent?: Agent;
}): Promise<Answer & { readonly headers: IncomingMessage['headers'] }> {
  const { promise, resolve } = Promise.withResolvers<Answer & { readonly headers: IncomingMessage['headers'] }>();
  const fail = (error: Error): void => resolve({ status: 0, body: error.message, headers: {} });
  const outgoing = request({ ...options, headers: { ...options.headers } }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', fail);
    response.on('end', () => {
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString(), headers: response.headers });
    });
  });
  outgoing.on('error', fail);
  outgoing.end();
  return promise;
}
