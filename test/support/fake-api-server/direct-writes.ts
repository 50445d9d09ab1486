import { noSuchPath } from './refusal.ts';
import type { Resources, ServedResource } from './resources.ts';
import type { ServerClock } from './server-clock.ts';
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
  readonly #clock: ServerClock;
  #made = 0;

  constructor(store: Store, resources: Resources, clock: ServerClock) {
    this.#store = store;
    this.#resources = resources;
    this.#clock = clock;
  }

  /** @param id for example `endpointslices.discovery.k8s.io` */
  put(id: string, draft: Draft): StoredObject {
    const resource = this.#resource(id);
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

  remove(id: string, key: string): void {
    const resource = this.#resource(id);
    const object = this.#store.read(resource, key);
    if (object !== undefined) this.#store.remove(resource, object);
  }

  list(id: string): readonly StoredObject[] {
    return this.#store.list(this.#resource(id));
  }

  /** `key uid version` of all of them, in the order of their keys: what a follower should end with. */
  summary(id: string): readonly string[] {
    return this.list(id).map(({ metadata: { namespace, name, uid, resourceVersion } }) =>
      [objectKey(namespace, name), uid, resourceVersion].join(' '),
    );
  }

  #resource(id: string): ServedResource {
    const found = this.#resources.all().find((resource) => resource.id === id);
    if (found === undefined) throw noSuchPath();
    return found;
  }

  #uid(): string {
    this.#made += 1;
    return `00000000-0000-4000-9000-${String(this.#made).padStart(12, '0')}`;
  }
}
