import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to a server that can go dead: whoever is on it hears neither an answer nor a refusal, and nothing tells that it is so. */
export class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Bytes that have passed, or were to pass. */
  traffic = 0;
  #isDead = false;

  private constructor(port: number) {
    // Small pieces go at once: what waits for an acknowledgement is late by the machine's time, and virtual time is past it.
    this.#server = createServer({ noDelay: true }, (near) => {
      const far = connect({ port, host: '127.0.0.1', noDelay: true });
      this.#pass(near, far);
      this.#pass(far, near);
    });
  }

  static async to(port: number): Promise<Relay> {
    const relay = new Relay(port);
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on nothing passes, on old connections and new ones. */
  die(): void {
    this.#isDead = true;
  }

  /** New connections pass again; what has died stays dead. */
  revive(): void {
    this.#isDead = false;
    for (const socket of this.#sockets) socket.removeAllListeners('data').resume();
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on('data', (bytes: Buffer) => {
      this.traffic += bytes.length;
      if (!this.#isDead) to.write(bytes);
    });
    from.on('error', () => undefined);
    from.once('close', () => {
      this.#sockets.delete(from);
      if (!this.#isDead) to.destroy();
    });
  }
}
