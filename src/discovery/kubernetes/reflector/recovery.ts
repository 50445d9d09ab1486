import { ApiError } from '../api/api-client.ts';
import { StallError } from './watching.ts';

/** What a failed list or watch means for the next one. */
export type Recovery =
  /** Nothing is wrong with the version: go on from it. */
  | { readonly kind: 'retry' }
  /** The server may be gone, or may have nothing to say: go on from the version (K21). */
  | { readonly kind: 'silence' }
  /** The server itself has a fault, which may be bound to the version: go on from it for a while, then list (K14). */
  | { readonly kind: 'server-fault' }
  /** The server does not know the version any more, or not yet: list what is true now (K11). */
  | { readonly kind: 'expired' }
  /** Something was said that was not understood: list (K22). */
  | { readonly kind: 'misunderstood' }
  /** The server has no such kind, or does not let us see it: ask now and then (K14). */
  | { readonly kind: 'absent' | 'forbidden' };

export function recoveryFrom(error: unknown): Recovery {
  if (error instanceof StallError) return { kind: 'silence' };
  if (!(error instanceof ApiError)) return { kind: 'retry' };
  if (error.failure === 'malformed') return { kind: 'misunderstood' };
  if (error.failure !== 'refused') return { kind: 'retry' };
  if (error.status === 410 || error.causes.includes('ResourceVersionTooLarge')) return { kind: 'expired' };
  switch (error.status) {
    case 401:
    case 429:
      return { kind: 'retry' };
    case 403:
      return { kind: 'forbidden' };
    case 404:
      return { kind: 'absent' };
    default:
      return { kind: 'server-fault' };
  }
}

/**
 * Whether a set that could not be had at the beginning of a watch may be had by a list (K16): not where that would be told the same, or
 * where nobody is there.
 */
export function mayListInstead(error: unknown): boolean {
  if (!(error instanceof ApiError)) return true;
  if (error.failure === 'unreachable' || error.failure === 'credentials') return false;
  return error.failure !== 'refused' || ![401, 403, 404, 410, 429].includes(error.status ?? 0);
}
