/** What a reflector follows, keeps and says. One reflector follows one kind of object on one API server. */

export interface ApiResource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** For example `endpointslices`. */
  readonly plural: string;
  /** For example `EndpointSlice`. */
  readonly kind: string;
}

export interface ReflectedSelection {
  /** undefined: all namespaces. */
  readonly namespace?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

/** An object as the server sent it: plain JSON, never kept. */
export type RawObject = Readonly<Record<string, unknown>>;

/** What every kept object has. Everything else is the business of who trims it. */
export interface Reflected {
  /** `namespace/name`, or the name of an object that has no namespace. */
  readonly key: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

export type Change<Kept extends Reflected> =
  | { readonly kind: 'put'; readonly object: Kept }
  /** `object` is the last that was known. An object that was made anew under its old name is removed, then put. */
  | { readonly kind: 'remove'; readonly object: Kept };

/** Who hears of changes. What it throws is counted and logged, and the reflector goes on (K22). */
export interface ReflectorHandler<Kept extends Reflected> {
  /**
   * Everything that changed since the last call: of several changes of one object the last, but a removal is never lost.
   *
   * @param at monotonic milliseconds at which the first of them was heard
   */
  changed(changes: readonly Change<Kept>[], at: number): void;
  /** After the first complete set went through `changed`. Once. */
  synced(): void;
  /** Whenever it differs from before. */
  health(health: ReflectorHealth): void;
}

export type ReflectorHealth =
  /** No complete set yet. */
  | { readonly kind: 'unknown'; readonly reason?: string }
  /** The server has no such kind (404), or refuses it (403): asked again now and then. */
  | { readonly kind: 'absent' | 'forbidden'; readonly reason: string }
  | { readonly kind: 'following' }
  /** The last complete set is kept, but nothing has been heard for longer than a quiet kind may be silent. */
  | { readonly kind: 'stale'; readonly reason: string };
