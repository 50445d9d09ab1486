import { joined, type Flight, type Held } from './flight.ts';
import type { Wire } from './observer.ts';

/** The last response that left. */
export interface Sent {
  readonly version: string;
  readonly nonce: string;
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
}

export interface Acked {
  readonly version: string;
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
}

/** Envoy withholds the ACK of clusters while one of them warms, and takes further ones meanwhile (xds-protocol X301). In milliseconds. */
const clusterPatience = 1_000;

/** The responses of one type that are on their way to one client, and what became of the last ones. */
export class Deliveries {
  readonly #type: string;
  readonly #wire: Wire;
  readonly #outstanding: Flight[] = [];
  #lastSent: Sent | undefined;
  #lastAcked: Acked | undefined;
  #lastReplacement: number | undefined;

  /** @param type its short name */
  constructor(type: string, wire: Wire) {
    this.#type = type;
    this.#wire = wire;
  }

  /** Sent and neither ACKed nor NACKed, oldest first. */
  get outstanding(): readonly Flight[] {
    return this.#outstanding;
  }

  get lastSent(): Sent | undefined {
    return this.#lastSent;
  }

  get lastAcked(): Acked | undefined {
    return this.#lastAcked;
  }

  /** When the client was last told that something it had is gone or is something else now. Milliseconds of the monotonic clock. */
  get lastReplacement(): number | undefined {
    return this.#lastReplacement;
  }

  /** When the next response may go, as far as time decides; infinity: not before an ACK or NACK (X67). */
  slotFreeAt(now: number): number {
    const last = this.#outstanding.at(-1);
    if (last === undefined) return now;
    return this.#type === 'cluster' ? last.sentAt + clusterPatience : Infinity;
  }

  /** What a response replaces, and what those before it did that are not answered: a full state repeats that, and may be refused for it. */
  replacedWith(replaces: ReadonlyMap<string, Held>): ReadonlyMap<string, Held> {
    if (this.#outstanding.length === 0) return replaces;
    const unanswered = this.#outstanding.flatMap((flight) => [...flight.replaces]);
    return new Map([...replaces, ...unanswered.toReversed()]);
  }

  /** @param replaces whether it takes something from the client or puts something else in its place */
  sent(flight: Flight, replaces: boolean): void {
    this.#outstanding.push(flight);
    if (replaces) this.#lastReplacement = flight.sentAt;
    // Not the flight itself, which holds on to the bytes.
    this.#lastSent = { version: flight.version, nonce: flight.nonce, at: flight.sentAt };
  }

  /** Takes out what a request answers, as one response; undefined: it answers nothing that is outstanding. */
  answered(nonce: string, isAck: boolean, now: number): Flight | undefined {
    const index = nonce === '' ? -1 : this.#outstanding.findIndex((flight) => flight.nonce === nonce);
    if (index < 0) return undefined;
    // Of several responses in a row a SotW client may answer only the last.
    const first = this.#wire === 'sotw' ? 0 : index;
    const flight = joined(this.#outstanding.splice(first, index + 1 - first));
    if (isAck && flight !== undefined) this.#lastAcked = { version: flight.version, at: now };
    return flight;
  }
}
