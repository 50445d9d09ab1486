import type { Commit, Watch } from '../incremental/commit.ts';
import { ReadFailure } from '../incremental/commit.ts';
import type { Keep, Query, Read } from '../incremental/definitions.ts';
import type { Engine } from '../incremental/engine.ts';
import { compositeKey } from '../model/keys.ts';
import { addBit, deleteBit, eachOfEither, hasBit, type Bits } from './bits.ts';
import type { Publication } from './flight.ts';
import type { Report } from './programming.ts';
import type { Resource } from './resources.ts';
import { stampOf, ViewSum, type Stamp } from './view-version.ts';

/** Where resources come from. */
export interface ResourceQueries {
  /** Key `type scope`: the names that a wildcard stands for, sorted. */
  readonly names: Query<string, readonly string[]>;
  /** Key `type scope name`. */
  readonly resource: Query<string, Resource | undefined>;
  /** Key `type scope name`: how a resource that may be large is worked out step by step; undefined: it is small. */
  readonly steps?: (key: string) => ((read: Read, keep: Keep) => Iterable<void>) | undefined;
}

/** What a name stands for at one moment. Immutable: a change puts another one in its place. */
export interface Content {
  readonly resource: Resource;
  readonly stamp: Stamp;
}

/** What a name of a group stood for and stands for now, to those who are told. */
export interface Change {
  readonly group: Group;
  readonly name: string;
  readonly before: Content | undefined;
  readonly after: Content | undefined;
  readonly publication: Publication;
}

/** Somebody who looks at groups: hears of changes inside the commit that makes them, so it marks and returns. */
export interface Onlooker {
  /** @param isNamed whether the onlooker follows the name by itself, and not only as part of everything */
  noticed(change: Change, isNamed: boolean): void;
  /** What has become of a name that it wants. */
  report(name: string, since: number): Report;
}

/** An onlooker's place in a group. Its number belongs to nobody else until nothing in the group knows it any more (hot-path H202). */
export interface Seat {
  readonly group: Group;
  readonly number: number;
}

/** A name that somebody follows. */
export interface Followed {
  /** The one copy of the name's text that everybody shares. */
  readonly name: string;
  readonly content: Content | undefined;
}

/** One name of one type in one scope. Exists while somebody wants it. */
interface NamedRecord extends Followed {
  watch: Watch<Resource | undefined> | undefined;
  content: Content | undefined;
  /** Whether the group's wildcard stands for it. */
  isMember: boolean;
  /** Seats of those who named it. */
  readonly followers: Bits;
  followerCount: number;
}

/** What all groups share. */
export interface GroupHost {
  readonly engine: Engine;
  readonly queries: ResourceQueries;
  readonly publicationOf: (commit: Commit) => Publication;
}

/** Identifies a group: `type scope`. */
export function groupKey(type: string, scope: string | undefined): string {
  return compositeKey(type, scope ?? '');
}

const nobody: Bits = [];

/** One type in one scope, shared by all proxies of the scope (hot-path H213). */
export class Group {
  /** `type scope`. */
  readonly key: string;
  readonly #host: GroupHost;
  /** Whether nothing exists in it. */
  readonly #isVoid: boolean;
  readonly #records = new Map<string, NamedRecord>();
  readonly #members = new Set<NamedRecord>();
  readonly #sum = new ViewSum();
  /** By seat; no hole is at the end. */
  readonly #onlookers: (Onlooker | undefined)[] = [];
  /** Seats of those who want everything. */
  readonly #wildcards: Bits = [];
  #wildcardCount = 0;
  #watch: Watch<readonly string[]> | undefined;

  constructor(host: GroupHost, key: string, isVoid: boolean) {
    this.#host = host;
    this.key = key;
    this.#isVoid = isVoid;
  }

  get isEmpty(): boolean {
    return this.#onlookers.length === 0;
  }

