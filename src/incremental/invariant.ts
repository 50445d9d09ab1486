/** Thrown when the program contradicts itself: a bug of ours, never a user's mistake. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/**
 * States what must be true by construction.
 *
 * @param message what was expected, as a sentence without a full stop
 * @throws InvariantError when it is not true; the engine confines it to the query in which it happened
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
