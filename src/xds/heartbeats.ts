import type { Flight } from './flight.ts';
import type { Resource } from './resources.ts';

interface Beat {
  /** What the client was sent, which is what it keeps alive. */
  readonly resource: Resource;
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
}

/**
 * When a client has to be told that what it was sent for a limited time is still so (xds-protocol X72): after a quarter to a half of
 * that time, by chance, so that the streams of one commit do not beat together.
 */
export class Heartbeats {
  readonly #random: () => number;
  readonly #beats = new Map<string, Beat>();

  /** @param random from 0 to below 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Moment of the next one; infinity: none. Looks through all that expire. */
  get next(): number {
    let next = Infinity;
    for (const { at } of this.#beats.values()) next = Math.min(next, at);
    return next;
  }

  /** A response has left: full time for all that is in it. */
  sent({ resources, removed, sentAt }: Flight): void {
    const share = (1 + this.#random()) / 4;
    for (const resource of resources) {
      const { name, ttl } = resource;
      if (ttl !== undefined) this.#beats.set(name, { resource, at: sentAt + ttl * share });
      else if (this.#beats.size > 0) this.#beats.delete(name);
    }
    this.forget(removed);
  }

  forget(names: Iterable<string>): void {
    for (const name of names) this.#beats.delete(name);
  }

  /** What is due. Names that the client no longer wants are forgotten. */
  due(now: number, isWanted: (name: string) => boolean): readonly Resource[] {
    const due: Resource[] = [];
    for (const [name, { resource, at }] of this.#beats) {
      if (!isWanted(name)) this.#beats.delete(name);
      else if (at <= now) due.push(resource);
    }
    return due;
  }
}
