import { isNewsIn, type Flight, type Nack } from './flight.ts';

/** How far what follows from an object has come to the proxies. */

/** What became, at one client, of a resource as it is since a commit. */
export type Standing =
  | { readonly kind: 'confirmed' }
  /** It waits to be sent, or for its ACK. */
  | { readonly kind: 'pending' }
  /** `message`: the client's words. `at`: milliseconds of the monotonic clock. */
  | { readonly kind: 'rejected'; readonly message: string; readonly at: number };

/** What a client has said of one type until now. */
export interface Confirmed {
  /** Its last refusal. */
  readonly nack: Nack | undefined;
  /** The commit through which it has confirmed everything. */
  readonly confirmedThrough: number;
  /** The same when it began to refuse something. */
  readonly confirmedBeforeRefusal: number;
  readonly outstanding: readonly Flight[];
}

/**
 * What became of a name's content as it is since a commit, for a name that the client should have.
 *
 * @param state `due`: the client has to hear of it; `refused`: of what it stands for it does not want to
 */
export function standingOf(
  name: string,
  since: number,
  state: 'told' | 'due' | 'refused',
  { nack, confirmedThrough, confirmedBeforeRefusal, outstanding }: Confirmed,
): Standing {
  if (state === 'refused' && since > confirmedBeforeRefusal) {
    return { kind: 'rejected', message: nack?.message ?? '', at: nack?.at ?? 0 };
  }
  // What is refused or on its way now may be so for another reason than what happened until then.
  if (state === 'refused' || confirmedThrough >= since) return { kind: 'confirmed' };
  return { kind: state === 'due' || outstanding.some((flight) => isNewsIn(flight, name)) ? 'pending' : 'confirmed' };
}

export interface Report {
  /** A proxy may have several streams. */
  readonly nodeId: string;
  readonly standing: Standing;
}

export interface Programming {
  /** Connected proxies that get at least one resource that the object is among the makers of. */
  readonly proxies: number;
  /** Those of them that have confirmed all of these resources as they are since the object's last change. */
  readonly confirmed: number;
  /** Those that refuse one. */
  readonly rejected: number;
  /** The first of those, by node id. */
  readonly rejections: readonly ProgrammingRejection[];
}

export interface ProgrammingRejection {
  readonly nodeId: string;
  /** The proxy's words. */
  readonly message: string;
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
}

/** Rejections that are told one by one: more than a few say the same. */
const mostRejections = 3;

/** Of several reports of one proxy the worst counts. */
export function programmingOf(reports: Iterable<Report>): Programming {
  const worst = new Map<string, Standing>();
  for (const { nodeId, standing } of reports) {
    const known = worst.get(nodeId);
    if (known === undefined || rank[standing.kind] > rank[known.kind]) worst.set(nodeId, standing);
  }
  let confirmed = 0;
  const rejections: ProgrammingRejection[] = [];
  for (const [nodeId, standing] of worst) {
    if (standing.kind === 'confirmed') confirmed++;
    else if (standing.kind === 'rejected') rejections.push({ nodeId, message: standing.message, at: standing.at });
  }
  rejections.sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  const { length: rejected } = rejections;
  return { proxies: worst.size, confirmed, rejected, rejections: rejections.slice(0, mostRejections) };
}

const rank = { confirmed: 0, pending: 1, rejected: 2 } as const satisfies Record<Standing['kind'], number>;
