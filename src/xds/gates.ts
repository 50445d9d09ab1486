import { mentionsAny } from './mentions.ts';
import { deadlines, drainsThrough, removalWaitsFor, waitsForNew } from './order.ts';
import type { Departure } from './outbox.ts';
import type { Resource } from './resources.ts';
import type { Subscription } from './subscription.ts';

/**
 * What of one type has to wait for what the client says of the others, so that nothing it has ever names something that it has
 * not (xds-protocol X55, X57). The rules are `order.ts`; here they meet the subscriptions of one stream.
 */
export class Gates {
  readonly #find: (type: string) => Subscription | undefined;
  /** Milliseconds of the monotonic clock. */
  readonly #connectedAt: number;
  /** Whether the stream carries one type only. */
  readonly #isSeparate: boolean;
  /** By the type that they are of: names that the client may not have yet, once they were asked for in a flush. */
  readonly #unconfirmed = new Map<string, readonly string[]>();

  /** @param find gives the stream's subscription to a type by its short name */
  constructor(find: (type: string) => Subscription | undefined, connectedAt: number, isSeparate: boolean) {
    this.#find = find;
    this.#connectedAt = connectedAt;
    this.#isSeparate = isSeparate;
  }

  /** To be called before each flush of the stream. */
  begin(): void {
    if (this.#unconfirmed.size > 0) this.#unconfirmed.clear();
  }

  /** Whether the client has everything new that a resource names, or was waited for long enough (X57). */
  mayAdd({ type }: Subscription, resource: Resource, now: number): boolean {
    const awaited = waitsForNew.get(type.name);
    return awaited === undefined || !mentionsAny(resource, this.#unconfirmedOf(awaited, now));
  }

  #unconfirmedOf(type: string, now: number): readonly string[] {
    let names = this.#unconfirmed.get(type);
    if (names !== undefined) return names;
    const subscription = this.#find(type);
    // A client that asks for clusters by name does so because of routes, and would wait for ever.
    const isAwaited = subscription?.wildcard === true;
    names = isAwaited ? [...subscription.unconfirmedNames(now - deadlines.newClusters)] : [];
    this.#unconfirmed.set(type, names);
    return names;
  }

  /** Whether nothing that the client has may still name what went away (X55). */
  mayRemove({ type }: Subscription, departure: Departure, now: number): boolean {
    const { sequence, at } = departure;
    if (now < this.#drainedAt(type.name, departure)) return false;
    const [first, ...others] = removalWaitsFor.get(type.name) ?? [];
    if (first === undefined) return true;
    // What the client confirms on its other streams is not known here (X59).
    if (this.#isSeparate) return now >= at + deadlines.separateRemoval;
    const awaited = this.#find(first);
    if (awaited?.started !== true) return now >= this.#connectedAt + deadlines.noListeners;
    return (
      awaited.confirmed(sequence) &&
      others.map((name) => this.#find(name)).every((other) => other?.started !== true || other.confirmed(sequence))
    );
  }

  /** When the connections that may still use what went away are closed; negative infinity: there are none. */
  #drainedAt(type: string, { at }: Departure): number {
    const users = drainsThrough.get(type);
    const replaced = users === undefined ? undefined : this.#find(users)?.deliveries.lastReplacement;
    return replaced !== undefined && replaced + deadlines.draining > at ? at + deadlines.draining : -Infinity;
  }

  /** The moments at which time alone may open a gate; those in the past do not matter. */
  moments(): readonly number[] {
    const awaited = [...new Set(waitsForNew.values())].flatMap(
      (type) => this.#find(type)?.deliveries.outstanding ?? [],
    );
    const departures = [...removalWaitsFor.keys()].flatMap((type) => this.#find(type)?.oldestDeparture ?? []);
    return [
      ...awaited.map(({ sentAt }) => sentAt + deadlines.newClusters),
      ...departures.flatMap(({ at }) => [at + deadlines.separateRemoval, at + deadlines.draining]),
      this.#connectedAt + deadlines.noListeners,
    ];
  }
}
