import type { Finding, ObjectReference } from '../model/provenance.ts';
import type { FindingCode } from '../model/finding-codes.ts';

/** What a checker says, before it is tied to an object. */
interface Remark {
  readonly severity: Finding['severity'];
  readonly code: FindingCode;
  /** `spec.` path of the field; empty for the object as a whole. */
  readonly path: string;
  readonly message: string;
  readonly advice: string;
}

export function aboutObject(object: ObjectReference, remark: Remark): Finding {
  return { ...remark, object };
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(items: readonly string[]): string {
  const last = items.at(-1) ?? '';
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} and ${last}`;
}
