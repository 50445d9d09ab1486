import { noSuchPath } from './refusal.ts';
import type { Resources, ServedResource } from './resources.ts';
import type { TimedClock } from '../../../src/discovery/kubernetes/api/timed-clock.ts';
import { selectorOf } from './selectors.ts';
import type { Store } from './store.ts';
import { objectKey, type StoredMetadata, type StoredObject } from './stored-object.ts';

/** An object as a test writes it: what is not said is made up. */
export interface Draft {
  readonly metadata: Partial<StoredMetadata> & { readonly name: string };
  readonly [field: string]: unknown;
}

/** Objects written past the API: whole, without a request, and without the rules for those who write. */
export class DirectWrites {
  readonly #store: Store;
  readonly #resources: Resources;
  readonly #clock: TimedClock;
  #made = 0;

  constructor(store: Store, resources: Resources, clock: TimedClock) {
    this.#store = store;
    this.#resources = resources;
    this.#clock = clock;
  }

  /** @param kind plural, with its group where that alone says too little: `endpointslices` or `endpointslices.discovery.k8s.io` */
  put(kind: string, draft: Draft): StoredObject {
    const resource = this.#resource(kind);
    const { namespace, name } = draft.metadata;
    const current = this.#store.read(resource, objectKey(namespace, name));
    const metadata: StoredMetadata = {
      uid: current?.metadata.uid ?? this.#uid(),
      creationTimestamp:
        current?.metadata.creationTimestamp ?? `${new Date(this.#clock.now()).toISOString().slice(0, 19)}Z`,
      ...(resource.counted ? { generation: (current?.metadata.generation ?? 0) + 1 } : {}),
      ...draft.metadata,
      resourceVersion: '',
    };
    return this.#store.put(resource, { ...draft, metadata });
  }

  /** @param key `namespace/name`, or the name of what has no namespace */
  remove(kind: string, key: string): void {
    const resource = this.#resource(kind);
    const object = this.#store.read(resource, key);
    if (object !== undefined) this.#store.remove(resource, object);
  }

  get(kind: string, key: string): StoredObject | undefined {
    return this.#store.read(this.#resource(kind), key);
  }

  list(kind: string): readonly StoredObject[] {
    return this.#store.list(this.#resource(kind));
  }

  /** `key uid version` of all that a query selects, in the order of their keys: what a follower should end with. */
  summary(kind: string, query: URLSearchParams, namespace?: string): readonly string[] {
    const selects = selectorOf(this.#resource(kind), query, namespace);
    return this.list(kind)
      .filter(selects)
      .map(({ metadata: { namespace, name, uid, resourceVersion } }) =>
        [objectKey(namespace, name), uid, resourceVersion].join(' '),
      );
  }

  #resource(kind: string): ServedResource {
    const found = this.#resources.all().find(({ id, plural }) => id === kind || plural === kind);
    if (found === undefined) throw noSuchPath();
    return found;
  }

  #uid(): string {
    this.#made += 1;
    return `00000000-0000-4000-9000-${String(this.#made).padStart(12, '0')}`;
  }
}
