import { setTimeout as delay } from 'node:timers/promises';
import { ApiError, type ApiClient } from '../../../src/discovery/kubernetes/api/api-client.ts';

/** Somebody who keeps writing into a namespace: makes, changes and deletes objects of some kinds, whatever becomes of the server. */
export class Load {
  /** What it has asked to be deleted: `plural/name`. */
  readonly deleted = new Set<string>();
  /** Writes that the server has taken. */
  written = 0;
  /** Writes that were refused, or not answered for five seconds. */
  refused = 0;
  readonly #client: ApiClient;
  readonly #end = new AbortController();
  readonly #finished: Promise<unknown>;

  /** @param collections paths under which objects are made; their last part is the plural */
  constructor(client: ApiClient, collections: ReadonlyMap<string, object>) {
    this.#client = client;
    this.#finished = Promise.all(Array.from(collections, ([path, object]) => this.#run(path, object)));
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await this.#finished;
  }

  /** Ten objects in turn: each is made, changed a few times, and deleted. */
  async #run(path: string, object: object): Promise<void> {
    const plural = path.split('/').at(-1) ?? '';
    for (let step = 0; !this.#end.signal.aborted; step++) {
      const name = `load-${step % 10}`;
      const phase = Math.floor(step / 10) % 5;
      if (phase === 4) this.deleted.add(`${plural}/${name}`);
      try {
        await this.#write(path, name, object, phase, step);
        this.written++;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        this.refused++;
        // The server is away, or has lost what was last written: it goes on with the next object.
        await delay(20);
      }
    }
  }

  #write(path: string, name: string, object: object, phase: number, step: number): Promise<unknown> {
    // A frozen server must not hold the writer for ever.
    const headersTimeoutMs = 5_000;
    if (phase === 0) {
      const body = { ...object, metadata: { name } };
      return this.#client.request({ method: 'POST', path, body, headersTimeoutMs });
    }
    if (phase === 4) return this.#client.request({ method: 'DELETE', path: `${path}/${name}`, headersTimeoutMs });
    const body = { metadata: { labels: { step: String(step) } } };
    const contentType = 'application/merge-patch+json';
    return this.#client.request({ method: 'PATCH', path: `${path}/${name}`, body, contentType, headersTimeoutMs });
  }
}
