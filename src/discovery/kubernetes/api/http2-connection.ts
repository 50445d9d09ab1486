import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { describeError } from '../../../observe/log.ts';
import { ApiError } from './api-client.ts';
import { endWith, readBody, type Answer, type Connection, type Message } from './connection.ts';
import type { TimedClock } from './timed-clock.ts';

/** With Node's 64 KiB a list would wait for the network at every window (K7). */
const streamWindow = 1 << 20;
const connectionWindow = 8 << 20;
const pingIntervalMs = 30_000;
const pingTimeoutMs = 15_000;

/** One HTTP/2 connection. A peer that has died in silence is found by PING. */
export class Http2Connection implements Connection {
  readonly #session: ClientHttp2Session;
  readonly #origin: string;
  #isRetired = false;
  #hasAnswered = false;

  /** @param socket whose handshake is complete, with ALPN h2 */
  constructor(socket: TLSSocket, origin: string, clock: TimedClock) {
    this.#origin = origin;
    this.#session = connect(origin, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: streamWindow },
      // The windows bound what waits here; Node's own bound would refuse requests beside a few large answers.
      maxSessionMemory: Number.MAX_SAFE_INTEGER,
    });
    this.#session.once('connect', () => this.#session.setLocalWindowSize(connectionWindow));
    // The requests hear of it by their streams.
    this.#session.on('error', () => undefined);
    this.#session.once('goaway', () => this.retire());
    keepAlive(this.#session, clock);
  }

  get isOpen(): boolean {
    return !this.#isRetired && !this.#session.closed && !this.#session.destroyed;
  }

  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  async send(message: Message, signal: AbortSignal): Promise<Answer> {
    const stream = this.#open(message);
    endWith(stream, signal);
    const headers = await headOf(stream, signal, this.#origin);
    this.#hasAnswered = true;
    return {
      status: headers[':status'] ?? 0,
      retryAfter: headers['retry-after'],
      body: readBody(stream, () => stream.rstCode === constants.NGHTTP2_NO_ERROR && !stream.aborted, signal),
      discard: () => stream.destroy(),
    };
  }

  retire(): void {
    this.#isRetired = true;
    if (!this.#session.destroyed) this.#session.close();
  }

  close(): void {
    this.#isRetired = true;
    this.#session.destroy();
  }

  #open({ method, path, headers, body }: Message): ClientHttp2Stream {
    try {
      const head = { ':method': method, ':path': path, ...headers };
      // Not said, a DELETE ends with its head, and takes no body.
      const stream = this.#session.request(head, { endStream: body === undefined });
      // Without a listener an error that comes after the answer would end the process.
      stream.on('error', () => undefined);
      if (body !== undefined) stream.end(body);
      return stream;
    } catch (error) {
      throw new ApiError('unreachable', `the connection to ${this.#origin} is gone: ${describeError(error)}`, {
        cause: error,
      });
    }
  }
}

function headOf(
  stream: ClientHttp2Stream,
  signal: AbortSignal,
  origin: string,
): Promise<IncomingHttpHeaders & IncomingHttpStatusHeader> {
  return new Promise((resolve, reject) => {
    let cause: unknown;
    stream.once('response', resolve);
    stream.once('error', (error) => {
      cause = error;
    });
    stream.once('close', () => {
      if (signal.aborted) return reject(signal.reason as Error);
      // The peer says that it has not looked at it (RFC 9113 8.7).
      const failure = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM ? 'unreachable' : 'broken';
      const why = cause === undefined ? `closed with code ${stream.rstCode}` : describeError(cause);
      reject(new ApiError(failure, `no answer from ${origin}: ${why}`, { cause }));
    });
  });
}

function keepAlive(session: ClientHttp2Session, clock: TimedClock): void {
  let cancel: () => void;
  const ping = (): void => {
    cancel = clock.after(pingTimeoutMs, () => session.destroy(new Error(`no answer to PING in ${pingTimeoutMs} ms`)));
    session.ping((error) => {
      cancel();
      if (error === null && !session.destroyed) wait();
    });
  };
  const wait = (): void => {
    cancel = clock.after(pingIntervalMs, ping);
  };
  wait();
  session.once('close', () => cancel());
}
