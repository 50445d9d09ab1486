import type { ProxyKey } from '../model/keys.ts';
import type { Provenance } from '../model/provenance.ts';
import { latenciesOf, type Settlement } from './flight.ts';

/** `sotw`: every response carries the whole state of its type or part (state of the world). `delta`: what changed. */
export type Wire = 'delta' | 'sotw';

/** The stream that something happened on. */
export interface StreamFacts {
  readonly proxy: ProxyKey;
  readonly nodeId: string;
  /** Remote address of the connection, `address:port`. */
  readonly address: string;
  readonly wire: Wire;
}

/** One response that was handed to the transport. */
export interface Push {
  readonly stream: StreamFacts;
  /** Short name of the type (`cluster`, `endpoints`, …). */
  readonly type: string;
  readonly nonce: string;
  readonly resources: number;
  readonly removed: number;
  /** Size of the message without gRPC's framing. */
  readonly bytes: number;
  /** Commits whose changes the response carries; 0 when it only answers a request. */
  readonly changes: number;
}

/** How long one change took to reach the proxy, in milliseconds; the stages add up to `total`. */
export interface PushLatency {
  /** Name of the source that heard of the change. */
  readonly source: string;
  readonly stages: {
    /** From the source's event until every query was right again. */
    readonly commit: number;
    /** Until the response was handed to the transport: includes waiting for an earlier response's ACK. */
    readonly send: number;
    /** Until the proxy's ACK was read. */
    readonly ack: number;
  };
  readonly total: number;
}

export interface Acknowledgement {
  readonly stream: StreamFacts;
  readonly type: string;
  readonly nonce: string;
  /** Milliseconds from handing the response to the transport until the ACK. */
  readonly milliseconds: number;
  /** One per commit that the response carried; empty for the answer to a request. */
  readonly latencies: readonly PushLatency[];
}

export interface Rejection {
  readonly stream: StreamFacts;
  readonly type: string;
  readonly nonce: string;
  /** The proxy's words, their first 1,024 bytes. */
  readonly message: string;
  /** The resources that the message names; all of the response when it names none. */
  readonly names: readonly string[];
  /** The objects that made those resources. */
  readonly objects: readonly Provenance[];
}

/** A connection that was not served, or no longer. */
export interface Refusal {
  readonly address: string;
  /** Empty when the stream ended before it said who it is. */
  readonly nodeId: string;
  /** Name of the gRPC status, for example `UNAVAILABLE`. */
  readonly status: string;
  readonly reason: RefusalReason;
  /** For people who run Weir: the client may have been told less. */
  readonly message: string;
}

/**
 * `not-ready`: Weir starts or stops. `too-many`: more come than are let in. `no-credential`, `bad-credential`: nobody knows who calls.
 * `unverified`: it could not be found out. `node`: it says that it is another than its credential proves. `expired`: its credential has
 * ended. `limit`: it asks for too much. `request`: what it says is of no use. `internal`: a fault of Weir.
 */
export type RefusalReason = (typeof refusalReasons)[number];

export const refusalReasons = [
  'not-ready',
  'too-many',
  'no-credential',
  'bad-credential',
  'unverified',
  'node',
  'expired',
  'limit',
  'request',
  'internal',
] as const;

/** Something that a proxy asked for and is not its own. */
export interface Denial {
  readonly stream: StreamFacts;
  readonly type: string;
  readonly name: string;
  readonly reason: DenialReason;
}

/** `no-identity`: nobody knows who it is. `not-served`: its certificate comes from elsewhere. `foreign`: it may not have the name. */
export type DenialReason = 'no-identity' | 'not-served' | 'foreign';

/** Hears what happens on the streams: for metrics and logs. Called synchronously while requests and pushes are worked off. */
export interface XdsObserver {
  /** The first request of a stream was accepted. */
  connected(stream: StreamFacts): void;
  /** @param reason why, for people */
  disconnected(stream: StreamFacts, reason: string): void;
  /** A stream was turned away, or is ended because of a fault in what it sent; told before `disconnected` if it was connected. */
  refused(refusal: Refusal): void;
  pushed(push: Push): void;
  acked(ack: Acknowledgement): void;
  nacked(rejection: Rejection): void;
  /** A response has waited for its ACK or NACK for a minute (xds-protocol X69). Told once per response; the stream goes on. */
  overdue(stream: StreamFacts, type: string, nonce: string): void;
  /** A name is left out because it is not the proxy's (istio-compat I248); the stream goes on. Told once for each time that it is asked for. */
  denied(denial: Denial): void;
}

/** An observer that looks away. */
export const noObserver: XdsObserver = {
  connected: () => undefined,
  disconnected: () => undefined,
  refused: () => undefined,
  pushed: () => undefined,
  acked: () => undefined,
  nacked: () => undefined,
  overdue: () => undefined,
  denied: () => undefined,
};

/** Says how a response was answered. @param now milliseconds of the monotonic clock */
export function reportSettlement(
  observer: XdsObserver,
  stream: StreamFacts,
  type: string,
  settlement: Settlement,
  now: number,
): void {
  if (settlement.kind === 'none') return;
  const { flight } = settlement;
  const { nonce } = flight;
  if (settlement.kind === 'nacked') {
    const { message, names, objects } = settlement.nack;
    observer.nacked({ stream, type, nonce, message, names, objects });
  } else {
    const latencies = latenciesOf(flight, now);
    observer.acked({ stream, type, nonce, milliseconds: now - flight.sentAt, latencies });
  }
}
