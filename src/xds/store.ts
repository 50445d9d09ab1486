import type { Commit } from '../incremental/commit.ts';
import type { Engine } from '../incremental/engine.ts';
import { partsOf } from '../model/keys.ts';
import type { Publication } from './flight.ts';
import { Group, groupKey, type GroupHost, type Onlooker, type ResourceQueries, type Seat } from './group.ts';

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
  readonly #host: GroupHost;
  readonly #now: () => number;
  readonly #groups = new Map<string, Group>();
  #commit: Commit | undefined;
  #publication: Publication | undefined;

  /** @param now milliseconds of the monotonic clock */
  constructor(engine: Engine, queries: ResourceQueries, now: () => number) {
    this.#host = { engine, queries, publicationOf: (commit) => this.publicationOf(commit) };
    this.#now = now;
  }

  /** Sequence of the last commit. */
  get sequence(): number {
    return this.#host.engine.sequence;
  }

  get size(): StoreSize {
    const sizes = [...this.#groups.values()].map((group) => group.size);
    return {
      groups: sizes.length,
      records: sizes.reduce((sum, { records }) => sum + records, 0),
      subscriptions: sizes.reduce((sum, { subscriptions }) => sum + subscriptions, 0),
    };
  }

  /**
   * Seats an onlooker in the group of a type and scope, which is made when nobody was in it.
   *
   * @param scope undefined: one in which nothing exists, where names are kept all the same
   */
  enter(type: string, scope: string | undefined, onlooker: Onlooker): Seat {
    const key = groupKey(type, scope);
    let group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, (group = new Group(this.#host, key, scope === undefined)));
    return { group, number: group.enter(onlooker) };
  }

  /** undefined: nobody is in it. */
  group(type: string, scope: string): Group | undefined {
    return this.#groups.get(groupKey(type, scope));
  }

  /** Gives up a seat and everything that is wanted from it. */
  leave({ group, number }: Seat): void {
    group.leave(number);
    if (group.isEmpty) this.#groups.delete(group.key);
  }

  /** Everybody who wants a resource. @param key `type scope name` */
  wanting(key: string): readonly Onlooker[] {
    const [type = '', scope, name = ''] = partsOf(key);
    return this.group(type, scope ?? '')?.wanting(name) ?? [];
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
