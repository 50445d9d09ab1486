import type { Settlement } from './flight.ts';
import type { Wire } from './observer.ts';
import type { Subscription } from './subscription.ts';
import type { Doubts, TaintedNames } from './taint.ts';

/** What one stream adds to what is doubted of its node, and takes away (xds-protocol X304). State of the world knows no doubt. */
export class NodeDoubts {
  readonly #taint: TaintedNames;
  readonly #nodeId: string;
  readonly #wire: Wire;

  constructor(taint: TaintedNames, nodeId: string, wire: Wire) {
    this.#taint = taint;
    this.#nodeId = nodeId;
    this.#wire = wire;
  }

  of(type: string): Doubts {
    return this.#taint.of(this.#nodeId, type);
  }

  /** After a NACK a delta client does not know what it holds of the response, until it has accepted that in another. */
  settled({ type }: Subscription, settlement: Settlement): void {
    if (this.#wire === 'sotw' || settlement.kind === 'none' || settlement.flight.isHeartbeat) return;
    if (settlement.kind === 'nacked') this.#taint.refused(this.#nodeId, type.name, settlement.flight);
    else if (this.#taint.size > 0) this.#taint.accepted(this.#nodeId, type.name, settlement.flight);
  }

  /** What is unanswered at the end may have been refused: the NACK is lost with the connection. */
  ended(subscriptions: readonly Subscription[]): void {
    if (this.#wire === 'sotw') return;
    for (const { type, deliveries } of subscriptions) {
      for (const flight of deliveries.outstanding) {
        if (!flight.isHeartbeat) this.#taint.unanswered(this.#nodeId, type.name, flight);
      }
    }
  }
}
