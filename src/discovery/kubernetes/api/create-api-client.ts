import { describeError } from '../../../observe/log.ts';
import { ApiError, type ApiClient, type ApiRequest, type ApiResponse } from './api-client.ts';
import type { ApiCluster } from './cluster.ts';
import type { Answer, Connection, Message } from './connection.ts';
import { Connections } from './connections.ts';
import { credentialSource, type CredentialSource } from './credentials.ts';
import { tlsIdentityReader, type TlsIdentity } from './identity.ts';
import { splitLines } from './lines.ts';
import { readRetryAfter, refusal } from './status.ts';
import type { TimedClock } from './timed-clock.ts';
import { Undertaking } from './undertaking.ts';

const defaultTimeoutMs = 30_000;
/** For a whole answer: one that comes byte by byte would never be silent, and never be there (K47). */
const wholeTimeoutMs = 240_000;
const unauthorized = 401;

export interface ApiClientEnvironment {
  readonly clock: TimedClock;
  /** Value of the header `user-agent`: `weir/0.1.0`. */
  readonly userAgent: string;
  /** Of the process: for programs that give credentials. */
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** A client of one API server, on a connection of its own that is opened with the first request. */
export function createApiClient(cluster: ApiCluster, environment: ApiClientEnvironment): ApiClient {
  return new HttpApiClient(cluster, environment);
}

class HttpApiClient implements ApiClient {
  readonly server: string;
  readonly #environment: ApiClientEnvironment;
  readonly #basePath: string;
  readonly #connections: Connections;
  readonly #credentials: CredentialSource;
  readonly #readIdentity: () => Promise<TlsIdentity>;
  readonly #closed = new AbortController();

  constructor(cluster: ApiCluster, environment: ApiClientEnvironment) {
    const { clock, variables } = environment;
    this.server = cluster.server;
    this.#environment = environment;
    this.#basePath = new URL(cluster.server).pathname.replace(/\/$/, '');
    this.#connections = new Connections(cluster, clock);
    this.#credentials = credentialSource(cluster.credentials, clock, variables);
    this.#readIdentity = tlsIdentityReader(cluster, clock);
  }

  async request(request: ApiRequest, signal?: AbortSignal): Promise<ApiResponse> {
    const undertaking = this.#begin(signal);
    try {
      const answer = await this.#exchange(request, undertaking);
      const text = await this.#readText(request, answer, undertaking);
      if (answer.status < 200 || answer.status > 299) throw this.#refusal(request, answer, text);
      return { status: answer.status, body: text === '' ? undefined : parse(request, text) };
    } finally {
      undertaking.finish();
    }
  }

  async lines(request: ApiRequest, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const undertaking = this.#begin(signal);
    try {
      const answer = await this.#exchange(request, undertaking);
      if (answer.status >= 200 && answer.status <= 299) return finishing(splitLines(answer.body), undertaking);
      throw this.#refusal(request, answer, await this.#readText(request, answer, undertaking));
    } catch (error) {
      undertaking.finish();
      throw error;
    }
  }

  close(): void {
    this.#closed.abort(new ApiError('unreachable', `the client of ${this.server} is closed`));
    this.#connections.close();
  }

  #begin(signal: AbortSignal | undefined): Undertaking {
    return new Undertaking([this.#closed.signal, ...(signal === undefined ? [] : [signal])], this.#environment.clock);
  }

  /** Sends the request; anew with new credentials when the server did not take the first ones (K52). */
  async #exchange(request: ApiRequest, undertaking: Undertaking): Promise<Answer> {
    const answer = await this.#attempt(request, undertaking);
    if (answer.status !== unauthorized) return answer;
    answer.discard();
    this.#credentials.refused();
    return this.#attempt(request, undertaking);
  }

