import { clientStatusHandlers } from '../../src/xds/client-status.ts';
import { noObserver, type XdsObserver } from '../../src/xds/observer.ts';
import { XdsServer } from '../../src/xds/server.ts';
import { xdsHandlers } from '../../src/xds/services.ts';
import { listen, type Listener } from '../../src/xds/transport/listener.ts';
import { transportKinds, type TransportKind } from '../../src/xds/transport/transport-kinds.ts';
import { defaultLimits, noConnectionObserver } from '../../src/xds/transport/protocol.ts';
import type { TlsIdentity } from '../../src/xds/transport/tls.ts';
import type { Caller } from '../../src/identity/caller.ts';
import type { SecretSource } from '../../src/xds/secrets.ts';
import { realClock } from './clocks.ts';
import { ScriptedClient, type Wire } from './scripted-client.ts';
import { TinyMesh, tinyQueries } from './tiny-mesh.ts';

export interface ServedMeshOptions {
  readonly observer?: XdsObserver;
  readonly transport?: TransportKind;
  readonly tls?: TlsIdentity;
  /** Who every client is taken for. */
  readonly caller?: Caller;
  readonly secrets?: SecretSource;
}

/** A tiny mesh behind a real listener on a free port. */
export class ServedMesh {
  readonly mesh = new TinyMesh();
  readonly #options: ServedMeshOptions;
  #server: XdsServer;
  #listener: Listener | undefined;
  #address = '127.0.0.1:0';
  readonly #clients: ScriptedClient<Wire>[] = [];

  static async start(options: ServedMeshOptions = {}): Promise<ServedMesh> {
    const served = new ServedMesh(options);
    await served.#listen();
    return served;
  }

  private constructor(options: ServedMeshOptions) {
    this.#options = options;
    this.#server = this.#newServer();
  }

  get server(): XdsServer {
    return this.#server;
  }

  /** `host:port`, the same after a restart. */
  get address(): string {
    return this.#address;
  }

  client<W extends Wire>(wire: W): ScriptedClient<W> {
    const client = new ScriptedClient(this.address, wire);
    this.#clients.push(client);
    return client;
  }

  /** Goes away as a control plane does that is restarted; the mesh lives on. */
  async stopServing(): Promise<void> {
    this.server.close();
    await this.#listener?.close(AbortSignal.timeout(1_000));
    this.#listener = undefined;
  }

  async serveAgain(): Promise<void> {
    this.#server = this.#newServer();
    this.#server.open();
    await this.#listen();
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.drop();
    await this.stopServing();
  }

  async #listen(): Promise<void> {
    this.#listener = await listen({
      kind: this.#options.transport ?? transportKinds[0],
      address: this.#address,
      handlers: new Map([
        ...xdsHandlers((transport, { wire, typeUrl }) => {
          this.#server.accept(transport, wire, { only: typeUrl, caller: this.#options.caller });
        }),
        ...clientStatusHandlers(() => this.#server.proxies()),
      ]),
      tls: this.#options.tls,
      limits: defaultLimits,
      clock: realClock,
      random: Math.random,
      observer: noConnectionObserver,
    });
    this.#address = this.#listener.address;
  }

  #newServer(): XdsServer {
    return new XdsServer({
      engine: this.mesh.engine,
      queries: tinyQueries,
      clock: realClock,
      identifier: 'weir/test',
      observer: this.#options.observer ?? noObserver,
      ...(this.#options.secrets === undefined ? {} : { secrets: this.#options.secrets }),
    });
  }
}