  get size(): { readonly records: number; readonly subscriptions: number } {
    let subscriptions = this.#wildcardCount;
    for (const { followerCount } of this.#records.values()) subscriptions += followerCount;
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

  // --- seats ---

  /** Gives the seat's number: the lowest free one, so that sets of seats stay short. */
  enter(onlooker: Onlooker): number {
    const hole = this.#onlookers.indexOf(undefined);
    const seat = hole < 0 ? this.#onlookers.length : hole;
    this.#onlookers[seat] = onlooker;
    return seat;
  }

  leave(seat: number): void {
    this.unfollowAll(seat);
    for (const record of this.#records.values()) this.#drop(record, seat);
    this.#onlookers[seat] = undefined;
    while (this.#onlookers.length > 0 && this.#onlookers.at(-1) === undefined) this.#onlookers.pop();
  }

  /** Everybody who wants a name that exists. */
  wanting(name: string): readonly Onlooker[] {
    const record = this.#records.get(name);
    if (record?.content === undefined) return [];
    const onlookers: Onlooker[] = [];
    eachOfEither(record.followers, record.isMember ? this.#wildcards : nobody, (seat) => {
      const onlooker = this.#onlookers[seat];
      if (onlooker !== undefined) onlookers.push(onlooker);
    });
    return onlookers;
  }

  // --- what is wanted ---

  /** What the group has for a seat under a name that is wanted from it. */
  content(name: string, seat: number): Content | undefined {
    const record = this.#records.get(name);
    if (record?.content === undefined) return undefined;
    const isWanted = (record.isMember && hasBit(this.#wildcards, seat)) || hasBit(record.followers, seat);
    return isWanted ? record.content : undefined;
  }

  follows(name: string, seat: number): boolean {
    const record = this.#records.get(name);
    return record !== undefined && hasBit(record.followers, seat);
  }

  /** Whether somebody wants a name. */
  knows(name: string): boolean {
    return this.#records.has(name);
  }

  /** The names that a wildcard stands for, whether somebody wants everything or not. */
  namesOfAll(): readonly string[] {
    const { engine, queries } = this.#host;
    return this.#isVoid ? [] : (unlessFailed(() => engine.read(queries.names, this.key)) ?? []);
  }

  /** Whether a name may stand for something large. */
  hasSteps(name: string): boolean {
    return this.#host.queries.steps?.(compositeKey(this.key, name)) !== undefined;
  }

  /** Follows a name after it has worked out what is large about it, step by step. */
  *followInSteps(name: string, seat: number): Generator<void, void> {
    const { engine, queries } = this.#host;
    const kept: Watch<unknown>[] = [];
    const keep: Keep = (query, key) => void kept.push(engine.watch(query, key, () => undefined));
    try {
      yield* queries.steps?.(compositeKey(this.key, name))?.(engine.read, keep) ?? [];
      this.follow(name, seat);
    } finally {
      for (const watch of kept) watch.stop();
    }
  }

  /** The names that a seat follows one by one. Goes through all that anybody wants. */
  *followed(seat: number): Generator<string, void, void> {
    for (const { name, followers } of this.#records.values()) if (hasBit(followers, seat)) yield name;
  }

  /** @returns undefined: the seat follows it already */
  follow(name: string, seat: number): Followed | undefined {
    const record = this.#records.get(name) ?? this.#open(name);
    if (!addBit(record.followers, seat)) return undefined;
    record.followerCount++;
    return record;
  }

  unfollow(name: string, seat: number): void {
    const record = this.#records.get(name);
    if (record !== undefined) this.#drop(record, seat);
  }

  followAll(seat: number): void {
    if (addBit(this.#wildcards, seat)) this.#wildcardCount++;
    if (this.#watch !== undefined || this.#isVoid) return;
    const { engine, queries, publicationOf } = this.#host;
    const watch = engine.watch(queries.names, this.key, (names, commit) =>
      this.#changeMembers(names, publicationOf(commit)),
    );
    this.#watch = watch;
    this.#changeMembers(unlessFailed(() => watch.value) ?? [], undefined);
  }

  unfollowAll(seat: number): void {
    if (!deleteBit(this.#wildcards, seat)) return;
    this.#wildcardCount--;
    if (this.#wildcardCount > 0) return;
    this.#watch?.stop();
    this.#watch = undefined;
    for (const record of [...this.#members]) this.#retire(record);
  }

  // --- records ---

  #open(name: string): NamedRecord {
    const record: NamedRecord = {
      name,
      watch: undefined,
      content: undefined,
      isMember: false,
      followers: [],
      followerCount: 0,
    };
    this.#records.set(name, record);
    // Blanks separate the parts of a key: a name that holds one was made up by a client and would be read as something else.
    if (this.#isVoid || name === '' || name.includes(' ')) return record;
    const { engine, queries, publicationOf } = this.#host;
    const watch = engine.watch(queries.resource, compositeKey(this.key, name), (resource, commit) =>
      this.#changeContent(record, resource, publicationOf(commit)),
    );
    record.watch = watch;
    record.content = contentOf(unlessFailed(() => watch.value));
    return record;
  }

  #drop(record: NamedRecord, seat: number): void {
    if (!deleteBit(record.followers, seat)) return;
    record.followerCount--;
    this.#release(record);
  }

  #release(record: NamedRecord): void {
    if (record.isMember || record.followerCount > 0) return;
    record.watch?.stop();
    this.#records.delete(record.name);
  }

  /** @param publication undefined: nobody knew the members before, so there is nobody to tell */
  #changeMembers(names: readonly string[], publication: Publication | undefined): void {
    const wanted = new Set(names);
    for (const record of [...this.#members]) {
      if (wanted.has(record.name)) continue;
      const before = record.content;
      this.#retire(record);
      if (publication !== undefined) this.#tellWildcardAlone(record, before, undefined, publication);
    }
    for (const name of wanted) {
      if (this.#records.get(name)?.isMember === true) continue;
      const record = this.#join(name);
      if (publication !== undefined) this.#tellWildcardAlone(record, undefined, record.content, publication);
    }
  }

  #join(name: string): NamedRecord {
    const record = this.#records.get(name) ?? this.#open(name);
    record.isMember = true;
    this.#members.add(record);
    if (record.content !== undefined) this.#sum.add(record.content.stamp);
    return record;
  }

  #retire(record: NamedRecord): void {
    record.isMember = false;
    this.#members.delete(record);
    if (record.content !== undefined) this.#sum.subtract(record.content.stamp);
    this.#release(record);
  }

  #changeContent(record: NamedRecord, resource: Resource | undefined, publication: Publication): void {
    const before = record.content;
    const after = contentOf(resource);
    record.content = after;
    if (record.isMember) {
      if (before !== undefined) this.#sum.subtract(before.stamp);
      if (after !== undefined) this.#sum.add(after.stamp);
    }
    const change = { group: this, name: record.name, before, after, publication };
    const byWildcard = record.isMember ? this.#wildcards : nobody;
    // A word of 32 seats at a time, and nothing is made for anybody (hot-path H210).
    eachOfEither(record.followers, byWildcard, (seat, isNamed) => this.#onlookers[seat]?.noticed(change, isNamed));
  }

  /** Tells those who want everything and have not named the record, for whom it joins or leaves. */
  #tellWildcardAlone(
    record: NamedRecord,
    before: Content | undefined,
    after: Content | undefined,
    publication: Publication,
  ): void {
    if (before === after) return;
    const change = { group: this, name: record.name, before, after, publication };
    eachOfEither(record.followers, this.#wildcards, (seat, isNamed) => {
      if (!isNamed) this.#onlookers[seat]?.noticed(change, false);
    });
  }
}

function contentOf(resource: Resource | undefined): Content | undefined {
  return resource && { resource, stamp: stampOf(resource.name, resource.version) };
}

/** A query that fails and never had a result gives nothing; the engine has reported it. */
function unlessFailed<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ReadFailure) return undefined;
    throw error;
  }
}
