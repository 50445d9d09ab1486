import { z } from 'zod';
import { ApiError } from './api-client.ts';

/** What an API server says when it refuses: a `Status` object, in the body of an answer or in an ERROR event. */

const statusObject = z.object({
  kind: z.literal('Status'),
  code: z.number().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
  details: z
    .object({
      causes: z.array(z.object({ reason: z.string().optional() })).nullish(),
      retryAfterSeconds: z.number().nonnegative().optional(),
    })
    .nullish(),
});

/** How much of an answer that is no Status object is shown. */
const shownText = 200;

export interface Refusal {
  /** HTTP status of the answer; undefined: that of the Status object counts. */
  readonly status?: number;
  /** The header of the answer, which wins over the Status object. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * The error that a Status object stands for.
 *
 * @param what was refused, for the message: `GET /api/v1/pods`
 * @param body parsed JSON, or the text of an answer that is none
 */
export function refusal(what: string, body: unknown, { status, retryAfterMs }: Refusal = {}): ApiError {
  const read = statusObject.safeParse(body);
  if (!read.success) {
    const text = typeof body === 'string' ? body.slice(0, shownText) : 'no Status object';
    return new ApiError(
      'refused',
      `${what}: ${status ?? 'refused'}: ${text}`,
      withoutUndefined({ status, retryAfterMs }),
    );
  }
  const { code, reason, message, details } = read.data;
  const seconds = details?.retryAfterSeconds;
  return new ApiError('refused', `${what}: ${[status ?? code, reason, message].filter(Boolean).join(': ')}`, {
    ...withoutUndefined({
      status: status ?? code,
      reason,
      retryAfterMs: retryAfterMs ?? (seconds === undefined ? undefined : seconds * 1000),
    }),
    causes: (details?.causes ?? []).flatMap((cause) => cause.reason ?? []),
  });
}

/**
 * Milliseconds that a header `Retry-After` asks for: seconds, or a date (RFC 9110 10.2.3).
 *
 * @param now milliseconds since 1970
 */
export function readRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function withoutUndefined(details: {
  status?: number | undefined;
  reason?: string | undefined;
  retryAfterMs?: number | undefined;
}): { status?: number; reason?: string; retryAfterMs?: number } {
  return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined));
}
