import type { Commit, Watch } from '../incremental/commit.ts';
import { ReadFailure } from '../incremental/commit.ts';
import type { Query } from '../incremental/definitions.ts';
import type { Engine } from '../incremental/engine.ts';
import { compositeKey } from '../model/keys.ts';
import type { Publication } from './flight.ts';
import type { Resource } from './resources.ts';
import { stampOf, ViewSum, type Stamp } from './view-version.ts';

/** Where resources come from. */
export interface ResourceQueries {
  /** Key `type scope`: the names that a wildcard stands for, sorted. */
  readonly names: Query<string, readonly string[]>;
  /** Key `type scope name`. */
  readonly resource: Query<string, Resource | undefined>;
}

/** What a name stands for at one moment. Immutable: a change puts another one in its place. */
export interface Content {
  readonly resource: Resource;
  readonly stamp: Stamp;
}

/** Somebody who looks at groups: hears of changes inside the commit that makes them, so it marks and returns. */
export interface Onlooker {
  noticed(group: Group, name: string, before: Content | undefined, publication: Publication): void;
}

/** One name of one type in one scope. Exists while somebody wants it. */
interface NamedRecord {
  readonly name: string;
  watch: Watch<Resource | undefined> | undefined;
  content: Content | undefined;
  /** Whether the group's wildcard stands for it. */
  isMember: boolean;
  /** Who named it. */
  readonly onlookers: Set<Onlooker>;
}

/** How much a store holds: all of it 0 when nobody is connected. */
export interface StoreSize {
  readonly groups: number;
  readonly records: number;
  /** Entries of the index from resources to those who want them. */
  readonly subscriptions: number;
}

/**
 * The bridge between the engine and the streams: an inverted index from resources to those who want them (hot-path H210). A
 * resource is computed only while somebody wants it, and a change costs as much as there are people to tell.
 */
export class ResourceStore {
  readonly engine: Engine;
  readonly queries: ResourceQueries;
  readonly #now: () => number;
  readonly #groups = new Map<string, Group>();
  #commit: Commit | undefined;
  #publication: Publication | undefined;

  /** @param now milliseconds of the monotonic clock */
  constructor(engine: Engine, queries: ResourceQueries, now: () => number) {
    this.engine = engine;
    this.queries = queries;
    this.#now = now;
  }

  /** Sequence of the last commit. */
  get sequence(): number {
    return this.engine.sequence;
  }

  get size(): StoreSize {
    const sizes = [...this.#groups.values()].map((group) => group.size);
    return {
      groups: sizes.length,
      records: sizes.reduce((sum, { records }) => sum + records, 0),
      subscriptions: sizes.reduce((sum, { subscriptions }) => sum + subscriptions, 0),
    };
  }

  /** The group of a type and scope; made when nobody was in it. */
  group(type: string, scope: string): Group {
    const key = compositeKey(type, scope);
    let group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, (group = new Group(this, key)));
    return group;
  }

  /** Drops a group that nobody is in. */
  release(group: Group): void {
    if (group.isEmpty && this.#groups.get(group.key) === group) this.#groups.delete(group.key);
  }

  /** One object per commit, however many resources it changed and streams it reached. */
  publicationOf(commit: Commit): Publication {
    if (this.#publication === undefined || this.#commit !== commit) {
      this.#commit = commit;
      this.#publication = { cause: commit.cause, sequence: commit.sequence, committedAt: this.#now() };
    }
    return this.#publication;
  }
}

/** One type in one scope, shared by all proxies of the scope (hot-path H213). */
export class Group {
  /** `type scope`. */
  readonly key: string;
  readonly #store: ResourceStore;
  readonly #records = new Map<string, NamedRecord>();
  readonly #members = new Set<NamedRecord>();
  readonly #sum = new ViewSum();
  /** Who wants everything. */
  readonly #onlookers = new Set<Onlooker>();
  #watch: Watch<readonly string[]> | undefined;

  constructor(store: ResourceStore, key: string) {
    this.#store = store;
    this.key = key;
  }

  get isEmpty(): boolean {
    return this.#records.size === 0 && this.#onlookers.size === 0;
  }

