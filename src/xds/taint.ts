import type { Clock } from './clock.ts';
import { namesOf, type Flight } from './flight.ts';

/** Milliseconds for which a name stays tainted when nothing clears it. */
const lifetime = 600_000;
/** Names that are remembered in all. */
const mostNames = 4_096;

/** By name, the version that settles what the client runs, if it says that it holds that; undefined: nothing it says does. */
export type Doubts = ReadonlyMap<string, string | undefined>;

interface Group {
  readonly names: Map<string, string | undefined>;
  /** Milliseconds of the monotonic clock. */
  readonly until: number;
}

/**
 * Names of which a client does not know what it runs (xds-protocol X304): Envoy applies the valid resources of a response that it
 * refuses and does not record their versions, so what it says of them when it comes back is not to be believed. A name is
 * tainted by a NACK, or by a connection that ends before the answer, as that may have been a NACK; it is clean with the ACK of a
 * response that carries it. Kept by node and not by stream, since the lie is told on the next one; state-of-the-world clients tell
 * none, as they are sent everything when they come back.
 */
export class TaintedNames {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #mostNames: number;
  /** By node id and type, the one that was tainted last at the end. */
  readonly #groups = new Map<string, Group>();
  #size = 0;
  #dropped = 0;

  constructor(clock: Pick<Clock, 'now'>, most: number = mostNames) {
    this.#clock = clock;
    this.#mostNames = most;
  }

  get size(): number {
    return this.#size;
  }

  /** Names forgotten too early, since there were too many: their clients may run what nobody knows of. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * The client has refused a response.
   *
   * @param type its short name
   */
  refused(nodeId: string, type: string, flight: Flight): void {
    this.#dropExpired();
    const { names } = this.#touch(nodeId, type);
    for (const name of namesOf(flight)) this.#add(names, name, undefined);
    while (this.#size > this.#mostNames) this.#dropOldest();
  }

  /**
   * The client was lost before it answered a response. If it says when it comes back that it holds just this content, it has
   * accepted it. Most answers that are lost were ACKs, so these names take the place that is left and never that of others.
   */
  unanswered(nodeId: string, type: string, flight: Flight): void {
    this.#dropExpired();
    if (this.#size >= this.#mostNames && !this.#groups.has(keyOf(nodeId, type))) {
      // When many are lost at once, most find no place.
      this.#dropped += flight.resources.length + flight.removed.length;
      return;
    }
    const group = this.#touch(nodeId, type);
    const doubts = [
      ...flight.resources.map(({ name, version }) => [name, version] as const),
      ...flight.removed.map((name) => [name, undefined] as const),
    ];
    for (const [name, version] of doubts) {
      if (group.names.has(name)) {
        // It may run either.
        if (group.names.get(name) !== version) group.names.set(name, undefined);
      } else if (this.#size < this.#mostNames) this.#add(group.names, name, version);
      else this.#dropped++;
    }
    if (group.names.size === 0) this.#groups.delete(keyOf(nodeId, type));
  }

  /** The client has accepted a response. */
  accepted(nodeId: string, type: string, flight: Flight): void {
    const key = keyOf(nodeId, type);
    const group = this.#groups.get(key)?.names;
    if (group === undefined) return;
    for (const name of namesOf(flight)) if (group.delete(name)) this.#size--;
    if (group.size === 0) this.#groups.delete(key);
  }

  of(nodeId: string, type: string): Doubts {
    this.#dropExpired();
    return new Map(this.#groups.get(keyOf(nodeId, type))?.names);
  }

  /** The group, from now on the one that was tainted last. */
  #touch(nodeId: string, type: string): Group {
    const key = keyOf(nodeId, type);
    const names = this.#groups.get(key)?.names ?? new Map<string, string | undefined>();
    const group = { names, until: this.#clock.now() + lifetime };
    this.#groups.delete(key);
    this.#groups.set(key, group);
    return group;
  }

  #add(names: Map<string, string | undefined>, name: string, version: string | undefined): void {
    if (!names.has(name)) this.#size++;
    names.set(name, version);
  }

  #dropExpired(): void {
    const now = this.#clock.now();
    for (const [key, { names, until }] of this.#groups) {
      if (now < until) return;
      this.#groups.delete(key);
      this.#size -= names.size;
    }
  }

  #dropOldest(): void {
    for (const [key, { names }] of this.#groups) {
      for (const name of names.keys()) {
        names.delete(name);
        this.#size--;
        this.#dropped++;
        if (names.size === 0) this.#groups.delete(key);
        return;
      }
    }
  }
}

function keyOf(nodeId: string, type: string): string {
  return `${type} ${nodeId}`;
}
