import type { Cause } from '../incremental/definitions.ts';
import type { Provenance } from '../model/provenance.ts';
import type { PushLatency } from './observer.ts';
import type { ErrorDetail } from './requests.ts';
import type { Resource } from './resources.ts';

/** A commit that changed resources. */
export interface Publication {
  readonly cause: Cause;
  /** Milliseconds of the monotonic clock at which the results were right. */
  readonly committedAt: number;
  /** The commit's sequence number. */
  readonly sequence: number;
}

/** What a client holds under a name in place of what a response says: content, nothing, or nobody knows what. */
export type Held = Resource | 'nothing' | 'unknown';

/** A response on its way: sent and neither ACKed nor NACKed. */
export interface Flight {
  readonly nonce: string;
  /** Version of the view at the moment of sending. */
  readonly version: string;
  /** Milliseconds of the monotonic clock. */
  readonly sentAt: number;
  readonly resources: readonly Resource[];
  readonly removed: readonly string[];
  /** Full state: what the client held of those resources that are news to it, to be repeated should it refuse them. */
  readonly replaces: ReadonlyMap<string, Held>;
  readonly publications: readonly Publication[];
  /** Sequence of the last commit when it was sent: it holds nothing older than that. */
  readonly sequence: number;
  /** Whether it only says that its resources, which the client has, are still so (X72). */
  readonly isHeartbeat: boolean;
  /** Names in it that the client may not have had. */
  readonly introduces: readonly string[];
}

/** What a client has refused. */
export interface Nack {
  /** The client's words, cut at 1 KiB. */
  readonly message: string;
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
  readonly nonce: string;
  readonly names: readonly string[];
  readonly objects: readonly Provenance[];
}

/** What a request's nonce and error say of an earlier response. */
export type Settlement =
  /** The request answers nothing: it is the first, only changes the subscription, or its nonce is out of date. */
  | { readonly kind: 'none' }
  | { readonly kind: 'acked'; readonly flight: Flight }
  | { readonly kind: 'nacked'; readonly flight: Flight; readonly nack: Nack };

/** Words of a client that are kept (xds-protocol X53). */
const longestMessage = 1024;
/** Names and objects of a rejected response that are kept for people to read. */
const longestList = 20;

export function namesOf(flight: Flight): readonly string[] {
  return [...flight.resources.map((resource) => resource.name), ...flight.removed];
}

/** Whether a response carries a name because of what it says of it; a full state carries all others along. */
export function isNewsIn({ resources, replaces, isHeartbeat }: Flight, name: string): boolean {
  if (isHeartbeat) return false;
  return replaces.size > 0 ? replaces.has(name) : resources.some((resource) => resource.name === name);
}

/**
 * Several responses of which only the last was answered, oldest first, as one: all of them are accepted or refused with it.
 *
 * @returns undefined when there are none
 */
export function joined(flights: readonly Flight[]): Flight | undefined {
  const last = flights.at(-1);
  if (last === undefined || flights.length === 1) return last;
  const here = new Set(last.resources.map(({ name }) => name));
  const removed = flights.flatMap((flight) => flight.removed).filter((name) => !here.has(name));
  const publications = flights.flatMap((flight) => flight.publications);
  return { ...last, removed: [...new Set(removed)], publications };
}

/** How long the changes in a response took until its ACK. @param now milliseconds of the monotonic clock */
export function latenciesOf({ publications, sentAt }: Flight, now: number): readonly PushLatency[] {
  return publications.map(({ cause, committedAt }) => ({
    source: cause.source,
    stages: { commit: committedAt - cause.at, send: sentAt - committedAt, ack: now - sentAt },
    total: now - cause.at,
  }));
}

/** @param names those at fault */
export function nackOf(flight: Flight, error: ErrorDetail, names: readonly string[], at: number): Nack {
  const guilty = new Set(names);
  const objects = new Map<string, Provenance>();
  for (const resource of flight.resources) {
    if (!guilty.has(resource.name)) continue;
    for (const object of resource.provenance) {
      if (objects.size < longestList) objects.set(`${object.kind} ${object.namespace}/${object.name}`, object);
    }
  }
  const message = Buffer.from(error.message).subarray(0, longestMessage).toString('utf8');
  return { message, at, nonce: flight.nonce, names: names.slice(0, longestList), objects: [...objects.values()] };
}
