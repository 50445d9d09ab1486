import { isDeepStrictEqual } from 'node:util';
import type { Violation } from '../model/provenance.ts';
import {
  readReview,
  reviewOf,
  type MalformedReview,
  type ReviewAnswer,
  type ReviewRequest,
} from './admission-review.ts';

/**
 * What the validating webhook answers (kubernetes K88, K91). It refuses only what can never be right by itself; what depends on other
 * objects is a warning, since the order of apply is free (policy P441). It has no side effects, so a dry run is answered like any other.
 */

/** What is wrong with an object; undefined: Weir does not read objects of its kind. */
export type Judge = (object: AdmittedObject) => readonly Violation[] | undefined;

/** An object as somebody wants to write it: plain JSON. */
export type AdmittedObject = Readonly<Record<string, unknown>>;

export type ReviewOutcome = 'allowed' | 'refused';

/** @param body of the request, parsed */
export function answerReview(body: unknown, judge: Judge): ReviewAnswer<ReviewOutcome> | MalformedReview {
  const request = readReview(body);
  if ('kind' in request) return request;
  const judgement = judgementOf(request, judge);
  const outcome = judgement.refusal === undefined ? 'allowed' : 'refused';
  return { kind: 'answer', outcome, review: reviewOf(request, judgement) };
}

interface Judgement {
  /** A `metav1.Status`. */
  readonly refusal: unknown;
  readonly warnings: readonly string[];
}

const noObjection: Judgement = { refusal: undefined, warnings: [] };

function judgementOf(request: ReviewRequest, judge: Judge): Judgement {
  const { operation, object, oldObject, subResource } = request;
  if (operation !== 'CREATE' && operation !== 'UPDATE') return noObjection;
  if (object === null || object === undefined || (subResource ?? '') !== '') return noObjection;
  const violations = judge(object);
  if (violations === undefined) {
    return { refusal: undefined, warnings: [`Weir does not read objects of this kind (${kindOf(object)})`] };
  }
  const errors = violations.filter(({ severity }) => severity === 'error');
  if (errors.length === 0 || mustPass(object, oldObject)) {
    return { refusal: undefined, warnings: violations.map(sentenceOf) };
  }
  return { refusal: refusalOf(object, request, errors), warnings: violations.filter(isWarning).map(sentenceOf) };
}

/** An object that is wrong already must stay deletable, and its labels editable. */
function mustPass(object: AdmittedObject, before: AdmittedObject | null | undefined): boolean {
  if (before === null || before === undefined) return false;
  const metadata = object['metadata'];
  const isLeaving = typeof metadata === 'object' && metadata !== null && 'deletionTimestamp' in metadata;
  return isLeaving || isSame(object['spec'], before['spec']);
}

function isSame(a: unknown, b: unknown): boolean {
  try {
    return isDeepStrictEqual(a, b);
  } catch {
    // Nested more deeply than can be compared: nothing that anybody wrote.
    return false;
  }
}

/** kubectl prints the causes, one a line; everybody else the message. */
function refusalOf(object: AdmittedObject, request: ReviewRequest, errors: readonly Violation[]): unknown {
  const causes = errors.map((violation) => ({
    reason: 'FieldValueInvalid',
    field: violation.path === '' ? 'object' : violation.path,
    message: remarkOf(violation),
  }));
  return {
    status: 'Failure',
    code: 422,
    reason: 'Invalid',
    message: errors.map(sentenceOf).join('\n'),
    details: { kind: kindOf(object), name: nameOf(object, request), causes },
  };
}

function sentenceOf(violation: Violation): string {
  const { path } = violation;
  return `${path === '' ? '' : `${path}: `}${remarkOf(violation)}`;
}

function remarkOf({ code, message, advice }: Violation): string {
  return `${message}; ${advice} (${code})`;
}

function isWarning({ severity }: Violation): boolean {
  return severity === 'warning';
}

function kindOf({ kind }: AdmittedObject): string {
  return typeof kind === 'string' ? kind.slice(0, 100) : 'without kind';
}

function nameOf({ metadata }: AdmittedObject, { name }: ReviewRequest): string {
  const own = typeof metadata === 'object' && metadata !== null && 'name' in metadata ? metadata.name : undefined;
  return typeof own === 'string' ? own : (name ?? '');
}
