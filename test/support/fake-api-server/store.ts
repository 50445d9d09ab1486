import type { ServedResource } from './resources.ts';
import { keyOf, type StoredObject } from './stored-object.ts';

/** One change of one object. */
export interface StoreEvent {
  readonly revision: number;
  readonly resource: ServedResource;
  /** undefined: it is gone. */
  readonly object: StoredObject | undefined;
  /** undefined: it is new. */
  readonly previous: StoredObject | undefined;
}

type Listener = (event: StoreEvent) => void;

/** Every object, under one count of revisions, and what happened to them since the last forgetting. */
export class Store {
  #revision = 100;
  /** What happened up to and with this revision is not known any more. */
  #forgotten = 0;
  #events: StoreEvent[] = [];
  readonly #tables = new Map<string, Map<string, StoredObject>>();
  readonly #listeners = new Set<Listener>();

  get revision(): number {
    return this.#revision;
  }

  get forgotten(): number {
    return this.#forgotten;
  }

  read(resource: ServedResource, key: string): StoredObject | undefined {
    return this.#tables.get(resource.id)?.get(key);
  }

  /** In the order of their keys. */
  list(resource: ServedResource): readonly StoredObject[] {
    return sorted(this.#tables.get(resource.id) ?? new Map());
  }

  /** As it was at a revision that is not forgotten, in the order of their keys. */
  listAt(resource: ServedResource, revision: number): readonly StoredObject[] {
    const table = new Map(this.#tables.get(resource.id));
    for (const { object, previous } of this.since(resource, revision).toReversed()) {
      if (previous !== undefined) table.set(keyOf(previous), previous);
      else if (object !== undefined) table.delete(keyOf(object));
    }
    return sorted(table);
  }

  since(resource: ServedResource, revision: number): readonly StoreEvent[] {
    return this.#events.filter((event) => event.resource.id === resource.id && event.revision > revision);
  }

  /** Writes an object under the next revision. Nothing happens when it is as it was. */
  put(resource: ServedResource, object: StoredObject): StoredObject {
    const table = this.#tables.get(resource.id) ?? new Map<string, StoredObject>();
    this.#tables.set(resource.id, table);
    const previous = table.get(keyOf(object));
    if (previous !== undefined && sameContent(previous, object)) return previous;
    this.#revision += 1;
    const stored = stamped(object, this.#revision);
    table.set(keyOf(stored), stored);
    this.#tell({ revision: this.#revision, resource, object: stored, previous });
    return stored;
  }

  remove(resource: ServedResource, object: StoredObject): void {
    this.#tables.get(resource.id)?.delete(keyOf(object));
    this.#revision += 1;
    this.#tell({ revision: this.#revision, resource, object: undefined, previous: object });
  }

  /** Forgets what has been, as a watch cache does that is full or new. */
  forget(): void {
    this.#forgotten = this.#revision;
    this.#events = [];
  }

  /** Lets revisions pass that have to do with no object, as they do in etcd. */
  skip(revisions: number): void {
    this.#revision += revisions;
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(event: StoreEvent): void {
    this.#events.push(event);
    for (const listener of [...this.#listeners]) listener(event);
  }
}

export function stamped(object: StoredObject, revision: number): StoredObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

function sorted(table: ReadonlyMap<string, StoredObject>): readonly StoredObject[] {
  return [...table.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
}

/** Times of managed fields are no content: a write that changes nothing else is none. */
function sameContent(a: StoredObject, b: StoredObject): boolean {
  return contentOf(a) === contentOf(b);
}

function contentOf(object: StoredObject): string {
  const { managedFields = [], resourceVersion: _, ...metadata } = object.metadata;
  const fields = managedFields.map(({ time: _time, ...owned }) => owned);
  return JSON.stringify(inOrder({ ...object, metadata: { ...metadata, managedFields: fields } }));
}

/** The same JSON whatever the order in which fields were written. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, content]) => content !== undefined);
  return Object.fromEntries(
    entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, each]) => [name, inOrder(each)]),
  );
}
