import type { IncomingMessage } from 'node:http';

/** The guard board: endpoints that registries do not name any more and that are held, and letting go of them (reliability O45). */

/** What `/guard` answers and `weir guard list` prints. Times are ISO 8601. */
export interface GuardReport {
  readonly holds: readonly HoldReport[];
}

export interface HoldReport {
  readonly source: string;
  /** `namespace/host`. */
  readonly service: string;
  /** Addresses and ports of those held. */
  readonly endpoints: readonly string[];
  /** How many the source calls usable. */
  readonly named: number;
  readonly since: string;
  /** When the next of them may leave; absent: not while the source is away. */
  readonly nextRelease?: string;
}

export interface ReleaseRequest {
  /** undefined: of whichever source. */
  readonly source: string | undefined;
  /** `namespace/host`; undefined: all. */
  readonly service: string | undefined;
  /** Who says so: for the audit trail, taken from whoever has the token. */
  readonly who: string;
  readonly reason: string;
}

export interface GuardViews {
  readonly report: () => GuardReport;
  /** @param authorization the header of that name */
  readonly mayChange: (authorization: string | undefined) => Promise<boolean>;
  /** Gives how many endpoints it let go. */
  readonly release: (request: ReleaseRequest) => number;
}

export type ReleaseOutcome =
  | { readonly kind: 'released'; readonly endpoints: number }
  | { readonly kind: 'refused'; readonly status: 400 | 403; readonly reason: string };

const mostBytes = 16 * 1024;
const longestText = 1024;

/** Carries out a request to let go of endpoints, of somebody who may. */
export async function releaseAsked(request: IncomingMessage, guard: GuardViews): Promise<ReleaseOutcome> {
  if (!(await guard.mayChange(request.headers.authorization))) {
    return refused(403, 'this takes the token of --admin-token-file, as "authorization: Bearer TOKEN"');
  }
  const asked = readRequest(await bodyOf(request));
  return typeof asked === 'string' ? refused(400, asked) : { kind: 'released', endpoints: guard.release(asked) };
}

function refused(status: 400 | 403, reason: string): ReleaseOutcome {
  return { kind: 'refused', status, reason };
}

/** Gives what is wrong with it, where something is. */
function readRequest(text: string): ReleaseRequest | string {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return 'the body must be JSON of at most 16 KiB';
  }
  if (typeof body !== 'object' || body === null) return 'the body must be a JSON object';
  const fields = new Map<string, unknown>(Object.entries(body));
  const known = ['source', 'service', 'who', 'reason', 'all'];
  const unknown = [...fields.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) return `there is no field ${JSON.stringify(unknown)}; there are ${known.join(', ')}`;
  const texts = ['source', 'service', 'who', 'reason'].filter((name) => fields.has(name));
  const malformed = texts.find((name) => textOf(fields.get(name)) === undefined);
  if (malformed !== undefined) return `${malformed} must be text of 1 to ${longestText} characters`;
  const [source, service, who, reason] = ['source', 'service', 'who', 'reason'].map((name) => textOf(fields.get(name)));
  if (who === undefined || reason === undefined) return 'who and reason are needed, for the audit trail';
  if (service === undefined && fields.get('all') !== true) return 'name a service, or write "all": true';
  return { source, service, who, reason };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= longestText ? value : undefined;
}

/** As far as it is read: what is longer is no JSON any more. */
async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > mostBytes) return '';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
