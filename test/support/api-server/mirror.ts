import type { ApiClient } from '../../../src/discovery/kubernetes/api/api-client.ts';
import { apiPath } from '../../../src/discovery/kubernetes/api/api-path.ts';
import type { TimedClock } from '../../../src/discovery/kubernetes/api/timed-clock.ts';
import { keyOf } from '../../../src/discovery/kubernetes/reflector/events.ts';
import type {
  ApiResource,
  Change,
  RawObject,
  Reflected,
  ReflectorHealth,
} from '../../../src/discovery/kubernetes/reflector/reflected.ts';
import { Reflector } from '../../../src/discovery/kubernetes/reflector/reflector.ts';
import { Contact } from '../../../src/discovery/kubernetes/reflector/contact.ts';
import { ListTurns } from '../../../src/discovery/kubernetes/reflector/turns.ts';
import { silentLog } from '../../../src/observe/log.ts';

/** What reflectors know of some kinds of one namespace, to be compared with what the API server has. */

interface Metadata {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

export interface MirrorOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly resources: readonly ApiResource[];
  readonly clock: TimedClock;
}

export class Mirror {
  /** Keys that the handlers heard to be gone: `plural/name`. */
  readonly removed: string[] = [];
  /** Every health that was told, by kind. */
  readonly told = new Map<string, ReflectorHealth[]>();
  /** The most complete sets that were received at the same time. */
  mostAtOnce = 0;
  readonly #contact = new Contact();
  readonly #options: MirrorOptions;
  readonly #kept = new Map<string, string>();
  readonly #reflectors = new Map<string, Reflector<Reflected>>();
  readonly #end = new AbortController();
  readonly #finished: Promise<unknown>;
  #synced = 0;
  #atOnce = 0;

  constructor(options: MirrorOptions) {
    this.#options = options;
    const turns = new ListTurns(1);
    for (const resource of options.resources) this.#reflectors.set(resource.plural, this.#reflect(resource, turns));
    this.#finished = Promise.all(Array.from(this.#reflectors.values(), (each) => each.run(this.#end.signal)));
  }

  get hasSynced(): boolean {
    return this.#synced === this.#reflectors.size;
  }

  /** How often all objects of a kind were asked for. */
  lists(plural: string): number {
    return this.#reflectors.get(plural)?.metrics().lists ?? 0;
  }

  health(plural: string): string {
    return this.told.get(plural)?.at(-1)?.kind ?? 'unknown';
  }

  /** What is kept that the server does not have, and the other way round; empty: they are equal. */
  async differences(): Promise<readonly string[]> {
    const there = new Set<string>();
    for (const resource of this.#options.resources) {
      const path = apiPath(resource, { namespace: this.#options.namespace });
      const { body } = await this.#options.client.request({ path });
      const { items } = body as { readonly items: readonly { readonly metadata: Metadata }[] };
      for (const { metadata } of items) there.add(`${resource.plural}/${entry(metadata)}`);
    }
    const kept = new Set(Array.from(this.#kept, ([key, version]) => `${key} ${version}`));
    return [
      ...Array.from(there.difference(kept), (one) => `not known: ${one}`),
      ...Array.from(kept.difference(there), (one) => `not there: ${one}`),
    ];
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await this.#finished;
  }

  #reflect(resource: ApiResource, turns: ListTurns): Reflector<Reflected> {
    const { client, namespace, clock } = this.#options;
    const turn = turns.at(0);
    const told: ReflectorHealth[] = [];
    this.told.set(resource.plural, told);
    return new Reflector<Reflected>({
      client,
      resource,
      selection: { namespace },
      trim,
      clock,
      random: Math.random,
      log: silentLog,
      turn: (work, signal) => turn(() => this.#counted(work), signal),
      contact: this.#contact,
      handler: {
        changed: (changes) => this.#apply(resource, changes),
        synced: () => void this.#synced++,
        health: (health) => void told.push(health),
      },
    });
  }

  #apply({ plural }: ApiResource, changes: readonly Change<Reflected>[]): void {
    for (const { kind, object } of changes) {
      const name = object.key.split('/').at(-1) ?? '';
      if (kind === 'put') this.#kept.set(`${plural}/${name}`, object.resourceVersion);
      else {
        this.#kept.delete(`${plural}/${name}`);
        this.removed.push(`${plural}/${name}`);
      }
    }
  }

  async #counted<Result>(work: () => Promise<Result>): Promise<Result> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    try {
      return await work();
    } finally {
      this.#atOnce--;
    }
  }
}

function trim(object: RawObject): Reflected {
  const { uid, resourceVersion } = object['metadata'] as Metadata;
  return { key: keyOf(object), uid, resourceVersion };
}

function entry({ name, resourceVersion }: Metadata): string {
  return `${name} ${resourceVersion}`;
}
