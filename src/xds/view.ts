import { differenceOfViews, type Names } from './differ.ts';
import type { Publication } from './flight.ts';
import { groupKey, type Change, type Content, type Onlooker, type Seat } from './group.ts';
import type { View } from './outbox.ts';
import type { Report } from './programming.ts';
import type { Resource } from './resources.ts';
import type { ResourceStore } from './store.ts';
import { ViewSum } from './view-version.ts';

/** Whose view it is. */
export interface ViewOwner {
  /** A name stands for something else now. Called inside a commit. */
  changed(name: string, previous: Resource | undefined, publication: Publication): void;
  /** What has become of a name since a commit. */
  report(name: string, since: number): Report;
}

/**
 * What one subscription sees of the store: single names, everything, or both, through the scopes of its proxy. Of several scopes
 * that have a name the first counts. Which names it follows is written in the groups, one bit each (hot-path H211, H1105).
 */
export class StoreView implements View, Onlooker {
  readonly named: FollowedNames;
  readonly #store: ResourceStore;
  readonly #type: string;
  readonly #owner: ViewOwner;
  #scopes: readonly string[];
  /** At least one, and the first knows the names. */
  #seats: readonly Seat[];
  #isWildcard = false;
  /** Version of what is named. That of everything is kept by the groups, once for all. */
  #namedSum: ViewSum | undefined;

  /** Includes nothing yet. */
  constructor(store: ResourceStore, type: string, scopes: readonly string[], owner: ViewOwner) {
    this.#store = store;
    this.#type = type;
    this.#owner = owner;
    this.#scopes = scopes;
    this.#seats = orNowhere(scopes).map((scope) => store.enter(type, scope, this));
    this.named = new FollowedNames(this.#seats[0]);
  }

  follow(name: string): string {
    let shared = name;
    let content: Content | undefined;
    for (const { group, number } of this.#seats) {
      const followed = group.follow(name, number);
      if (followed === undefined) return name;
      shared = followed.name;
      content ??= followed.content;
    }
    this.named.size++;
    this.#count(content);
    return shared;
  }

  unfollow(name: string): void {
    if (!this.named.has(name)) return;
    const content = this.#content(name);
    if (content !== undefined) this.#namedSum?.subtract(content.stamp);
    for (const { group, number } of this.#seats) group.unfollow(name, number);
    this.named.size--;
  }

  followAll(): void {
    this.#isWildcard = true;
    for (const { group, number } of this.#seats) group.followAll(number);
  }

  unfollowAll(): void {
    this.#isWildcard = false;
    for (const { group, number } of this.#seats) group.unfollowAll(number);
  }

  resource(name: string): Resource | undefined {
    return this.#content(name)?.resource;
  }

  awaits(): boolean {
    return false;
  }

  *names(): Iterable<string> {
    if (!this.#isWildcard) return;
    const earlier: Seat[] = [];
    for (const seat of this.#seats) {
      for (const name of seat.group.members()) {
        if (!earlier.some(({ group, number }) => group.content(name, number) !== undefined)) yield name;
      }
      earlier.push(seat);
    }
  }

  *resources(): Iterable<Resource> {
    for (const name of this.names()) {
      const resource = this.named.has(name) ? undefined : this.resource(name);
      if (resource !== undefined) yield resource;
    }
    for (const name of this.named) {
      const resource = this.resource(name);
      if (resource !== undefined) yield resource;
    }
  }

  version(): string {
    const sum = new ViewSum();
    if (this.#namedSum !== undefined) sum.include(this.#namedSum);
    if (this.#isWildcard) for (const { group } of this.#seats) sum.include(group.sum);
    return sum.toString();
  }

  noticed(change: Change, isNamed: boolean): void {
    const { name, publication } = change;
    const previous = this.#contentWith(change, change.before);
    const current = this.#contentWith(change, change.after);
    if (previous?.resource.version === current?.resource.version) return;
    if (isNamed) {
      if (previous !== undefined) this.#namedSum?.subtract(previous.stamp);
      this.#count(current);
    }
    this.#owner.changed(name, previous?.resource, publication);
  }

  report(name: string, since: number): Report {
    return this.#owner.report(name, since);
  }

  /** Looks through other scopes from now on, and tells what differs, name by name (hot-path H215). */
  setScopes(scopes: readonly string[], publication: Publication): void {
    if (scopes.length === this.#scopes.length && scopes.every((scope, index) => scope === this.#scopes[index])) return;
    const before = this.#snapshot();
    const names = [...this.named];
    const left = this.#seats;
    this.#scopes = scopes;
    // Enters before it leaves, so that what both have is not computed again.
    this.#seats = orNowhere(scopes).map((scope) => {
      const key = groupKey(this.#type, scope);
      return left.find(({ group }) => group.key === key) ?? this.#enter(scope, names);
    });
    this.named.seat = this.#seats[0];
    for (const seat of left) if (!this.#seats.includes(seat)) this.#store.leave(seat);
    this.#namedSum = undefined;
    for (const name of names) this.#count(this.#content(name));
    for (const [name, previous] of differenceOfViews(before, this.#snapshot())) {
      this.#owner.changed(name, previous, publication);
    }
  }

  /** Includes nothing any more. */
  close(): void {
    for (const seat of this.#seats) this.#store.leave(seat);
    this.#seats = [];
    this.named.seat = undefined;
    this.named.size = 0;
  }

  #enter(scope: string | undefined, names: readonly string[]): Seat {
    const seat = this.#store.enter(this.#type, scope, this);
    if (this.#isWildcard) seat.group.followAll(seat.number);
    for (const name of names) seat.group.follow(name, seat.number);
    return seat;
  }

  #snapshot(): ReadonlyMap<string, Resource> {
    const snapshot = new Map<string, Resource>();
    for (const resource of this.resources()) snapshot.set(resource.name, resource);
    return snapshot;
  }

  #content(name: string): Content | undefined {
    for (const { group, number } of this.#seats) {
      const content = group.content(name, number);
      if (content !== undefined) return content;
    }
    return undefined;
  }

  /** What the name stands for if the group that tells of the change has this content under it. */
  #contentWith({ group: changed, name }: Change, its: Content | undefined): Content | undefined {
    if (this.#seats.length === 1) return its;
    for (const { group, number } of this.#seats) {
      const content = group === changed ? its : group.content(name, number);
      if (content !== undefined) return content;
    }
    return undefined;
  }

  #count(content: Content | undefined): void {
    if (content !== undefined) (this.#namedSum ??= new ViewSum()).add(content.stamp);
  }
}

/** The names that a view follows one by one, as its first seat has them. */
class FollowedNames implements Names {
  seat: Seat | undefined;
  size = 0;

  constructor(seat: Seat | undefined) {
    this.seat = seat;
  }

  has(name: string): boolean {
    return this.seat?.group.follows(name, this.seat.number) === true;
  }

  [Symbol.iterator](): Iterator<string> {
    return this.seat === undefined || this.size === 0 ? [].values() : this.seat.group.followed(this.seat.number);
  }
}

/** A proxy without scopes still follows names: of them it is told that they do not exist. */
function orNowhere(scopes: readonly string[]): readonly (string | undefined)[] {
  return scopes.length === 0 ? [undefined] : scopes;
}
