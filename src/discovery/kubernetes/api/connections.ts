import { isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { describeError } from '../../../observe/log.ts';
import { ApiError } from './api-client.ts';
import type { ApiCluster } from './cluster.ts';
import type { Connection } from './connection.ts';
import { Http1Connection } from './http1-connection.ts';
import { Http2Connection } from './http2-connection.ts';
import { isSameIdentity, type TlsIdentity } from './identity.ts';
import type { TimedClock } from './timed-clock.ts';
import { openTunnel } from './tunnel.ts';
import { Undertaking } from './undertaking.ts';

const keepAliveMs = 15_000;
const handshakeTimeoutMs = 30_000;

interface Current {
  readonly identity: TlsIdentity;
  readonly connecting: Promise<Connection>;
  connection: Connection | undefined;
}

/** The one connection to a cluster, made anew when it has ended and when what it was made of has changed (K7, K8). */
export class Connections {
  readonly #cluster: ApiCluster;
  readonly #clock: TimedClock;
  readonly #origin: URL;
  readonly #ended = new AbortController();
  #current: Current | undefined;

  constructor(cluster: ApiCluster, clock: TimedClock) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#origin = new URL(cluster.server);
  }

  /**
   * A connection that is open, and made of this identity.
   *
   * @throws ApiError `unreachable`
   */
  take(identity: TlsIdentity): Promise<Connection> {
    const current = this.#current;
    if (current !== undefined && isSameIdentity(current.identity, identity)) {
      if (current.connection === undefined || current.connection.isOpen) return current.connecting;
    }
    current?.connection?.retire();
    const connecting = this.#connect(identity);
    const next: Current = { identity, connecting, connection: undefined };
    this.#current = next;
    void this.#adopt(next);
    return connecting;
  }

  async #adopt(next: Current): Promise<void> {
    try {
      next.connection = await next.connecting;
      // Another identity came while it was being made.
      if (this.#current !== next) next.connection.retire();
    } catch {
      // Whoever asked for it hears why; the next who asks gets another try.
      if (this.#current === next) this.#current = undefined;
    }
  }

  close(): void {
    this.#ended.abort();
    this.#current?.connection?.close();
  }

  async #connect(identity: TlsIdentity): Promise<Connection> {
    if (this.#origin.protocol === 'http:') return new Http1Connection(this.#origin, undefined);
    const options = tlsOptions(this.#cluster, this.#origin, identity);
    const { proxy } = this.#cluster;
    const tunnel = proxy === undefined ? undefined : await this.#tunnel(new URL(proxy), options);
    const socket = await this.#handshake(tunnel === undefined ? options : { ...options, socket: tunnel });
    if (socket.alpnProtocol === 'h2') return new Http2Connection(socket, this.#origin.origin, this.#clock);
    socket.destroy();
    if (tunnel !== undefined) {
      throw new ApiError('unreachable', `${this.#cluster.server} speaks no HTTP/2, which it has to behind a proxy`);
    }
    return new Http1Connection(this.#origin, options);
  }

  async #tunnel(proxy: URL, { host = '', port = 443 }: ConnectionOptions): Promise<Socket> {
    const undertaking = new Undertaking([this.#ended.signal], this.#clock);
    const late = `the proxy ${proxy.host} opens no connection in ${handshakeTimeoutMs} ms`;
    undertaking.expect(handshakeTimeoutMs, () => new ApiError('unreachable', late));
    try {
      return await openTunnel(proxy, `${isIP(host) === 6 ? `[${host}]` : host}:${port}`, undertaking.signal);
    } finally {
      undertaking.finish();
    }
  }

  #handshake(options: ConnectionOptions): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const socket = connectTls({ ...options, ALPNProtocols: ['h2', 'http/1.1'] });
      const fail = (why: string, cause?: unknown): void => {
        settle();
        socket.destroy();
        reject(new ApiError('unreachable', `no connection to ${this.#cluster.server}: ${why}`, { cause }));
      };
      const end = (): void => fail('it is no longer wanted');
      const cancel = this.#clock.after(handshakeTimeoutMs, () => fail(`no handshake in ${handshakeTimeoutMs} ms`));
      const settle = (): void => {
        cancel();
        this.#ended.signal.removeEventListener('abort', end);
      };
      this.#ended.signal.addEventListener('abort', end);
      socket.setKeepAlive(true, keepAliveMs);
      socket.setNoDelay(true);
      // Stays, so that an error after the handshake is nobody's surprise: the session sees the socket close.
      socket.on('error', (error) => fail(describeError(error), error));
      socket.once('secureConnect', () => {
        settle();
        resolve(socket);
      });
    });
  }
}

function tlsOptions(cluster: ApiCluster, origin: URL, { authorities, client }: TlsIdentity): ConnectionOptions {
  const host = origin.hostname.replace(/^\[(.*)\]$/, '$1');
  // The name of a server is never an address (RFC 6066 3).
  const servername = cluster.tlsServerName ?? (isIP(host) === 0 ? host : '');
  return {
    host,
    port: origin.port === '' ? 443 : Number(origin.port),
    servername,
    rejectUnauthorized: cluster.skipsTlsVerification !== true,
    ...(authorities !== undefined && { ca: authorities }),
    ...(client !== undefined && { cert: client.certificate, key: client.key }),
  };
}
