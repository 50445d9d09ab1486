import type { XdsObserver } from '../../src/xds/observer.ts';
import { XdsServer } from '../../src/xds/server.ts';
import { listenGrpc, type GrpcListener } from '../../src/xds/transport/grpc.ts';
import { realClock } from './clocks.ts';
import { ScriptedClient, type Wire } from './scripted-client.ts';
import { TinyMesh, tinyQueries } from './tiny-mesh.ts';

/** A tiny mesh behind a real listener on a free port. */
export class ServedMesh {
  readonly mesh = new TinyMesh();
  readonly server: XdsServer;
  readonly #listener: GrpcListener;
  readonly #clients: ScriptedClient<Wire>[] = [];

  static async start(observer?: XdsObserver): Promise<ServedMesh> {
    const made: { served?: ServedMesh } = {};
    const listener = await listenGrpc({
      address: '127.0.0.1:0',
      accept: (transport, wire) => made.served?.server.accept(transport, wire),
    });
    made.served = new ServedMesh(listener, observer);
    return made.served;
  }

  private constructor(listener: GrpcListener, observer: XdsObserver | undefined) {
    this.#listener = listener;
    this.server = new XdsServer({
      engine: this.mesh.engine,
      queries: tinyQueries,
      clock: realClock,
      identifier: 'weir/test',
      ...(observer === undefined ? {} : { observer }),
    });
  }

  get address(): string {
    return this.#listener.address;
  }

  client<W extends Wire>(wire: W): ScriptedClient<W> {
    const client = new ScriptedClient(this.address, wire);
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.drop();
    this.server.close();
    await this.#listener.close(AbortSignal.timeout(1_000));
  }
}
