import { z } from 'zod';

/** What an API server asks a webhook, and how it is answered (kubernetes K88). */

const reviewVersion = 'admission.k8s.io/v1';

const reviewSchema = z.object({
  apiVersion: z.literal(reviewVersion, { error: `apiVersion must be ${reviewVersion}` }),
  kind: z.literal('AdmissionReview', { error: 'kind must be AdmissionReview' }),
  request: z.object(
    {
      uid: z.string({ error: 'request.uid is missing' }).min(1, { error: 'request.uid is empty' }),
      operation: z.string({ error: 'request.operation is missing' }),
      subResource: z.string().nullish(),
      namespace: z.string().nullish(),
      name: z.string().nullish(),
      object: z.record(z.string(), z.unknown()).nullish(),
      oldObject: z.record(z.string(), z.unknown()).nullish(),
    },
    { error: 'request is missing' },
  ),
});

export type ReviewRequest = z.infer<typeof reviewSchema>['request'];

/** The request is no AdmissionReview; the reason is for whoever configured it. */
export interface MalformedReview {
  readonly kind: 'malformed';
  readonly reason: string;
}

/** What is sent back, and what came of the question. */
export interface ReviewAnswer<Outcome> {
  readonly kind: 'answer';
  readonly outcome: Outcome;
  readonly review: unknown;
}

/** @param body of the request, parsed */
export function readReview(body: unknown): ReviewRequest | MalformedReview {
  const read = reviewSchema.safeParse(body);
  if (read.success) return read.data.request;
  const reasons = read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`.replace(/^: /, ''));
  return { kind: 'malformed', reason: reasons.join('; ') };
}

export interface ReviewResponse {
  /** A `metav1.Status`; undefined: it is allowed. */
  readonly refusal: unknown;
  readonly warnings: readonly string[];
  /** Operations of RFC 6902; none: the object stays as it is. */
  readonly patch?: readonly unknown[];
}

export function reviewOf({ uid }: ReviewRequest, { refusal, warnings, patch = [] }: ReviewResponse): unknown {
  const response = {
    uid,
    allowed: refusal === undefined,
    ...(refusal === undefined ? {} : { status: refusal }),
    ...(warnings.length === 0 ? {} : { warnings: warningsFrom(warnings) }),
    ...(patch.length === 0
      ? {}
      : { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }),
  };
  return { apiVersion: reviewVersion, kind: 'AdmissionReview', response };
}

/** Warnings of one answer, and characters of each: the server cuts beyond 4,096 altogether. */
const mostWarnings = 16;
const longestWarning = 250;

/** One line each, in the characters that a header may hold: the server drops others. */
function warningsFrom(sentences: readonly string[]): readonly string[] {
  const shown = sentences.slice(0, mostWarnings).map((sentence) => {
    const line = sentence.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ');
    return line.length > longestWarning ? `${line.slice(0, longestWarning - 1).toWellFormed()}…` : line;
  });
  const left = sentences.length - shown.length;
  return left === 0 ? shown : [...shown, `and ${left} more: weir check shows all`];
}
