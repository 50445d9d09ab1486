import { differenceOfViews } from './differ.ts';
import type { Publication } from './flight.ts';
import type { View } from './outbox.ts';
import type { Resource } from './resources.ts';
import type { Content, Group, Onlooker, ResourceStore } from './store.ts';
import { ViewSum } from './view-version.ts';

/** Hears that a name stands for something else now. Called inside a commit. */
export type ViewListener = (name: string, previous: Resource | undefined, publication: Publication) => void;

/**
 * What one subscription sees of the store: single names, everything, or both, through the scopes of its proxy. Of several scopes
 * that have a name the first counts.
 */
export class StoreView implements View, Onlooker {
  readonly named: Set<string> = new Set();
  readonly #store: ResourceStore;
  readonly #type: string;
  readonly #listener: ViewListener;
  #scopes: readonly string[];
  #groups: readonly Group[];
  #isWildcard = false;
  /** Version of what is named. That of everything is kept by the groups, once for all. */
  #namedSum = new ViewSum();

  /** Includes nothing yet. */
  constructor(store: ResourceStore, type: string, scopes: readonly string[], listener: ViewListener) {
    this.#store = store;
    this.#type = type;
    this.#listener = listener;
    this.#scopes = scopes;
    this.#groups = scopes.map((scope) => store.group(type, scope));
  }

  follow(name: string): string {
    if (this.named.has(name)) return name;
    let shared = name;
    for (const group of this.#groups) shared = group.follow(name, this);
    this.named.add(shared);
    this.#count(this.#content(shared));
    return shared;
  }

  unfollow(name: string): void {
    if (!this.named.delete(name)) return;
    const content = this.#content(name);
    if (content !== undefined) this.#namedSum.subtract(content.stamp);
    for (const group of this.#groups) group.unfollow(name, this);
  }

  followAll(): void {
    this.#isWildcard = true;
    for (const group of this.#groups) group.followAll(this);
  }

  unfollowAll(): void {
    this.#isWildcard = false;
    for (const group of this.#groups) group.unfollowAll(this);
  }

  resource(name: string): Resource | undefined {
    return this.#content(name)?.resource;
  }

  *names(): Iterable<string> {
    if (!this.#isWildcard) return;
    const [first, ...others] = this.#groups;
    if (first === undefined) return;
    yield* first.members();
    const earlier = [first];
    for (const group of others) {
      for (const name of group.members()) if (!earlier.some((one) => one.content(name, this) !== undefined)) yield name;
      earlier.push(group);
    }
  }

  *resources(): Iterable<Resource> {
    const seen = new Set<string>();
    for (const name of this.names()) {
      const resource = this.resource(name);
      if (resource === undefined) continue;
      seen.add(name);
      yield resource;
    }
    for (const name of this.named) {
      const resource = seen.has(name) ? undefined : this.resource(name);
      if (resource !== undefined) yield resource;
    }
  }

  version(): string {
    const sum = new ViewSum();
    sum.include(this.#namedSum);
    if (this.#isWildcard) for (const group of this.#groups) sum.include(group.sum);
    return sum.toString();
  }

  noticed(group: Group, name: string, before: Content | undefined, publication: Publication): void {
    const previous = this.#groups.length === 1 ? before : this.#contentWith(group, before, name);
    const current = this.#content(name);
    if (previous?.resource.version === current?.resource.version) return;
    if (this.named.has(name)) {
      if (previous !== undefined) this.#namedSum.subtract(previous.stamp);
      this.#count(current);
    }
    this.#listener(name, previous?.resource, publication);
  }

  /** Looks through other scopes from now on, and tells what differs, name by name (hot-path H215). */
  setScopes(scopes: readonly string[], publication: Publication): void {
    if (scopes.length === this.#scopes.length && scopes.every((scope, index) => scope === this.#scopes[index])) return;
    const before = this.#snapshot();
    const left = this.#groups;
    this.#scopes = scopes;
    this.#groups = scopes.map((scope) => this.#store.group(this.#type, scope));
    // Enters before it leaves, so that what both have is not computed again.
    if (this.#isWildcard) this.followAll();
    for (const name of this.named) for (const group of this.#groups) group.follow(name, this);
    for (const group of left) if (!this.#groups.includes(group)) this.#leave(group);
    this.#namedSum = new ViewSum();
    for (const name of this.named) this.#count(this.#content(name));
    for (const [name, previous] of differenceOfViews(before, this.#snapshot())) {
      this.#listener(name, previous, publication);
    }
  }

  /** Includes nothing any more. */
  close(): void {
    for (const group of this.#groups) this.#leave(group);
    this.#groups = [];
    this.named.clear();
  }

  #leave(group: Group): void {
    if (this.#isWildcard) group.unfollowAll(this);
    for (const name of this.named) group.unfollow(name, this);
    this.#store.release(group);
  }

  #snapshot(): ReadonlyMap<string, Resource> {
    const snapshot = new Map<string, Resource>();
    for (const resource of this.resources()) snapshot.set(resource.name, resource);
    return snapshot;
  }

  #content(name: string): Content | undefined {
    for (const group of this.#groups) {
      const content = group.content(name, this);
      if (content !== undefined) return content;
    }
    return undefined;
  }

  /** What the name stood for while a group had something else under it. */
  #contentWith(changed: Group, before: Content | undefined, name: string): Content | undefined {
    for (const group of this.#groups) {
      const content = group === changed ? before : group.content(name, this);
      if (content !== undefined) return content;
    }
    return undefined;
  }

  #count(content: Content | undefined): void {
    if (content !== undefined) this.#namedSum.add(content.stamp);
  }
}