  get size(): { readonly records: number; readonly subscriptions: number } {
    let subscriptions = this.#onlookers.size;
    for (const { onlookers } of this.#records.values()) subscriptions += onlookers.size;
    return { records: this.#records.size, subscriptions };
  }

  /** Version of everything, known while somebody wants everything. */
  get sum(): ViewSum {
    return this.#sum;
  }

  /** The names that a wildcard stands for, while somebody wants everything. */
  *members(): Iterable<string> {
    for (const record of this.#members) yield record.name;
  }

  /** What the group has for an onlooker under a name that it wants. */
  content(name: string, onlooker: Onlooker): Content | undefined {
    const record = this.#records.get(name);
    if (record?.content === undefined) return undefined;
    const isWanted = (record.isMember && this.#onlookers.has(onlooker)) || record.onlookers.has(onlooker);
    return isWanted ? record.content : undefined;
  }

  /** Gives the name's text that everybody shares. */
  follow(name: string, onlooker: Onlooker): string {
    const record = this.#records.get(name) ?? this.#open(name);
    record.onlookers.add(onlooker);
    return record.name;
  }

  unfollow(name: string, onlooker: Onlooker): void {
    const record = this.#records.get(name);
    if (record === undefined) return;
    record.onlookers.delete(onlooker);
    this.#release(record);
  }

  followAll(onlooker: Onlooker): void {
    this.#onlookers.add(onlooker);
    if (this.#watch !== undefined) return;
    const { engine, queries } = this.#store;
    this.#watch = engine.watch(queries.names, this.key, (names, commit) =>
      this.#changeMembers(names, this.#store.publicationOf(commit)),
    );
    this.#changeMembers(valueOf(this.#watch) ?? [], undefined);
  }

  unfollowAll(onlooker: Onlooker): void {
    this.#onlookers.delete(onlooker);
    if (this.#onlookers.size > 0) return;
    this.#watch?.stop();
    this.#watch = undefined;
    for (const record of [...this.#members]) this.#leave(record);
  }

  #open(name: string): NamedRecord {
    const record: NamedRecord = { name, watch: undefined, content: undefined, isMember: false, onlookers: new Set() };
    this.#records.set(name, record);
    // Blanks separate the parts of a key: a name that holds one was made up by a client and would be read as something else.
    if (name === '' || name.includes(' ')) return record;
    const { engine, queries } = this.#store;
    record.watch = engine.watch(queries.resource, compositeKey(this.key, name), (resource, commit) =>
      this.#changeContent(record, resource, this.#store.publicationOf(commit)),
    );
    record.content = contentOf(valueOf(record.watch));
    return record;
  }

  #release(record: NamedRecord): void {
    if (record.isMember || record.onlookers.size > 0) return;
    record.watch?.stop();
    this.#records.delete(record.name);
  }

  /** @param publication undefined: nobody knew the members before, so there is nobody to tell */
  #changeMembers(names: readonly string[], publication: Publication | undefined): void {
    const wanted = new Set(names);
    for (const record of [...this.#members]) {
      if (wanted.has(record.name)) continue;
      const before = record.content;
      const others = this.#onlookersByWildcardAlone(record);
      this.#leave(record);
      if (publication === undefined || before === undefined) continue;
      for (const onlooker of others) onlooker.noticed(this, record.name, before, publication);
    }
    for (const name of wanted) {
      if (this.#records.get(name)?.isMember === true) continue;
      const record = this.#join(name);
      if (publication === undefined || record.content === undefined) continue;
      for (const onlooker of this.#onlookersByWildcardAlone(record)) {
        onlooker.noticed(this, name, undefined, publication);
      }
    }
  }

  #join(name: string): NamedRecord {
    const record = this.#records.get(name) ?? this.#open(name);
    record.isMember = true;
    this.#members.add(record);
    if (record.content !== undefined) this.#sum.add(record.content.stamp);
    return record;
  }

  #leave(record: NamedRecord): void {
    record.isMember = false;
    this.#members.delete(record);
    if (record.content !== undefined) this.#sum.subtract(record.content.stamp);
    this.#release(record);
  }

  #changeContent(record: NamedRecord, resource: Resource | undefined, publication: Publication): void {
    const before = record.content;
    record.content = contentOf(resource);
    if (record.isMember) {
      if (before !== undefined) this.#sum.subtract(before.stamp);
      if (record.content !== undefined) this.#sum.add(record.content.stamp);
    }
    for (const onlooker of record.onlookers) onlooker.noticed(this, record.name, before, publication);
    if (!record.isMember) return;
    for (const onlooker of this.#onlookersByWildcardAlone(record)) {
      onlooker.noticed(this, record.name, before, publication);
    }
  }

  /** Those who want everything and have not named the record, so that nobody is told twice. */
  #onlookersByWildcardAlone(record: NamedRecord): Iterable<Onlooker> {
    if (record.onlookers.size === 0) return this.#onlookers;
    return [...this.#onlookers].filter((onlooker) => !record.onlookers.has(onlooker));
  }
}

function contentOf(resource: Resource | undefined): Content | undefined {
  return resource && { resource, stamp: stampOf(resource.name, resource.version) };
}

/** A query that fails and never had a result gives nothing; the engine has reported it. */
function valueOf<Value>(watch: Watch<Value>): Value | undefined {
  try {
    return watch.value;
  } catch (error) {
    if (error instanceof ReadFailure) return undefined;
    throw error;
  }
}
