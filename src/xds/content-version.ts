import xxhash from 'xxhash-wasm';

// WebAssembly is compiled once, before anything is hashed, so that hashing itself is synchronous.
const hashing = await xxhash();

/** Characters, and bytes, of a version. */
export const versionLength = 13;

/**
 * Version of a resource: xxHash64 of its bytes in 13 base-36 characters, equal on every replica and after a restart, so that a
 * client that reconnects is sent nothing that it has (hot-path H401). Compared only among versions of one name. Changing the
 * algorithm sends the world once to everyone (hot-path H409).
 *
 * @param pieces the bytes; where they are cut makes no difference
 */
export function versionOf(...pieces: readonly Uint8Array[]): string {
  const [first, ...others] = pieces;
  const hash = others.length > 0 || first === undefined ? hashOfAll(pieces) : hashing.h64Raw(first, 0n);
  return hash.toString(36).padStart(versionLength, '0');
}

function hashOfAll(pieces: readonly Uint8Array[]): bigint {
  const hash = hashing.create64(0n);
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}
