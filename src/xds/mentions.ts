import { messagePieces } from './fragment.ts';
import type { Resource } from './resources.ts';

/** What was found out about a resource, for all streams that are about to send it. */
const known = new WeakMap<Resource, Map<string, boolean>>();

/** Names times bytes that are looked through for one resource on one stream: some milliseconds. */
const mostWork = 32 * 1024 * 1024;

/**
 * Whether a resource refers to one of several others by name, found by looking for the names in its bytes: Envoy finds what a route
 * or a filter refers to by its name, so the name stands there as it is. Says yes too often, where a name is part of a longer one or where
 * there is too much to look through, and never no in error.
 *
 * @param names none of them empty
 */
export function mentionsAny(resource: Resource, names: readonly string[]): boolean {
  if (names.length === 0) return false;
  const pieces = messagePieces(resource);
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (names.length * length > mostWork) return true;
  let answers = known.get(resource);
  if (answers === undefined) known.set(resource, (answers = new Map()));
  for (const name of names) {
    let answer = answers.get(name);
    if (answer === undefined) answers.set(name, (answer = pieces.some((piece) => includes(piece, name))));
    if (answer) return true;
  }
  return false;
}

function includes({ buffer, byteOffset, length }: Uint8Array, name: string): boolean {
  return Buffer.from(buffer, byteOffset, length).includes(name);
}
