import { deadlines, removalWaitsFor, waitsForNew } from './order.ts';
import type { Subscription } from './subscription.ts';

/**
 * What of one type has to wait for what the client says of the others, so that nothing it has ever names something that it has
 * not (xds-protocol X55, X57). The rules are `order.ts`; here they meet the subscriptions of one stream.
 */
export class Gates {
  readonly #find: (type: string) => Subscription | undefined;
  /** Milliseconds of the monotonic clock. */
  readonly #connectedAt: number;
  /** Since when something waits for the client to confirm new clusters. */
  #waitingForNewSince: number | undefined;

  /** @param find gives the stream's subscription to a type by its short name */
  constructor(find: (type: string) => Subscription | undefined, connectedAt: number) {
    this.#find = find;
    this.#connectedAt = connectedAt;
  }

  /** To be called before the types of a stream are flushed. */
  begin(): void {
    if (![...waitsForNew.values()].some((name) => this.#find(name)?.introduces)) this.#waitingForNewSince = undefined;
  }

  /** Whether a type waits because what it sends might name something that the client has not confirmed yet (X57). */
  waitsForNew({ type }: Subscription, now: number): boolean {
    const name = waitsForNew.get(type.name);
    const awaited = name === undefined ? undefined : this.#find(name);
    // A client that asks for clusters by name does so because of routes, and would wait for ever.
    if (awaited?.wildcard !== true || !awaited.introduces) return false;
    this.#waitingForNewSince ??= now;
    return now < this.#waitingForNewSince + deadlines.newClusters;
  }

  /** Whether nothing that the client has may still name what went away with a commit (X55). */
  mayRemove({ type }: Subscription, sequence: number, now: number): boolean {
    const [first, ...others] = removalWaitsFor.get(type.name) ?? [];
    if (first === undefined) return true;
    const awaited = this.#find(first);
    if (awaited?.started !== true) return now >= this.#connectedAt + deadlines.noListeners;
    return (
      awaited.confirmed(sequence) &&
      others.map((name) => this.#find(name)).every((other) => other?.started !== true || other.confirmed(sequence))
    );
  }

  /** The moments at which time alone may open a gate; those in the past do not matter. */
  moments(): readonly number[] {
    return [(this.#waitingForNewSince ?? Infinity) + deadlines.newClusters, this.#connectedAt + deadlines.noListeners];
  }
}
