import type { Clock } from './clock.ts';

/** Milliseconds for which a name stays tainted when nothing clears it. */
const lifetime = 600_000;
/** Names that are remembered in all. */
const mostNames = 4_096;

interface Group {
  readonly names: Set<string>;
  /** Milliseconds of the monotonic clock. */
  readonly until: number;
}

/**
 * Names of which a client does not know what it runs (xds-protocol X304): Envoy applies the valid resources of a response that it
 * refuses and does not record their versions, so what it says of them when it comes back is not to be believed. A name is
 * tainted by a NACK, and clean with the ACK of a response that carries it. Kept by node and not by stream, since the lie is told
 * on the next one; state-of-the-world clients tell none, as they are sent everything when they come back.
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

  /** @param type its short name */
  add(nodeId: string, type: string, names: readonly string[]): void {
    this.#dropExpired();
    const key = keyOf(nodeId, type);
    const group = this.#groups.get(key)?.names ?? new Set();
    this.#groups.delete(key);
    this.#groups.set(key, { names: group, until: this.#clock.now() + lifetime });
    this.#size -= group.size;
    for (const name of names) group.add(name);
    this.#size += group.size;
    while (this.#size > this.#mostNames) this.#dropOldest();
  }

  /** The client has accepted a response with these names. */
  clear(nodeId: string, type: string, names: readonly string[]): void {
    const key = keyOf(nodeId, type);
    const group = this.#groups.get(key)?.names;
    for (const name of names) if (group?.delete(name) === true) this.#size--;
    if (group?.size === 0) this.#groups.delete(key);
  }

  of(nodeId: string, type: string): ReadonlySet<string> {
    this.#dropExpired();
    return new Set(this.#groups.get(keyOf(nodeId, type))?.names);
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
      for (const name of names) {
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
