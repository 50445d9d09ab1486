import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Certificate } from '../certificates.ts';
import type { Outlet } from './outlet.ts';

/** The listening half of the server: it can go away and come back on its port, and break single connections. */
export class Network {
  readonly #server: Server;
  readonly #sockets = new Map<number, Socket>();
  /** Of connections that are closed. */
  #past = 0;
  #port = 0;

  /**
   * @param certificate with one, TLS: HTTP/2, or HTTP/1.1 if the client wants that. Without, plain HTTP/1.1
   */
  constructor(
    certificate: Certificate | undefined,
    answer: (request: IncomingMessage, response: ServerResponse) => void,
  ) {
    this.#server =
      certificate === undefined
        ? createServer()
        : createSecureServer({ cert: certificate.certificate, key: certificate.key, allowHTTP1: true, noDelay: true });
    // HTTP/2 requests look like those of HTTP/1.1 to who only reads heads and writes bodies.
    this.#server.on('request', answer);
    this.#server.on('connection', (socket: Socket) => {
      const port = socket.remotePort ?? 0;
      this.#sockets.set(port, socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#sockets.delete(port);
        this.#past += 1 + trafficOf(socket);
      });
    });
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Grows with everything that comes and goes. */
  get traffic(): number {
    return [...this.#sockets.values()].reduce((sum, socket) => sum + 1 + trafficOf(socket), this.#past);
  }

  async listen(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Breaks every connection, and refuses new ones. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets.values()) socket.destroy();
    await closed;
  }

  /** RST to whoever has this port. */
  reset(port: number | undefined): void {
    this.#sockets.get(port ?? 0)?.resetAndDestroy();
  }

  outletOf(request: IncomingMessage, response: ServerResponse): Outlet {
    const port = request.socket.remotePort;
    let written = Promise.resolve();
    response.on('error', () => undefined);
    return {
      write: (bytes) => {
        if (response.destroyed || response.writableEnded) return;
        written = new Promise((resolve) => response.write(bytes, () => resolve()));
      },
      end: () => {
        if (!response.destroyed && !response.writableEnded) response.end();
      },
      // Not before what was written is on its way.
      reset: () => void written.then(() => setImmediate(() => this.reset(port))),
    };
  }
}

function trafficOf({ bytesRead, bytesWritten }: Socket): number {
  return bytesRead + bytesWritten;
}