  async #attempt(request: ApiRequest, undertaking: Undertaking): Promise<Answer> {
    const timeoutMs = request.headersTimeoutMs ?? defaultTimeoutMs;
    const what = describeRequest(request);
    let connection: Connection | undefined;
    undertaking.expect(timeoutMs, () => {
      // It may be dead without knowing: the next request gets another one.
      connection?.retire();
      return new ApiError('timeout', `${what}: no answer from ${this.server} in ${timeoutMs} ms`);
    });
    const credential = await undertaking.unlessAborted(this.#credentials.current());
    const files = await undertaking.unlessAborted(this.#readIdentity());
    const identity = { ...files, client: credential.client ?? files.client };
    const message = this.#message(request, credential.authorization);
    for (let mayRetry = true; ; mayRetry = false) {
      connection = await undertaking.unlessAborted(this.#connections.take(identity));
      const wasAlive = connection.hasAnswered;
      try {
        const answer = await connection.send(message, undertaking.signal);
        undertaking.expect(undefined);
        return answer;
      } catch (error) {
        if (!mayRetry || !wasAlive || !isSafe(request, error)) throw error;
      }
    }
  }

  #message(request: ApiRequest, authorization: string | undefined): Message {
    const query = new URLSearchParams(request.query).toString();
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    return {
      method: request.method ?? 'GET',
      path: `${this.#basePath}${request.path}${query === '' ? '' : `?${query}`}`,
      headers: {
        accept: request.accept ?? 'application/json',
        'user-agent': this.#environment.userAgent,
        ...(authorization !== undefined && { authorization }),
        ...(body !== undefined && {
          'content-type': request.contentType ?? 'application/json',
          'content-length': String(Buffer.byteLength(body)),
        }),
      },
      body,
    };
  }

  /** A server that falls silent in the middle of an answer gets as long for each piece as for the head, and four minutes for all of them. */
  async #readText(request: ApiRequest, answer: Answer, undertaking: Undertaking): Promise<string> {
    const timeoutMs = request.headersTimeoutMs ?? defaultTimeoutMs;
    const { clock } = this.#environment;
    const end = clock.monotonic() + wholeTimeoutMs;
    const silent = () =>
      new ApiError('timeout', `${describeRequest(request)}: no more of the answer in ${timeoutMs} ms`);
    const slow = () =>
      new ApiError('timeout', `${describeRequest(request)}: not the whole answer in ${wholeTimeoutMs} ms`);
    const expectMore = (): void => {
      const left = end - clock.monotonic();
      undertaking.expect(Math.min(timeoutMs, left), left < timeoutMs ? slow : silent);
    };
    const chunks: Buffer[] = [];
    expectMore();
    for await (const chunk of answer.body) {
      expectMore();
      chunks.push(chunk);
    }
    undertaking.expect(undefined);
    try {
      return Buffer.concat(chunks).toString('utf8');
    } catch (error) {
      const message = `${describeRequest(request)}: an answer that fits into no string: ${describeError(error)}`;
      throw new ApiError('malformed', message, { cause: error });
    }
  }

  #refusal(request: ApiRequest, { status, retryAfter }: Answer, text: string): ApiError {
    const retryAfterMs = readRetryAfter(retryAfter, this.#environment.clock.now());
    return refusal(describeRequest(request), parseLeniently(text), { status, retryAfterMs });
  }
}

async function* finishing(lines: AsyncIterable<Buffer>, undertaking: Undertaking): AsyncGenerator<Buffer, void, void> {
  try {
    yield* lines;
  } finally {
    undertaking.finish();
  }
}

/** Whether it can be sent again: the server has not seen it, or seeing it twice does no harm. */
function isSafe({ method = 'GET' }: ApiRequest, error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.failure === 'unreachable' || (error.failure === 'broken' && method === 'GET');
}

function parse(request: ApiRequest, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = `${describeRequest(request)}: the answer is no JSON: ${describeError(error)}`;
    throw new ApiError('malformed', message, { cause: error });
  }
}

function parseLeniently(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function describeRequest({ method = 'GET', path }: ApiRequest): string {
  return `${method} ${path}`;
}
