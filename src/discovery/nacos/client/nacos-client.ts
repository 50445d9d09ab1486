import { credentials as channels, type ChannelCredentials } from '@grpc/grpc-js';
import { describeError, type Log } from '../../../observe/log.ts';
import { pause, type TimedClock } from '../../kubernetes/api/timed-clock.ts';
import { Backoff } from '../../kubernetes/reflector/backoff.ts';
import { NacosConnection } from './connection.ts';
import type { NacosCredentials } from './credentials.ts';
import type { NacosTls, ReadTls } from './http-exchange.ts';
import type { JsonMessage } from './json-message.ts';
import { ServerTurns, serverText, type NacosServer } from './servers.ts';

export interface NacosClientOptions {
  readonly servers: readonly NacosServer[];
  readonly grpcPortOffset: number;
  /** Read for each connection; undefined: without TLS. */
  readonly tls: ReadTls | undefined;
  readonly credentials: NacosCredentials;
  /** Id of the namespace. Pushes do not say theirs, so that each namespace has a connection of its own (decision 22). */
  readonly namespace: string;
  readonly version: string;
  readonly clock: TimedClock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly log: Log;
  readonly session: NacosSession;
}

/** What lives on the connections of a client, one after the other. */
export interface NacosSession {
  /**
   * Does what is to be done on a connection until the signal is aborted, which it is when the connection has ended.
   *
   * @throws NacosError when another connection has to be tried
   */
  connected(connection: NacosConnection, signal: AbortSignal): Promise<void>;
  /** What the server says by itself. */
  pushed(type: string, message: JsonMessage): void;
  /** There is no connection. */
  lost(reason: string): void;
}

/** To a server that is back the way is short: it is waited for 10 s at most, and by chance up to twice that. */
const longestWaitMs = 10_000;

/** A connection that lasted so long was a good one. */
const provenMs = 10_000;

/** Keeps one connection to one of the servers, and goes to the next when it ends. */
export class NacosClient {
  readonly #options: NacosClientOptions;
  readonly #servers: ServerTurns;
  readonly #backoff: Backoff;
  #failures = 0;
  #connections = 0;

  constructor(options: NacosClientOptions) {
    const { servers, random, clock } = options;
    this.#options = options;
    this.#servers = new ServerTurns(servers, random);
    this.#backoff = new Backoff(() => clock.monotonic(), random, longestWaitMs);
  }

  /** How often a connection was made. */
  get connections(): number {
    return this.#connections;
  }

  /** Keeps a connection until the signal is aborted, and settles when everything has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { session, log, clock, namespace } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#connect(signal);
      } catch (error) {
        if (signal.aborted) return;
        const reason = describeError(error);
        session.lost(reason);
        log.warn('Nacos is lost', { namespace, error });
        // Every server gets its turn before anybody waits.
        if (++this.#failures < this.#servers.count) continue;
        await pause(clock, this.#backoff.next(), signal);
        this.#failures = 0;
      }
    }
  }

  /** @throws NacosError when the connection has ended, or there is none */
  async #connect(signal: AbortSignal): Promise<void> {
    const { session, credentials, namespace, log, clock, tls, ...options } = this.#options;
    await credentials.ready(signal);
    const channel = channelOf(await tls?.());
    const connection = await NacosConnection.open(
      {
        ...options,
        credentials,
        channel,
        clock,
        tenant: namespace,
        server: this.#servers.next(),
        log,
        pushed: (type, message) => session.pushed(type, message),
      },
      signal,
    );
    this.#connections++;
    log.info('Nacos is reached', { namespace, server: serverText(connection.server) });
    const since = clock.monotonic();
    const over = new AbortController();
    const close = (): void => connection.close();
    signal.addEventListener('abort', close);
    const ended = connection.ended.then((reason) => {
      over.abort();
      return reason;
    });
    const used = session.connected(connection, over.signal);
    try {
      await Promise.race([used, ended]);
      throw await ended;
    } finally {
      signal.removeEventListener('abort', close);
      connection.close();
      await ended;
      // What it failed with, if it did, has been thrown already.
      await used.catch(() => undefined);
      if (clock.monotonic() - since >= provenMs) this.#failures = 0;
      const { reset } = connection;
      if (reset?.to !== undefined) this.#servers.prefer(reset.to.host, reset.to.port);
    }
  }
}

function channelOf(tls: NacosTls | undefined): ChannelCredentials {
  if (tls === undefined) return channels.createInsecure();
  const { authorities, identity } = tls;
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  return channels.createSsl(pem(authorities), pem(identity?.key), pem(identity?.certificate));
}
